"""One pasted text as an observation, an environment and a run of torch, each as far as the text goes."""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion, windows_number
from envgen.core.releases import cuda_of_tag
from envgen.environments.inspected import (
    CondaRecord,
    Distribution,
    InspectedEnvironment,
    Interpreter,
    VersionFile,
    local,
)
from envgen.environments.torch_run import RunOutcome, TorchDevice, TorchRun
from envgen.probe.observation import (
    CudaLibrary,
    DriverParts,
    EnvironmentKind,
    FabricManager,
    HostGpu,
    Observation,
    PythonFacts,
    System,
    Vendor,
    Xid,
)
from envgen.probe.parse.driver_files import (
    library_version,
    parse_kernel_messages,
    parse_ldconfig,
    parse_proc_version,
    parse_xids,
)
from envgen.probe.parse.report import DriverReport, pci_address
from envgen.probe.parse.smi import parse_failure, parse_log
from envgen.reports.by_hand import read_by_hand
from envgen.reports.collect_env import CollectEnv, read_collect_env, read_gpu_list
from envgen.reports.messages import Messages, read_messages
from envgen.reports.packages import Packages, read_packages
from envgen.reports.smi_table import SmiTable, read_smi_table
from envgen.reports.system import Parts, read_system
from envgen.reports.text import joined, plain_lines

