"""Reading a Linux host's own files: driver parts, PCI devices, kind of host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from envgen.core.dataclass import dataclass
from envgen.probe.files import HostFiles
from envgen.probe.observation import (
    CudaLibrary,
    DeviceNode,
    HostGpu,
    Jetson,
    Laptop,
    Source,
    SourceStatus,
)
from envgen.probe.parse.driver_files import library_version, parse_modules, parse_proc_version
from envgen.probe.parse.pci import sysfs_gpu
from envgen.probe.parse.system import (
    cgroup_container,
    parse_jetson,
    parse_secure_boot,
    prime_profile,
    supergfx_mode,
)

WSL_LIBRARIES = "/usr/lib/wsl/lib"
_PCI = "/sys/bus/pci/devices"
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_NODE = re.compile(r"nvidia\d+|nvidiactl|nvidia-uvm|nvidia-nvswitch(ctl|\d+)|dxg|nvmap")
# Where libcuda is when the loader's cache does not say: distributions, WSL, NixOS, Jetson (L4T 32 to 36).
_DEFAULT_FOLDERS = (
    WSL_LIBRARIES,
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib64",
    "/usr/lib",
    "/run/opengl-driver/lib",
)
# Notebook kinds of SMBIOS chassis types (DMTF DSP0134, 7.4.1): portable, laptop, notebook, sub notebook, convertible.
_LAPTOP_CHASSIS = ("8", "9", "10", "14", "31")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxFiles:
    """What the files say. `module` is the loaded driver's (version, flavour)."""

    module: tuple[str, str]
    modules: tuple[str, ...]
    nodes: tuple[DeviceNode, ...]
    gpus: tuple[HostGpu, ...]
    has_nvswitch: bool
    jetson: Jetson | None
    laptop: Laptop | None
    container: str
    secure_boot: bool | None
    sources: tuple[Source, ...]


def read_linux(files: HostFiles, environ: Mapping[str, str]) -> LinuxFiles:
    """Return what a Linux host's files say about its GPUs and their driver."""
    version = files.read("/proc/driver/nvidia/version")
    modules = files.read("/proc/modules")
    addresses = files.names(_PCI)
    devices = {address: _sysfs(files, address) for address in addresses}
    gpus = tuple(gpu for a, values in devices.items() if (gpu := sysfs_gpu(a, values)) is not None)
    nodes = tuple(_nodes(files))
    compatible = files.read("/proc/device-tree/compatible") or ""
    release = files.read("/etc/nv_tegra_release") or ""
    return LinuxFiles(
        module=parse_proc_version(version or ""),
        modules=parse_modules(modules or ""),
        nodes=nodes,
        gpus=gpus,
        has_nvswitch=any(_is_nvswitch(values) for values in devices.values())
        or any("nvswitch" in node.path for node in nodes),
        jetson=parse_jetson(compatible, files.read("/proc/device-tree/model") or "", release),
        laptop=_laptop(files),
        container=_container(files, environ),
        secure_boot=parse_secure_boot(files.read(_SECURE_BOOT) or ""),
        sources=(
            _record("proc-driver-version", bool(version), "/proc/driver/nvidia/version is not there"),
            _record("proc-modules", bool(modules), "/proc/modules can't be read"),
            _record("sysfs-pci", bool(addresses), f"{_PCI} is empty or not there"),
            _record("device-nodes", bool(nodes), "/dev holds no NVIDIA device"),
        ),
    )


def cuda_libraries(files: HostFiles, environ: Mapping[str, str], cached: Iterable[str]) -> tuple[CudaLibrary, ...]:
    """Return every libcuda.so.1 that the loader could take, in its order. `cached` are the paths of its cache."""
    places = [(f"{f.rstrip('/')}/libcuda.so.1", "LD_LIBRARY_PATH") for f in _search_path(environ)]
    places += [(path, "loader cache") for path in cached]
    places += [(f"{folder}/libcuda.so.1", "default folder") for folder in _DEFAULT_FOLDERS]
    found: dict[str, CudaLibrary] = {}
    for path, origin in places:
        target = files.target(path)
        # One file is often reachable by several paths (/lib and /usr/lib): the first one counts.
        if target and target not in found:
            version = library_version(target)
            found[target] = CudaLibrary(path=path, target=target, version=version, origin=origin)
    return tuple(found.values())


