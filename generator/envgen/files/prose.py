"""What headers tell people about a lock: whom it is for, what it holds and how to use it. No program reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen import __version__
from envgen.core.builds import Build
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.files.commands import target
from envgen.files.format import Use
from envgen.files.registry import our_file, use_lines

NO_TOOLKIT = "No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters."
SHIPPED_COMMAND = "envgen lock --all"


def file_title(name: str, requests: Sequence[Request]) -> str:
    """The first line of a file that requests make: those of all platforms, or the one whose subdir is in the name."""
    file = our_file(name)
    subdir = file.subdir if file is not None else None
    first, *others = [request for request in requests if subdir in (None, request.subdir)]
    return f"{__version__}: {name} for {target(first)}" + "".join(f" and {request.subdir}" for request in others)


def shipped_title(name: str, key: Shipped) -> str:
    """The first line of a file of a shipped lock."""
    return f"{__version__}: {name}, {key.label}, {key.subdir}, Python {key.python}"


def pip_lines(name: str, pairing: Pairing, request: Request, *, torch: str, torchvision: str) -> Iterator[str]:
    """What a file says of a pip lock, by the versions that are locked."""
    beside = f" with torchvision {torchvision}" if torchvision else ""
    holds = f"torch {torch}{beside}" + ("" if pairing.build.is_cpu else f" (CUDA tag {pairing.build.cuda_tag})")
    yield f"pip, {request.subdir}: {holds}, {pairing.runs_as()}"
    yield from build_lines(name, pairing.build, request.python)


def conda_lines(name: str, pairing: Pairing, request: Request, environment: str = "") -> Iterator[str]:
    """What a file says of a conda lock; `environment` is the name of its environment where one was given."""
    build = pairing.build
    holds = f"pytorch {build.short_label} from {build.conda.channels[0]}"
    yield f"conda, {request.subdir}: {holds}, {pairing.runs_as()}"
    yield from build_lines(name, build, request.python, environment)


def build_lines(name: str, build: Build, python: str, environment: str = "") -> Iterator[str]:
    """How a file is used that holds a build."""
    yield from use_lines(
        Use(
            file=name,
            subdir=build.subdir,
            python=python,
            cuda=build.cuda,
            environment=(environment or build.environment_name) if build.package_set is PackageSet.CONDA else "",
        )
    )


def shipped_lines(codes: Sequence[object], floor: object) -> tuple[str, str]:
    """Whom a shipped lock is for; the second line goes on with what it was made from."""
    return f"for every GPU that runs one of: {' '.join(map(str, codes))}", f"driver {floor} or newer; "
