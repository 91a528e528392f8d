"""Builds of PyTorch, as pip wheels and as conda packages, and the driver facts that decide whether they run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envgen.core.capability import ArchCode, ComputeCapability, parse_arch_list
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag, tag_of_cuda


class Existence(StrEnum):
    """How sure it is that a file of the build is published."""

    SEEN = "seen"
    ANNOUNCED = "announced"
    UNCERTAIN = "uncertain"


def _existence_for(
    python: str, pythons: tuple[str, ...], seen: tuple[str, ...], otherwise: Existence
) -> Existence | None:
    if python in seen:
        return Existence.SEEN
    return otherwise if python in pythons else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipBuild:
    """One torch wheel build: a release, a CUDA tag and a subdir, for several Pythons.

    `pythons` are X.Y with a published or announced file, `pythons_seen` those whose file or hash is known.
    `arch_list` is as `torch.cuda.get_arch_list()` shows it, separated by spaces. `toolkit` is the CUDA toolkit it was
    built with (X.Y or X.Y.Z), `cudnn` the cuDNN it was published with; both are empty when unknown. `on_pypi` means
    that PyPI's own wheel is this very build.
    `existence` is that of the Pythons which are not in `pythons_seen`.
    `glibc` is the lowest glibc of its wheel tag (empty on Windows).
    """

    torch: str
    cuda_tag: str
    subdir: Subdir
    pythons: tuple[str, ...]
    pythons_seen: tuple[str, ...]
    arch_list: str
    toolkit: str
    cudnn: str
    existence: Existence
    on_pypi: bool
    glibc: str
    evidence: str
    source: str
    note: str = ""

    def existence_for(self, python: str) -> Existence | None:
        """How sure it is that there is a file for that Python (X.Y); None when no source states one."""
        return _existence_for(python, self.pythons, self.pythons_seen, self.existence)

    @property
    def label(self) -> str:
        """How it is named to people: `torch 2.14.1+cu126`."""
        return f"torch {self.torch}+{self.cuda_tag}"

    @property
    def release(self) -> str:
        """The release of PyTorch."""
        return self.torch

    @property
    def key(self) -> tuple[str, str, str]:
        """How decisions name it: the world it is from, its release and its CUDA tag."""
        return "pip", self.torch, self.cuda_tag

    @property
    def cuda(self) -> str:
        """The toolkit as exactly as it is known: X.Y.Z, or X.Y."""
        return self.toolkit or cuda_of_tag(self.cuda_tag)

    @property
    def codes(self) -> tuple[ArchCode, ...]:
        """The entries of the arch list."""
        return parse_arch_list(self.arch_list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaBuild:
    """One CUDA build of conda's pytorch package: a version, a toolkit and a subdir, for several Pythons.

    `channels` is in priority order; `build_glob` is the build string pattern to pin (`cuda129*`); `cuda` is the
    toolkit's major.minor; `cudnn` is the cuDNN major it was built against (or X.Y.Z when known, empty if unknown);
    `pins` are further match specs that this build needs so that the solver can't drift. In `build_glob`, `{python}`
    stands for the X.Y of the request. `builds` is the feedstock's range of build numbers, for the reader. `detail`
    tells it from a twin, where there is one: `, build 202`, `, Tegra`.
    """

    pytorch: str
    cuda: str
    subdir: Subdir
    pythons: tuple[str, ...]
    pythons_seen: tuple[str, ...]
    arch_list: str
    channels: tuple[str, ...]
    builds: str
    build_glob: str
    pins: tuple[str, ...]
    cudnn: str
    glibc: str
    existence: Existence
    evidence: str
    source: str
    note: str = ""
    detail: str = ""

    def existence_for(self, python: str) -> Existence | None:
        """How sure it is that there is a package for that Python (X.Y); None when no source states one."""
        return _existence_for(python, self.pythons, self.pythons_seen, self.existence)

    @property
    def label(self) -> str:
        """How it is named to people: `pytorch 2.13.0 (CUDA 12.8, conda-forge)`, with what tells it from a twin."""
        return f"pytorch {self.pytorch} (CUDA {self.cuda}, {self.channels[0]}{self.detail})"

    def glob_for(self, python: str) -> str:
        """The build string pattern to pin for a Python (X.Y)."""
        return self.build_glob.format(python=python)

    @property
    def release(self) -> str:
        """The release of PyTorch."""
        return self.pytorch

    @property
    def key(self) -> tuple[str, str, str]:
        """How decisions name it: the world it is from, its release and its toolkit."""
        return "conda", self.pytorch, self.cuda

    @property
    def cuda_tag(self) -> str:
        """The CUDA tag that wheels of the same toolkit carry."""
        return tag_of_cuda(self.cuda)

    @property
    def codes(self) -> tuple[ArchCode, ...]:
        """The entries of the arch list."""
        return parse_arch_list(self.arch_list)


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
    """One driver branch: its Linux number, the CUDA version it reports, and its last known releases (or empty)."""

    branch: int
    cuda: str
    windows_majors: tuple[int, ...]
    last_linux: str
    last_windows: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSupport:
    """Which driver branches serve GPUs of one compute capability.

    `first_branch` is None when every branch in the catalog knows them; `last_branch` is None while they are still
    served. `last_linux` and `last_windows` are the last known driver versions of that last branch, for advice.
    `only_subdir` is the one platform that such GPUs are built into (Jetson modules), or None.
    """

    capability: ComputeCapability
    architecture: str
    first_branch: int | None
    last_branch: int | None
    last_linux: str
    last_windows: str
    only_subdir: Subdir | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JetPack:
    """One release of JetPack, and what a Jetson that runs it has.

    `l4t` are the spellings of its Jetson Linux (`36.4`, `36.4.0`), `driver` is the version that nvidia-smi shows, None
    where there is no nvidia-smi, `cuda` the X.Y of driver and toolkit, `python` that of its Ubuntu.
    """

    release: str
    l4t: tuple[str, ...]
    capabilities: tuple[ComputeCapability, ...]
    modules: str
    driver: DriverVersion | None
    cuda: str
    glibc: str
    python: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The torchvision and torchaudio releases that go with one torch release; empty when there is none.

    `torchaudio_loads` is an older torchaudio that loads beside it although it is no match. `without_…` are the Pythons
    (X.Y) that have a torch wheel but none of the companion.
    """

    torch: str
    torchvision: str
    torchaudio: str
    torchaudio_loads: str
    without_torchvision_for: tuple[str, ...] = ()
    without_torchaudio_for: tuple[str, ...] = ()

    def vision_for(self, python: str) -> str:
        """The torchvision release for a Python, or an empty string."""
        return "" if python in self.without_torchvision_for else self.torchvision

    def audio_for(self, python: str) -> str:
        """The torchaudio release for a Python, or an empty string."""
        return "" if python in self.without_torchaudio_for else self.torchaudio or self.torchaudio_loads
