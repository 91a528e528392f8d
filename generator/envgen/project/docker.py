"""A Dockerfile for the locked pip set: a slim Python, since the wheels carry CUDA, and the driver that they need."""

from __future__ import annotations

from envgen.core.errors import NoPairingError, UsageError, quoted
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.releases import first_of_major
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.files.registry import REQUIREMENTS, SMOKE_TEST
from envgen.files.templates import render

FILE = "Dockerfile"
# Debian 12 has glibc 2.36 (packages.debian.org/bookworm/libc6), newer than any wheel of torch needs.
_BASE = "slim-bookworm"
# An image as `FROM` takes it (github.com/distribution/reference): host, path, tag, digest.
_IMAGE = Pattern(
    r"(?:[A-Za-z0-9.-]{1,200}(?::\d{1,5})?/)?[a-z0-9][a-z0-9._/-]{0,200}"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


class NoContainerError(NoPairingError):
    """A platform has no containers with a GPU."""

    code = "platform-without-container"

    def __init__(self, subdir: Subdir) -> None:
        super().__init__(
            f"no container of {subdir} has CUDA",
            "NVIDIA's container toolkit is for Linux; on Windows it runs in WSL2, whose containers are linux-64",
            hint="pass --platform linux-64",
        )


def dockerfile(
    pairing: Pairing, request: Request, lock_command: str, *, base: str = "", requirements: str = REQUIREMENTS.one
) -> str:
    """The text of a Dockerfile beside a requirements file, which `lock_command` makes; on Debian's slim Python.

    Raises: NoContainerError for Windows and macOS, UsageError for a base that is no image.
    """
    if base and not _IMAGE.fullmatch(base):
        hint = f"python:{request.python}-{_BASE}, or with its digest: …@sha256:64 digits (from --base)"
        raise UsageError(f"{quoted(base)} is no name of an image", hint=hint)
    if not request.subdir.is_linux:
        raise NoContainerError(request.subdir)
    return render(
        "Dockerfile.j2",
        base=base or f"python:{request.python}-{_BASE}",
        is_pinned="@" in base,
        architecture="arm64" if request.subdir is Subdir.LINUX_AARCH64 else "amd64",
        needs=_needs(pairing, request),
        requirements=requirements,
        smoke_test=SMOKE_TEST.one,
        lock_command=lock_command,
    )


def _needs(pairing: Pairing, request: Request) -> tuple[str, str] | None:
    """What of its host the container needs, and from which version on; a Jetson's driver has no number of its own."""
    if pairing.driver_floor is None:
        return None
    if request.jetpack is not None:
        return "cuda", first_of_major(pairing.build.cuda)
    return "driver", str(pairing.driver_floor)
