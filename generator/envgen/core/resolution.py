"""The decision for one request: a pip and a conda pairing, what was rejected and why, and what the user must know."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from envgen.core.builds import Build, BuildKey
from envgen.core.capability import ArchCode
from envgen.core.changes import Change
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.request import Request
from envgen.core.sets import PackageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """Which code of a build runs on one GPU."""

    gpu: str
    code: ArchCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A build that runs, with what goes with it.

    `driver_floor` is the oldest driver that will do, None in the CPU lane; `fully_served` is False when minor-version
    compatibility is used.
    `cudnn_below` is the first cuDNN release that dropped a GPU of the request, or empty: a lock stays below it.
    Pip's own: `index_url`; `torchvision` and `torchaudio` are versions, or empty when not wanted or without a matching
    release. Conda's own: `specs` are the match specs to solve, in the order in which they are written.
    """

    build: Build
    code: tuple[CodeUse, ...]
    driver_floor: DriverVersion | None
    fully_served: bool
    cudnn_below: str = ""
    index_url: str = ""
    torchvision: str = ""
    torchaudio: str = ""
    specs: tuple[str, ...] = ()

    def codes(self) -> str:
        """Which code runs, each once: `sm_75 (SASS)`."""
        return ", ".join(dict.fromkeys(f"{use.code} ({use.code.kind.value.upper()})" for use in self.code))

    def runs_as(self) -> str:
        """Which code runs and since which driver: `runs as sm_75 (SASS), driver 528.33 or newer`."""
        if self.driver_floor is None:
            return "runs on the CPU"
        return f"runs as {self.codes()}, driver {self.driver_floor} or newer"

    @property
    def package_set(self) -> PackageSet:
        """The set that its build belongs to."""
        return self.build.package_set


# The notice of what a package of NVIDIA's would add to a driver: errors repeat it.
CUDA_COMPAT = "cuda-compat"


class RejectionCode(StrEnum):
    """Why a build was not taken."""

    NO_FILE = "no-file"
    UNCERTAIN = "existence-uncertain"
    GLIBC_TOO_OLD = "glibc-too-old"
    NOT_ON_PLATFORM = "gpu-not-on-platform"
    NO_KERNEL_IMAGE = "no-kernel-image"
    DRIVER_TOO_OLD = "driver-too-old"
    DRIVER_TOO_NEW = "driver-dropped-gpu"
    DRIVER_PREDATES_GPU = "driver-predates-gpu"
    CUDNN_UNSUPPORTED = "cudnn-unsupported"
    NO_LIBRARY_CODE = "library-without-code"
    UNPROVEN = "unproven"
    TORCH_SPEC = "torch-excluded"
    CUDA_SPEC = "cuda-excluded"
    NO_TORCHVISION = "no-torchvision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One build that was not taken. `change` would make it run, as was tried; None when nothing known does."""

    package_set: PackageSet
    torch: str
    cuda_tag: str
    code: RejectionCode
    text: str
    change: Change | None = None

    @property
    def unlock(self) -> dict[str, str]:
        """Option (driver, python, …) -> the value that would allow it; empty when nothing does."""
        return self.change.options() if self.change else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user must know about the decision; `package_set` is the one set that it is about, or None."""

    code: str
    text: str
    package_set: PackageSet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The decision. `driver` is the driver it was made for (given, probed or assumed), None in the CPU lane.

    `pip` and `conda` are None when no build of theirs runs. `rejected` holds the builds of the chosen releases and of
    newer ones, newest first; all of a set's builds when none of them runs. Their reasons are worked out when they are
    read. `absent` are the builds that were left out because an index or channel was asked and does not have them.
    """

    request: Request
    driver: DriverVersion | None
    pip: Pairing | None
    conda: Pairing | None
    rejected: Sequence[Rejection]
    notices: tuple[Notice, ...]
    absent: frozenset[BuildKey] = frozenset()

    @property
    def drivers(self) -> str:
        """The driver in words, or those of several computers: `drivers 535.183.01, JetPack 6.2`."""
        own = [
            f"JetPack {machine.jetpack.release}" if machine.jetpack else str(machine.driver or self.driver)
            for machine in self.request.machines
        ]
        drivers = tuple(dict.fromkeys(own)) or (str(self.driver),)
        return f"driver{'s' if len(drivers) > 1 else ''} {', '.join(drivers)}"

    def pairing(self, package_set: PackageSet) -> Pairing | None:
        """The pairing of one set, or None when no build of it runs."""
        return self.pip if package_set is PackageSet.PIP else self.conda
