"""What one look at a host found: hardware, driver, system and settings, and where each was read.

Everything is as the host said it. Nothing here is judged; an unknown is `None` or an empty text, never a guess.
"""

from __future__ import annotations

from enum import StrEnum

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir


class SourceStatus(StrEnum):
    """How asking one source ended."""

    OK = "ok"
    ABSENT = "absent"
    SKIPPED = "skipped"
    TIMED_OUT = "timed-out"
    FAILED = "failed"


class Duration(StrEnum):
    """How long a source took, as a class, so that a report of the same host is the same text twice."""

    INSTANT = "instant"
    SHORT = "short"
    LONG = "long"
    LIMIT = "limit"

    @classmethod
    def of(cls, seconds: float) -> Duration:
        """The class of a measured time: under 0.1 s, under 1 s, or longer."""
        if seconds < 0.1:
            return cls.INSTANT
        return cls.SHORT if seconds < 1 else cls.LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source that was asked, or not. `reason` is empty only for OK."""

    name: str
    status: SourceStatus
    reason: str = ""
    duration: Duration = Duration.INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two sources that say different things about one subject, and which of them the observation keeps."""

    subject: str
    kept: str
    kept_from: str
    other: str
    other_from: str


class Vendor(StrEnum):
    """Who made a display device, by PCI vendor."""

    NVIDIA = "nvidia"
    AMD = "amd"
    INTEL = "intel"
    OTHER = "other"


