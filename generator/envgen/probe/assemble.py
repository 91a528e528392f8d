"""One Observation out of everything that was gathered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.probe import commands
from envgen.probe.ask import Answer
from envgen.probe.environment import install_settings, python_facts, relevant_variables
from envgen.probe.files import HostFiles
from envgen.probe.host import HostValues
from envgen.probe.linux import LinuxFiles, cuda_libraries, nvml_library_version
from envgen.probe.merge import merge_gpus
from envgen.probe.nvidia import NvidiaAnswers
from envgen.probe.observation import (
    Disagreement,
    DriverParts,
    FabricManager,
    HostGpu,
    Jetson,
    Laptop,
    Observation,
    Source,
    SourceStatus,
    System,
    Vendor,
    Xid,
)
from envgen.probe.parse.driver_files import (
    parse_fabric_version,
    parse_kernel_messages,
    parse_ldconfig,
    parse_xids,
)
from envgen.probe.parse.pci import has_nvswitch, parse_lspci
from envgen.probe.parse.report import DriverReport, pci_address
from envgen.probe.parse.system import parse_os_release, wsl_version
from envgen.probe.parse.windows import WindowsReport, parse_windows

_SUBDIRS = {
    ("Linux", "x86_64"): Subdir.LINUX_64,
    ("Linux", "aarch64"): Subdir.LINUX_AARCH64,
    ("Windows", "AMD64"): Subdir.WIN_64,
}
_SYSTEMS = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything that programs and files said, by source name; `nvidia` and `linux` are None on other systems."""

    answers: Mapping[str, Answer]
    nvidia: NvidiaAnswers | None = None
    linux: LinuxFiles | None = None

    def text(self, name: str) -> str:
        """The good answer of a program, or an empty text."""
        answer = self.answers.get(name)
        return answer.text if answer else ""


def assemble(values: HostValues, files: HostFiles, gathered: Gathered) -> Observation:
    """Return the observation of a host from what was gathered on it."""
    windows = parse_windows(gathered.text(commands.POWERSHELL)) if values.system == "Windows" else None
    system = _system(values, files, gathered.linux, windows)
    gpus, gpu_disagreements = _gpus(gathered, windows, system.jetson)
    versions = _versions(gathered, windows, system)
    settings, setting_sources = install_settings(files, values)
    linux_sources = gathered.linux.sources if gathered.linux else ()
    return Observation(
        system=system,
        gpus=gpus,
        driver=next((version for _, text in versions if (version := DriverVersion.read(text))), None),
        parts=_parts(values, files, gathered, versions),
        environ=relevant_variables(values.environ),
        python=python_facts(values, files),
        settings=settings,
        xids=tuple(
            Xid(pci_address=pci_address(address), code=code)
            for address, code in parse_xids(gathered.text(commands.DMESG))
        ),
        kernel_messages=parse_kernel_messages(gathered.text(commands.DMESG)),
        sources=(*_sources(gathered, windows), *linux_sources, *setting_sources),
        disagreements=(*gpu_disagreements, *_version_disagreements(versions)),
    )


def _sources(gathered: Gathered, windows: WindowsReport | None) -> Iterable[Source]:
    """The records of the programs; one whose output could not be read has failed, whatever its exit status."""
    for name, answer in gathered.answers.items():
        if name == commands.POWERSHELL and answer.text and windows is None:
            yield replace(answer.source, status=SourceStatus.FAILED, reason="PowerShell printed no JSON object")
        else:
            yield answer.source


def _gpus(
    gathered: Gathered, windows: WindowsReport | None, jetson: Jetson | None
) -> tuple[tuple[HostGpu, ...], tuple[Disagreement, ...]]:
    groups = [(name, report.gpus) for name, report in (gathered.nvidia.reports if gathered.nvidia else ())]
    if gathered.linux:
        groups.append(("sysfs-pci", gathered.linux.gpus))
    groups.append((commands.LSPCI, parse_lspci(gathered.text(commands.LSPCI))))
    if windows:
        groups.append((commands.POWERSHELL, windows.gpus))
    gpus, disagreements = merge_gpus(groups)
    if jetson is None:
        return gpus, disagreements
    return _with_tegra(gpus, jetson), disagreements


