"""Builds of PyTorch, as pip wheels and as conda packages, and the driver facts that decide whether they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from envgen.core.capability import ArchCode, ComputeCapability, parse_arch_list
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU
from envgen.core.sets import PackageSet, conda_tag


class Existence(StrEnum):
    """How sure it is that a file of the build is published."""

    SEEN = "seen"
    ANNOUNCED = "announced"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipDetails:
    """What only wheels have. `on_pypi` means that PyPI's own wheel is this very build."""

    on_pypi: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaDetails:
    """What only conda packages have.

    `channels` is in priority order; `build_numbers` is the feedstock's range of them; `build_glob` is the build string
    pattern to pin (`cuda129*`), in which `{python}` is the X.Y of the request; `pins` are further match specs
    that this build needs so that the solver can't drift. `detail` tells it from another build of the same release and
    toolkit: `, build 202`, `, Tegra`.
    """

    channels: tuple[str, ...]
    build_numbers: str
    build_glob: str
    pins: tuple[str, ...]
    detail: str = ""

    def glob_for(self, python: str) -> str:
        """The build string pattern to pin for a Python (X.Y)."""
        return self.build_glob.format(python=python)


# The set, the release and the CUDA tag: how decisions name a build. Conda has several builds under some keys.
BuildKey = tuple[PackageSet, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build of PyTorch, as wheels or as conda packages: a release and a toolkit, for one subdir.

    A CPU build has the tag `cpu`, no toolkit and no arch list. `cuda` is the toolkit it was built with, as exactly as
    it is known (X.Y.Z or X.Y). `pythons` are X.Y with a published or announced file, `pythons_seen` those whose file
    or hash is known; `existence` is that of the Pythons which are not in `pythons_seen`. `arch_list` is as
    `torch.cuda.get_arch_list()` shows it, separated by spaces. `cudnn` is the cuDNN it comes with (for conda it may be
    the major alone), empty when unknown; `libraries` are the releases of cublas, nccl and nvrtc that it is known to
    pin. `glibc` is the lowest glibc that its files run on (empty elsewhere than on Linux).
    """

    torch: str
    cuda_tag: str
    cuda: str
    subdir: Subdir
    pythons: tuple[str, ...]
    pythons_seen: tuple[str, ...]
    arch_list: str
    cudnn: str
    glibc: str
    existence: Existence
    evidence: str
    source: str
    details: PipDetails | CondaDetails
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def package_set(self) -> PackageSet:
        """The set that it belongs to."""
        return PackageSet.PIP if isinstance(self.details, PipDetails) else PackageSet.CONDA

    @property
    def on_pypi(self) -> bool:
        """True when PyPI's own wheel is this very build."""
        return isinstance(self.details, PipDetails) and self.details.on_pypi

    @property
    def is_cpu(self) -> bool:
        """True for a build without CUDA."""
        return self.cuda_tag == CPU

    @property
    def conda(self) -> CondaDetails:
        """What only conda packages have; to be asked of a conda build."""
        if isinstance(self.details, PipDetails):
            raise TypeError(self.label)
        return self.details

    @property
    def is_tegra(self) -> bool:
        """True for conda-forge's builds for Jetson, which have a userland of their own up to CUDA 12."""
        return isinstance(self.details, CondaDetails) and any(p.startswith("arm-variant") for p in self.details.pins)

    @property
    def key(self) -> BuildKey:
        """How decisions name it."""
        return self.package_set, self.torch, self.cuda_tag

    @property
    def label(self) -> str:
        """How it is named to people: `torch 2.14.1+cu126`, or `pytorch 2.13.0 (CUDA 12.8, conda-forge)`."""
        if isinstance(self.details, PipDetails):
            return f"torch {self.short_label}"
        toolkit = "CPU" if self.is_cpu else f"CUDA {self.cuda}"
        return f"pytorch {self.torch} ({toolkit}, {self.details.channels[0]}{self.details.detail})"

    @property
    def made_for(self) -> str:
        """Its release with what it was made for: `2.13.0 with CUDA 12.8`, or `2.13.0 for the CPU`."""
        return f"{self.torch} for the CPU" if self.is_cpu else f"{self.torch} with CUDA {self.cuda}"

    @property
    def short_label(self) -> str:
        """How it is named in a lock: `2.14.1+cu126`, or `2.13.0 cuda128`."""
        return self.package_set.short_label(self.torch, self.cuda_tag)

    @property
    def environment_name(self) -> str:
        """The name that conda's environment with it has in every file and command: `pytorch-2.10.0-cuda128`."""
        return f"pytorch-{self.torch}-{conda_tag(self.cuda_tag)}"

    @property
    def codes(self) -> tuple[ArchCode, ...]:
        """The entries of the arch list."""
        return parse_arch_list(self.arch_list)

    def existence_for(self, python: str) -> Existence | None:
        """How sure it is that there is a file for that Python (X.Y); None when no source states one."""
        if python in self.pythons_seen:
            return Existence.SEEN
        return self.existence if python in self.pythons else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverFloor:
    """The oldest driver that runs SASS of any toolkit of one CUDA major (minor-version compatibility)."""

    linux: DriverVersion
    windows: DriverVersion
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """One CUDA toolkit release and its own driver minimum per system; None when the source does not state it."""

    linux: DriverVersion | None
    windows: DriverVersion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverBranch:
    """One driver branch: its Linux number, the CUDA version it reports, and its last known releases (or empty)."""

    branch: int
    cuda: str
    windows_majors: tuple[int, ...]
    last_linux: str
    last_windows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSupport:
    """Which driver branches serve GPUs of one compute capability.

    `first_branch` is None when every branch in the catalog knows them; `last_branch` is None while they are still
    served. `last_linux` and `last_windows` are the last known driver versions of that last branch, for advice.
    `first_toolkit` is the first CUDA (X.Y) that compiles for them, or empty. `only_subdir` is the one platform that
    such GPUs are built into (Jetson modules), or None.
    """

    capability: ComputeCapability
    architecture: str
    first_branch: int | None
    last_branch: int | None
    last_linux: str
    last_windows: str
    first_toolkit: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The torchvision and torchaudio releases that go with one torch release; empty when there is none.

    `torchaudio_loads` is an older torchaudio that loads beside it although it is no match; `torchaudio_for` maps CUDA
    tags to the one that loads beside those builds instead, on every Python. `without_…` are the Pythons (X.Y) that have
    a torch wheel but none of the companion.
    """

    torch: str
    torchvision: str
    torchaudio: str
    torchaudio_loads: str
    torchaudio_for: Mapping[str, str] = field(default_factory=dict)
    without_torchvision_for: tuple[str, ...] = ()
    without_torchaudio_for: tuple[str, ...] = ()

    def releases_of(self, name: str) -> tuple[str, ...]:
        """The releases of torchvision or torchaudio that go with this torch, or load beside it; the match first."""
        found = (self.torchvision,) if name == "torchvision" else self.torchaudio_releases
        return tuple(version for version in found if version)

    def vision_for(self, python: str) -> str:
        """The torchvision release for a Python, or an empty string."""
        return "" if python in self.without_torchvision_for else self.torchvision

    @property
    def torchaudio_releases(self) -> tuple[str, ...]:
        """Every torchaudio release that goes with some build of this torch, or loads beside it."""
        return tuple(filter(None, (self.torchaudio, self.torchaudio_loads, *self.torchaudio_for.values())))

    def audio_for(self, python: str, cuda_tag: str) -> str:
        """The torchaudio release for a Python and the build of a CUDA tag, or an empty string."""
        if cuda_tag in self.torchaudio_for:
            return self.torchaudio_for[cuda_tag]
        return "" if python in self.without_torchaudio_for else self.torchaudio or self.torchaudio_loads
