"""A Dockerfile for the locked pip set: a slim Python, since the wheels carry CUDA, and the driver that they need."""

from __future__ import annotations

from envgen.core.errors import NoPairingError
from envgen.core.platforms import Subdir
from envgen.core.releases import first_of_major
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.files.registry import REQUIREMENTS, SMOKE_TEST
from envgen.files.templates import render

FILE = "Dockerfile"
# Debian 12 has glibc 2.36 (packages.debian.org/bookworm/libc6), newer than any wheel of torch needs.
_BASE = "slim-bookworm"


class NoContainerError(NoPairingError):
    """A platform has no containers with a GPU."""

    code = "platform-without-container"

    def __init__(self, subdir: Subdir) -> None:
        super().__init__(subdir)
        self.subdir = subdir

    def headline(self) -> str:
        return f"no container of {self.subdir} has CUDA"

    def facts(self) -> tuple[str, ...]:
        return ("NVIDIA's container toolkit is for Linux; on Windows it runs in WSL2, whose containers are linux-64",)

    def hint(self) -> str:
        return "pass --platform linux-64"


def dockerfile(pairing: Pairing, request: Request, lock_command: str) -> str:
    """The text of a Dockerfile beside requirements.txt, which `lock_command` makes.

    Raises: NoContainerError for Windows and macOS.
    """
    if not request.subdir.is_linux:
        raise NoContainerError(request.subdir)
    return render(
        "Dockerfile.j2",
        base=f"python:{request.python}-{_BASE}",
        architecture="arm64" if request.subdir is Subdir.LINUX_AARCH64 else "amd64",
        needs=_needs(pairing, request),
        requirements=REQUIREMENTS.one,
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