_LSPCI = re.compile(r"NVIDIA Corporation (?P<chip>[A-Z]{1,2}\d{2,3}\w*) \[(?P<name>[^\]]+)\]")
_FABRIC = re.compile(
    r"nvidia-fabricmanager(?:\.service)?.{0,200}?(?:Active:\s*(?P<state>\w+)|(?P<absent>could not be found))", re.DOTALL
)
_PACKAGE = re.compile(r"\b(?:lib|linux-)?nvidia[\w.-]*?[\s=:/-]+(?:\d+:)?(?P<version>[3-9]\d\d\.\d{2,3}(?:\.\d{2})?)\b")
_SERVICE = re.compile(r"Fabric Manager version is\s*:\s*(?P<version>\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a text holds. `formats` names what was recognised; `jetpack` is the release that a person named."""

    observation: Observation
    environment: InspectedEnvironment | None
    run: TorchRun | None
    formats: tuple[str, ...]
    jetpack: str = ""
    has_packages: bool = False


def read_report(text: str) -> Report | None:
    """Return what a pasted text says of a machine, or None when nothing in it is of a kind that is known."""
    lines = plain_lines(text)
    whole, plain = joined(lines), "\n".join(lines)
    collected, table, packages = read_collect_env(lines), read_smi_table(lines), read_packages(lines)
    log, messages, listed = _log(lines), read_messages(whole), read_gpu_list(lines)
    code, words = parse_failure(plain)
    failure = (code, words) if code is not None else (None, "")
    by_hand = read_by_hand(plain)
    formats = (
        ("collect_env", collected is not None),
        ("nvidia-smi", table is not None or bool(listed)),
        ("nvidia-smi -q", log is not None),
        ("a package list", packages is not None),
        ("messages", bool(messages.errors or messages.import_error or failure[1] or messages.cuda is None)),
        ("kernel log", bool(parse_kernel_messages(text))),
        ("what Python printed", collected is None and messages.has_answers),
        ("what somebody wrote", bool(by_hand.jetpack) and "cuda" in plain.lower()),
    )
    if not any(found for _, found in formats):
        return None
    parts = Parts(
        collected or CollectEnv(gpus=listed), table or SmiTable(), log, packages or Packages(), messages, by_hand
    )
    system = read_system(plain, parts)
    observation = _observation(plain, parts, system, failure)
    return Report(
        observation=observation,
        environment=_environment(parts),
        run=_run(parts, observation),
        formats=tuple(name for name, found in formats if found),
        jetpack=by_hand.jetpack,
        has_packages=parts.packages.is_full or _has_no_torch(parts),
    )


def _log(lines: list[str]) -> DriverReport | None:
    begin = next((i for i, line in enumerate(lines) if "NVSMI LOG" in line), None)
    if begin is None:
        begin = next((i for i, line in enumerate(lines) if re.match(r"\s*Attached GPUs\s+:", line)), None)
    if begin is None:
        return None
    report = parse_log("\n".join(lines[max(begin - 3, 0) :]))
    return report if report.gpus or report.driver else None


def _observation(text: str, parts: Parts, system: System, failure: tuple[int | None, str]) -> Observation:
    gpus = _gpus(text, parts) or _of_a_board(system)
    module, flavour = parse_proc_version(text)
    log_driver = parts.log.driver if parts.log else ""
    stated = (parts.collected.driver, parts.table.driver, log_driver, module, parts.by_hand.driver)
    read = (DriverVersion.read(windows_number(text) or text) for text in stated)
    driver = next(filter(None, read), None)
    answered = any(gpu.is_driven for gpu in gpus)
    code, words = (None, "") if answered else failure
    service = _SERVICE.search(text)
    return Observation(
        system=system,
        gpus=gpus,
        driver=driver,
        parts=DriverParts(
            kernel_module=module,
            user_library=_library(text) or ("" if driver else _installed(text)),
            flavour=flavour,
            cuda=parts.table.cuda or (parts.log.cuda if parts.log else "") or _cuda_found(parts.messages),
            libraries=tuple(
                CudaLibrary(path=path, target=path, version=library_version(path), origin="loader cache")
                for path in parse_ldconfig(text, system.machine)
            ),
            fabric_manager=_fabric(text, service["version"] if service else ""),
            fabric_state=parts.log.fabric if parts.log else "",
            has_nvswitch="NVSwitch" in text,
            error_code=code,
            error=words,
        ),
        environ=tuple(sorted(parts.messages.variables)),
        python=PythonFacts(version=parts.python, executable="", prefix="", kind=EnvironmentKind.VENV),
        xids=tuple(Xid(pci_address=pci_address(at), code=number) for at, number in parse_xids(text)),
        kernel_messages=parse_kernel_messages(text),
    )


def _installed(text: str) -> str:
    """The driver whose packages a text lists, which need not run; a wheel of NVIDIA's has no such number."""
    found = _PACKAGE.search(text)
    return found["version"] if found else ""


def _library(text: str) -> str:
    """The version of the driver's libraries, which nvidia-smi prints where it isn't that of the module."""
    found = re.search(r"NVML library version: (\d{3}\.\d+(?:\.\d+)?)", text)
    return found[1] if found else ""


def _fabric(text: str, version: str) -> FabricManager | None:
    found = _FABRIC.search(text)
    if not found:
        return FabricManager(state="active", version=version) if version else None
    return FabricManager(state="not installed" if found["absent"] else found["state"], version=version)


def _gpus(text: str, parts: Parts) -> tuple[HostGpu, ...]:
    """The GPUs of the fullest source; a name that the table cut is whole in another one."""
    collected = tuple(_gpu(name, is_driven=True) for name in parts.collected.gpus)
    logged = parts.log.gpus if parts.log else ()
    if logged or parts.table.gpus or collected:
        first = logged or parts.table.gpus
        if first and len(first) == len(collected):
            return tuple(replace(gpu, name=other.name) for gpu, other in zip(first, collected, strict=True))
        return first or collected
    if parts.messages.refused:
        return tuple(_gpu(gpu.name, gpu.capability, is_driven=True) for gpu in parts.messages.refused)
    if parts.messages.gpu:
        return (_gpu(parts.messages.gpu, is_driven=True),)
    chips = dict.fromkeys((found["name"], found["chip"]) for found in _LSPCI.finditer(text))
    listed = tuple(HostGpu(vendor=Vendor.NVIDIA, name=name, chip=chip) for name, chip in chips)
    return listed or ((_gpu(parts.by_hand.gpu),) if parts.by_hand.gpu else ())


def _of_a_board(system: System) -> tuple[HostGpu, ...]:
    """The GPU of a Jetson, which has the board's name."""
    named = system.jetson is not None and system.jetson.model != "Jetson"
    return (_gpu(system.jetson.model),) if system.jetson and named else ()


def _gpu(name: str, capability: ComputeCapability | None = None, *, is_driven: bool = False) -> HostGpu:
    """A GPU by a name that torch or a person gave it."""
    return HostGpu(vendor=Vendor.NVIDIA, name=name, capability=capability, is_driven=is_driven)


def _torch(parts: Parts) -> VersionFile | None:
    """The torch that is installed: its version, and CUDA's where anything says it (an empty text: unknown)."""
    collected, packages, messages = parts.collected, parts.packages, parts.messages
    conda = next((record for record in packages.conda if record.name == "pytorch"), None)
    version = collected.torch or packages.version("torch") or (conda.version if conda else "")
    version = version or messages.torch or parts.by_hand.torch
    if not version and messages.cuda != "":
        return VersionFile(version="", cuda=messages.cuda, hip=None)
    if not version:
        return None
    hip = collected.hip or None
    cuda = None if hip else _cuda_of_build(version, conda, parts)
    return VersionFile(version=version, cuda=cuda, hip=hip)


def _cuda_of_build(version: str, conda: CondaRecord | None, parts: Parts) -> str | None:
    """The CUDA that torch is built with: None for a build without, an empty text where nothing says it."""
    label, build = local(version), conda.build if conda else ""
    if parts.collected.cuda is not None:
        return parts.collected.cuda or None
    if re.fullmatch(r"cu\d{2,3}", label):
        return cuda_of_tag(label)
    if label == "cpu" or parts.messages.cuda is None or re.search(r"(^|_)cpu", build):
        return None
    if parts.messages.cuda:
        return parts.messages.cuda
    found = re.search(r"cuda_?(\d+\.\d+)|cuda(\d{3})", build)
    return (found[1] or cuda_of_tag(f"cu{found[2]}")) if found else ""


def _has_no_torch(parts: Parts) -> bool:
    """True when Python itself said that it has none."""
    return _torch(parts) is None and "No module named 'torch'" in parts.messages.import_error


def _environment(parts: Parts) -> InspectedEnvironment | None:
    packages, torch = parts.packages, _torch(parts)
    if torch is None and not packages.is_full and not _has_no_torch(parts):
        return None
    listed = dict(packages.pip)
    vision = listed.get("torchvision") or parts.messages.vision
    kind = EnvironmentKind.CONDA if packages.by_conda else EnvironmentKind.VENV
    return InspectedEnvironment(
        interpreter=Interpreter(version=parts.python, executable="", prefix="", base_prefix="", path=()),
        kind=kind,
        distributions=tuple(
            Distribution(name=name, version=version, installer="", requires=(), folder="", info="")
            for name, version in packages.pip
        ),
        torch=torch,
        vision=VersionFile(version=vision, cuda="", hip=None) if vision else None,
        audio=VersionFile(version=listed["torchaudio"], cuda="", hip=None) if "torchaudio" in listed else None,
        torch_folder="",
        conda=packages.conda,
        has_pip=True,
    )


def _run(parts: Parts, observation: Observation) -> TorchRun | None:
    """What torch did, as far as the text tells it."""
    collected, messages, torch = parts.collected, parts.messages, _torch(parts)
    available = messages.available if collected.available is None else collected.available
    if not (messages.errors or messages.import_error or messages.arch_list or available is not None):
        return None
    imported = torch is not None and not messages.import_error
    return TorchRun(
        outcome=RunOutcome.DONE,
        stage="done",
        has_torch=imported,
        torch_file=messages.torch_file,
        torch_version=torch.version if torch else "",
        cuda=torch.cuda if torch else None,
        hip=torch.hip if torch else None,
        import_error=messages.import_error,
        available=available if available is not None else (True if messages.refused else None),
        errors=messages.errors,
        devices=_devices(messages, observation),
        arch_list=messages.arch_list,
        vision_error=next((line for line in messages.errors if "torchvision::nms" in line), None),
    )


def _devices(messages: Messages, observation: Observation) -> tuple[TorchDevice, ...]:
    """The GPUs on which a kernel failed for want of code; which of two kinds it was nobody can tell."""
    names = {gpu.name for gpu in observation.nvidia}
    if messages.refused:
        bad = {gpu.name: (gpu.capability, gpu.line) for gpu in messages.refused}
        rows = [*bad.items(), *((name, (None, None)) for name in sorted(names - bad.keys()))]
        return tuple(
            TorchDevice(name=name, capability=capability, kernel_error=line) for name, (capability, line) in rows
        )
    line = next((line for line in messages.errors if "no kernel image" in line), "")
    if line and len(names) == 1:
        return (TorchDevice(name=names.pop(), capability=None, kernel_error=line[:300]),)
    return ()


def _cuda_found(messages: Messages) -> str:
    """The driver's CUDA as torch counts it in a message: 12.6 of `found version 12060`; empty without one."""
    number = next((found[1] for line in messages.errors if (found := re.search(r"found version (\d{4,5})", line))), "")
    return f"{int(number) // 1000}.{int(number) % 1000 // 10}" if number else ""