def nvml_library_version(files: HostFiles) -> str:
    """Return the version in the file name of the NVML library, from the default folders."""
    targets = (files.target(f"{folder}/libnvidia-ml.so.1") for folder in _DEFAULT_FOLDERS)
    return next((version for target in targets if (version := library_version(target))), "")


def _search_path(environ: Mapping[str, str]) -> list[str]:
    return [folder for folder in environ.get("LD_LIBRARY_PATH", "").split(":") if folder.startswith("/")]


def _record(name: str, found: bool, absence: str) -> Source:
    if found:
        return Source(name=name, status=SourceStatus.OK)
    return Source(name=name, status=SourceStatus.ABSENT, reason=absence)


def _sysfs(files: HostFiles, address: str) -> dict[str, str]:
    folder = f"{_PCI}/{address}"
    kind = (files.read(f"{folder}/class") or "").strip()
    if not kind.startswith(("0x03", "0x0680")):
        return {}
    values = {name: (files.read(f"{folder}/{name}") or "").strip() for name in ("vendor", "device")}
    power = (files.read(f"{folder}/power/runtime_status") or "").strip()
    state = (files.read(f"{folder}/power_state") or "").strip()
    driver = files.target(f"{folder}/driver").rsplit("/", 1)[-1]
    return {**values, "class": kind, "driver": driver, "power": f"{power} {state}".strip()}


def _is_nvswitch(values: Mapping[str, str]) -> bool:
    return values.get("vendor") == "0x10de" and values.get("class", "").startswith("0x0680")


def _nodes(files: HostFiles) -> Iterable[DeviceNode]:
    for name in files.names("/dev"):
        if _NODE.fullmatch(name):
            yield DeviceNode(path=f"/dev/{name}", accessible=bool(files.access(f"/dev/{name}")))


def _container(files: HostFiles, environ: Mapping[str, str]) -> str:
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):
        return "apptainer"
    if files.target("/run/.containerenv"):
        return "podman"
    if files.target("/.dockerenv"):
        return "docker"
    return cgroup_container(files.read("/proc/1/cgroup") or "") or environ.get("container", "")


def _laptop(files: HostFiles) -> Laptop | None:
    battery = any(name.startswith("BAT") for name in files.names("/sys/class/power_supply"))
    chassis = (files.read("/sys/class/dmi/id/chassis_type") or "").strip()
    if not battery and chassis not in _LAPTOP_CHASSIS:
        return None
    for path, profile in _profiles(files):
        if profile:
            return Laptop(profile=profile, profile_from=path)
    return Laptop()


def _profiles(files: HostFiles) -> Iterable[tuple[str, str]]:
    """(file, profile) of the tools that switch laptop GPUs, each in its own words."""
    path = "/etc/prime-discrete"  # nvidia-prime, Ubuntu
    yield path, prime_profile(files.read(path) or "")
    path = "/etc/prime/current_type"  # SUSEPrime
    yield path, (files.read(path) or "").strip()
    path = "/etc/supergfxd.conf"  # supergfxctl
    yield path, supergfx_mode(files.read(path) or "")
    path = "/sys/devices/platform/asus-nb-wmi/dgpu_disable"
    yield path, "disabled by firmware" if (files.read(path) or "").strip() == "1" else ""
    for path in ("/etc/udev/rules.d/50-remove-nvidia.rules", "/lib/udev/rules.d/50-remove-nvidia.rules"):
        yield path, "removed from the bus" if "remove" in (files.read(path) or "") else ""  # prime-select, envycontrol
