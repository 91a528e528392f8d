"""The decision for one request: a pip and a conda pairing, what was rejected and why, and what the user must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.capability import ArchCode
from envgen.core.drivers import DriverVersion
from envgen.core.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """Which code of a build runs on one GPU."""

    gpu: str
    code: ArchCode


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPairing:
    """A torch wheel build that runs, with its companions.

    `torchvision` and `torchaudio` are versions, or empty when not wanted or without a matching release.
    `driver_floor` is the oldest driver that will do; `fully_served` is False when minor-version compatibility is used.
    """

    build: PipBuild
    index_url: str
    torchvision: str
    torchaudio: str
    code: tuple[CodeUse, ...]
    driver_floor: DriverVersion
    fully_served: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPairing:
    """A conda build that runs. `specs` are the match specs to solve, in the order in which they are written."""

    build: CondaBuild
    cuda_version: str
    specs: tuple[str, ...]
    code: tuple[CodeUse, ...]
    driver_floor: DriverVersion
    fully_served: bool


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
    TORCH_SPEC = "torch-excluded"
    CUDA_SPEC = "cuda-excluded"
    NO_TORCHVISION = "no-torchvision"
    OLDER = "older-than-chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One build that was not taken: `unlock` maps an option (driver, python, …) to the value that would allow it."""

    channel: str
    torch: str
    cuda: str
    code: RejectionCode
    text: str
    unlock: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user must know about the decision."""

    code: str
    text: str


# ("pip" or "conda", release, CUDA tag or toolkit's major.minor)
Absent = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The decision. `driver` is the driver it was made for (given, probed or assumed).

    `pip` and `conda` are None when no build of theirs runs. `rejected` holds the builds of the chosen releases and of
    newer ones, newest first; all of a channel's builds when none of them runs. `absent` are the builds that were left
    out because an index or channel was asked and does not have them.
    """

    request: Request
    driver: DriverVersion
    pip: PipPairing | None
    conda: CondaPairing | None
    rejected: tuple[Rejection, ...]
    notices: tuple[Notice, ...]
    absent: frozenset[Absent] = frozenset()