def _with_tegra(gpus: tuple[HostGpu, ...], jetson: Jetson) -> tuple[HostGpu, ...]:
    """The list with the GPU of a Tegra board, which is on no PCI bus (before Thor) and whose name may be missing."""
    integrated = [gpu for gpu in gpus if gpu.vendor is Vendor.NVIDIA and (not gpu.pci_address or "Thor" in gpu.name)]
    if not integrated:
        board = HostGpu(vendor=Vendor.NVIDIA, name=jetson.model, chip=jetson.chip, sources=("device-tree",))
        return (*gpus, board)
    return tuple(replace(gpu, chip=gpu.chip or jetson.chip) if gpu in integrated else gpu for gpu in gpus)


def _versions(gathered: Gathered, windows: WindowsReport | None, system: System) -> list[tuple[str, str]]:
    """(source, driver version) of all sources that state one, the one to decide with first."""
    reports = gathered.nvidia.reports if gathered.nvidia else ()
    said = [(name, report.driver) for name, report in reports]
    if gathered.linux and not system.wsl:
        # The module that runs decides; NVML may be that of another version.
        said.insert(0, ("proc-driver-version", gathered.linux.module[0]))
    if windows:
        said.append((commands.POWERSHELL, windows.driver))
    return [(name, text) for name, text in said if text]


def _version_disagreements(versions: list[tuple[str, str]]) -> Iterable[Disagreement]:
    for name, text in versions[1:]:
        if text != versions[0][1]:
            kept_from, kept = versions[0]
            yield Disagreement(subject="driver version", kept=kept, kept_from=kept_from, other=text, other_from=name)


def _parts(values: HostValues, files: HostFiles, gathered: Gathered, versions: list[tuple[str, str]]) -> DriverParts:
    reports = [report for _, report in gathered.nvidia.reports] if gathered.nvidia else []
    code, words = _error(reports)
    cuda = next((report.cuda for report in reports if report.cuda), "")
    fabric_state = next((report.fabric for report in reports if report.fabric), "")
    linux = gathered.linux
    if linux is None:
        library = versions[0][1] if versions else ""
        return DriverParts(cuda=cuda, user_library=library, error_code=code, error=words)
    cached = parse_ldconfig(gathered.text(commands.LDCONFIG), values.machine)
    libraries = cuda_libraries(files, values.environ, cached)
    version = next((library.version for library in libraries[:1]), "")
    return DriverParts(
        kernel_module=linux.module[0],
        flavour=linux.module[1],
        user_library=version or nvml_library_version(files),
        cuda=cuda,
        modules=linux.modules,
        nodes=linux.nodes,
        libraries=libraries,
        fabric_manager=_fabric_manager(gathered),
        fabric_state=fabric_state,
        has_nvswitch=linux.has_nvswitch or has_nvswitch(gathered.text(commands.LSPCI)),
        error_code=code,
        error=words,
    )


def _error(reports: list[DriverReport]) -> tuple[int | None, str]:
    """(NVML's code, words) of what NVIDIA's software failed with; nothing once one of its programs listed a GPU.

    A library that is not there (12) says less than what the other program says.
    """
    if any(not gpu.error for report in reports for gpu in report.gpus):
        return None, ""
    failed = sorted((report for report in reports if report.failed), key=lambda report: report.code == 12)
    return (failed[0].code, failed[0].error) if failed else (None, "")


def _fabric_manager(gathered: Gathered) -> FabricManager | None:
    answer = gathered.answers.get(commands.FABRIC)
    if answer is None or answer.completed is None:
        return None
    # systemctl prints the state and exits with 3 for a stopped service, 4 for one that it does not know.
    state = "not installed" if answer.completed.exit_code == 4 else answer.completed.stdout.strip()
    if not state:
        return None  # a container without systemd
    version = gathered.answers.get(commands.FABRIC_VERSION)
    said = parse_fabric_version(version.words) if version else ""
    return FabricManager(state=state, version=said)


def _system(values: HostValues, files: HostFiles, linux: LinuxFiles | None, windows: WindowsReport | None) -> System:
    release = (files.read("/etc/os-release") or files.read("/usr/lib/os-release") or "") if linux else ""
    laptop = linux.laptop if linux else Laptop() if windows and windows.has_battery else None
    return System(
        os=_SYSTEMS.get(values.system, values.system.lower()),
        name=parse_os_release(release) or (windows.name if windows else "") or values.system,
        kernel=values.kernel,
        machine=values.machine,
        subdir=_SUBDIRS.get((values.system, values.machine)),
        libc=values.libc[0],
        libc_version=values.libc[1],
        container=linux.container if linux else "",
        wsl=wsl_version(values.kernel) if linux else 0,
        jetson=linux.jetson if linux else None,
        laptop=laptop,
        secure_boot=linux.secure_boot if linux else None,
    )