class VirtualMode(StrEnum):
    """How a GPU is virtualised, as the driver says."""

    UNKNOWN = "unknown"
    NONE = "none"
    PASSTHROUGH = "passthrough"
    VGPU = "vgpu"
    HOST_VGPU = "host-vgpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigInstance:
    """One slice of a GPU in MIG mode: its profile text and its UUID."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGpu:
    """One GPU or display device of the host.

    `name` is the driver's own, else the PCI database's; empty when only the id is known. `pci_id` is the device id in
    lower case (vendor is `vendor`), `pci_address` is `0000:01:00.0`. `chip` is the codename where the system states it.
    `is_driven` is True when NVIDIA's driver itself listed it. `error` is what the driver said instead of an answer.
    `compute_mode` is the driver's word (`Default`, `Exclusive_Process`, `Prohibited`).
    `problem` is Windows' device problem code, `power` is Linux' runtime power status, `mig` is None when unknown.
    """

    vendor: Vendor
    name: str = ""
    pci_id: str = ""
    pci_address: str = ""
    chip: str = ""
    capability: ComputeCapability | None = None
    memory_mib: int | None = None
    uuid: str = ""
    mig: bool | None = None
    mig_instances: tuple[MigInstance, ...] = ()
    virtual: VirtualMode = VirtualMode.UNKNOWN
    kernel_driver: str = ""
    power: str = ""
    problem: int | None = None
    error: str = ""
    compute_mode: str = ""
    is_driven: bool = False
    sources: tuple[str, ...] = ()

    @property
    def queries(self) -> tuple[str, ...]:
        """Texts for a look-up in the catalog, the strongest evidence first: PCI id, chip, name."""
        pci = f"10de:{self.pci_id}" if self.vendor is Vendor.NVIDIA and self.pci_id else ""
        return tuple(text for text in (pci, self.chip, self.name) if text)

    @property
    def label(self) -> str:
        """The name, or the id when there is no name; empty for a GPU that gives neither, as a lost one."""
        is_nvidia = self.vendor is Vendor.NVIDIA
        return self.name or (f"10de:{self.pci_id}" if is_nvidia and self.pci_id else self.pci_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNode:
    """A device file and whether this user may open it."""

    path: str
    accessible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaLibrary:
    """A libcuda that the dynamic loader could take, in the loader's order.

    `origin` is `LD_LIBRARY_PATH`, `loader cache` or `default folder`; `version` is empty when the file name has none.
    """

    path: str
    target: str
    version: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricManager:
    """The service that NVSwitch hosts need: systemd's word for its state, and its version if it could be read."""

    state: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverParts:
    """The parts of an NVIDIA driver, each as found.

    `kernel_module` and `user_library` are version texts; `cuda` is the driver's CUDA version (`12.8`).
    `flavour` is `open` or `proprietary`. `modules` are the loaded kernel modules that matter. `error_code` is NVML's
    (18: driver and library differ), `error` its words or those of nvidia-smi.
    """

    kernel_module: str = ""
    user_library: str = ""
    cuda: str = ""
    flavour: str = ""
    modules: tuple[str, ...] = ()
    nodes: tuple[DeviceNode, ...] = ()
    libraries: tuple[CudaLibrary, ...] = ()
    fabric_manager: FabricManager | None = None
    fabric_state: str = ""
    has_nvswitch: bool = False
    error_code: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jetson:
    """An NVIDIA Tegra board: model text, L4T release such as `36.4.3` (empty if unknown), SoC and chip codename."""

    model: str
    l4t: str
    soc: str
    chip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    """A machine with a battery: the chosen GPU profile if a tool records one, and which file says so."""

    profile: str = ""
    profile_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Operating system and kind of host.

    `os` is linux, windows, macos or the name as given. `wsl` is 0, 1 or 2. `container` names the kind (`docker`,
    `podman`, `kubernetes`, `lxc`, `apptainer`, `container`), empty outside of one. `libc` is glibc, musl or empty.
    """

    os: str
    name: str
    kernel: str
    machine: str
    subdir: Subdir | None
    libc: str = ""
    libc_version: str = ""
    container: str = ""
    wsl: int = 0
    jetson: Jetson | None = None
    laptop: Laptop | None = None
    secure_boot: bool | None = None


class EnvironmentKind(StrEnum):
    """What manages a Python environment."""

    CONDA = "conda"
    UV = "uv"
    VENV = "venv"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFacts:
    """An interpreter and its environment. `version` is X.Y.Z, `bits` is 64 or 32."""

    version: str
    executable: str
    prefix: str
    kind: EnvironmentKind
    bits: int = 64
    free_threaded: bool = False
    implementation: str = "cpython"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallSetting:
    """A setting of pip or uv that can divert an install; `origin` is the file or variable. URLs hold no credentials."""

    origin: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Xid:
    """A GPU error report of the kernel log."""

    pci_address: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at a host. `driver` is the version to decide with: in WSL it is the Windows driver's.

    `kernel_messages` are the lines in which NVIDIA's module says that it can't start a GPU.
    `environ` holds only the variables that matter here, sorted by name.
    """

    system: System
    gpus: tuple[HostGpu, ...]
    driver: DriverVersion | None
    parts: DriverParts
    environ: tuple[tuple[str, str], ...]
    python: PythonFacts
    settings: tuple[InstallSetting, ...] = ()
    xids: tuple[Xid, ...] = ()
    kernel_messages: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def nvidia(self) -> tuple[HostGpu, ...]:
        """The NVIDIA GPUs, driven or not."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor is Vendor.NVIDIA)

    def variable(self, name: str) -> str | None:
        """The value of an environment variable, or None when it is not set."""
        return next((value for key, value in self.environ if key == name), None)

    def source(self, name: str) -> Source | None:
        """The record of one source, or None when there is no such source on this system."""
        return next((source for source in self.sources if source.name == name), None)


def host_gpus(observation: Observation) -> tuple[HostGpu, ...]:
    """Return the NVIDIA GPUs that an environment for this host must run on, each kind once.

    These are the ones that NVIDIA's driver lists (in a container, sysfs shows the host's other GPUs too). When it lists
    none they are those on the bus, except where a virtual machine has taken the device. `HostGpu.queries` holds the
    texts to look up, the strongest first.
    """
    found = [gpu for gpu in observation.nvidia if gpu.is_driven and (gpu.name or gpu.pci_id)]
    if not found:
        found = [gpu for gpu in observation.nvidia if gpu.kernel_driver != "vfio-pci"]
    kinds = {(gpu.queries, gpu.capability): gpu for gpu in reversed(found)}
    return tuple(reversed(kinds.values()))
