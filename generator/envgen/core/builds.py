"""Builds of PyTorch, as pip wheels and as conda packages, and the driver facts that decide whether they run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir


class Existence(StrEnum):
    """How sure it is that a file of the build is published."""

    SEEN = "seen"
    ANNOUNCED = "announced"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipBuild:
    """One torch wheel build: a release, a CUDA tag and a subdir, for several Pythons.

    `pythons` are X.Y with a published or announced file, `pythons_seen` those whose file or hash is known.
    `codes` is the arch list. `toolkit` is the CUDA toolkit it was built with (X.Y or X.Y.Z), `cudnn` the cuDNN it
    was published with; both are empty when unknown. `on_pypi` means that PyPI's own wheel is this very build.
    `glibc` is the lowest glibc of its wheel tag (empty on Windows).
    """

    torch: str
    cuda_tag: str
    subdir: Subdir
    pythons: tuple[str, ...]
    pythons_seen: tuple[str, ...]
    codes: tuple[ArchCode, ...]
    toolkit: str
    cudnn: str
    existence: Existence
    on_pypi: bool
    glibc: str
    evidence: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaBuild:
    """One CUDA build of conda's pytorch package: a version, a toolkit and a subdir, for several Pythons.

    `channels` is in priority order; `build_glob` is the build string pattern to pin (`cuda129*`); `cuda` is the
    toolkit's major.minor; `cudnn` is the cuDNN major it was built against (or X.Y.Z when known, empty if unknown);
    `pins` are further match specs that this build needs so that the solver can't drift.
    """

    pytorch: str
    cuda: str
    subdir: Subdir
    pythons: tuple[str, ...]
    pythons_seen: tuple[str, ...]
    codes: tuple[ArchCode, ...]
    channels: tuple[str, ...]
    build_glob: str
    pins: tuple[str, ...]
    cudnn: str
    glibc: str
    existence: Existence
    evidence: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverFloor:
    """The oldest driver that runs SASS of any toolkit of one CUDA major (minor-version compatibility)."""

    cuda_major: int
    linux: DriverVersion
    windows: DriverVersion
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """One CUDA toolkit release and its own driver minimum per system; None when the source does not state it."""

    version: str
    linux: DriverVersion | None
    windows: DriverVersion | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverBranch:
    """One driver branch: its Linux number, the CUDA version it reports, and its last known releases if recorded."""

    branch: int
    cuda: str
    windows_majors: tuple[int, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One GPU architecture: the driver branches that serve it.

    `first_branch` is None when every branch in the catalog knows it; `last_branch` is None while it is still served.
    `last_linux` and `last_windows` are the last known driver versions of that branch, for advice.
    """

    architecture: str
    capabilities: tuple[ComputeCapability, ...]
    first_branch: int | None
    last_branch: int | None
    last_linux: str
    last_windows: str
    source: str
