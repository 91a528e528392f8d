"""Is the torch that is installed the build that was meant, whole and from one source?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.findings import Level
from envgen.doctor.checks.interpreter import is_inside
from envgen.doctor.checks.loader import cudnn_on_library_path
from envgen.doctor.checks.requirements import damages, unmet
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding
from envgen.doctor.installers import uninstall_command
from envgen.doctor.shell import shell_of
from envgen.environments.inspected import Distribution, Target
from envgen.environments.torch_run import LiveOutcome
from envgen.probe.observation import InstallSetting

_BY_INSTALLER = "install a build of torch for this GPU and driver"
# L4T 38 (JetPack 7) is the first that runs the wheels for ARM servers (SBSA).
_FIRST_SBSA_L4T = 38
_NO_COMMIT = "[WinError 1455]"  # ERROR_COMMITMENT_LIMIT, winerror.h
_LIBRARY_WORDS = (
    "libcudnn",
    "libcublas",
    "libcudart",
    "libcufft",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libcupti",
    "libnccl",
    "libnvrtc",
    "libnvJitLink",
    "libnvshmem",
    "libcufile",
    "libnvToolsExt",
    "libtorch",
    "libc10",
    "undefined symbol",
    "DLL load failed",
    "[WinError 126]",
    "[WinError 127]",
    "[WinError 182]",
    "[WinError 193]",
    "[WinError 1114]",
    "cudnn_",
    "Could not load library",
    "Unable to load any of",
    "CUDNN_STATUS_SUBLIBRARY",
)
# After the import a library's bare name proves nothing: a stack trace names the library of every frame.
_NOT_LOADED = (
    "undefined symbol",
    "cannot open shared object file",
    "Could not load library",
    "Unable to load any of",
    "Cannot load symbol cudnn",
    "CUDNN_STATUS_SUBLIBRARY",
)


def torch_replaced(case: Case) -> Iterator[Finding]:
    """Two installers wrote torch into one folder, or one left half of an older one."""
    target = case.target
    if target is None or target.torch is None:
        return
    evidence: list[str] = []
    here = [d for d in target.named("torch") if d.folder == target.torch_folder]
    if len(here) > 1:
        evidence.append("torch is recorded twice: " + ", ".join(d.info for d in here))
    # A torch of the user's folder stands beside conda's, not over it.
    record = target.conda_record("pytorch") if is_inside(target.torch_folder, target.interpreter.prefix) else None
    if record and here and here[0].installer == "pip" and here[0].info not in record.dist_infos:
        evidence.append(f"conda recorded pytorch {record.version} ({record.build}), pip wrote torch {here[0].version}")
    elif record and _base(record.version) != _base(target.torch.version):
        evidence.append(f"conda recorded pytorch {record.version}, the files are torch {target.torch.version}")
    elif len(here) == 1 and _base(here[0].version) != _base(target.torch.version):
        evidence.append(f"{here[0].info} beside the files of torch {target.torch.version}")
    if not evidence:
        return
    yield Finding(
        code=Code.TORCH_REPLACED,
        level=Level.ERROR,
        title="torch was installed over another torch",
        evidence=tuple(evidence),
        remedy="uninstall torch until it is gone, then install it once, with one installer; hold it with an exact "
        "version (torch==X+cuY) so that no dependency replaces it",
        command=uninstall_command(case),
    )


def jetson_generic_wheel(case: Case) -> Iterator[Finding]:
    """Tegra needs builds of its own up to JetPack 6."""
    jetson, target = case.observation.system.jetson, case.target
    if jetson is None or not case.has_torch or case.works:
        return
    major = int(jetson.l4t.split(".")[0]) if jetson.l4t else 0
    generic = target is not None and any(d.name.startswith(("nvidia-", "cuda-toolkit")) for d in target.distributions)
    evidence = [f"{jetson.model}, L4T {jetson.l4t or 'unknown'} ({jetson.soc})"]
    if case.is_cpu_build:
        evidence.append(f"torch {case.torch_version} is built without CUDA")
    elif generic and 0 < major < _FIRST_SBSA_L4T:
        evidence.append(
            f"torch {case.torch_version} with NVIDIA's wheels for ARM servers, which need L4T {_FIRST_SBSA_L4T}"
        )
    else:
        return
    if 0 < major < _FIRST_SBSA_L4T:
        remedy = (
            f"take the wheel made for this JetPack (L4T {jetson.l4t}), NVIDIA's l4t container, or conda-forge's build"
        )
    else:
        remedy = "take a CUDA build for linux-aarch64: JetPack 7 runs those for ARM servers"
    yield Finding(
        code=Code.JETSON_GENERIC_WHEEL,
        level=Level.ERROR,
        title="this torch is not built for this Jetson",
        evidence=tuple(evidence),
        remedy=remedy,
    )


def conda_cpu_build(case: Case) -> Iterator[Finding]:
    """The solver chose a build without CUDA, as it does where it sees no `__cuda`."""
    target = case.target
    record = target.conda_record("pytorch") if target else None
    if target is None or record is None or ("cpu" not in record.build.split("_")[0] and "_cpu_" not in record.build):
        return
    if not case.is_cpu_build:
        return
    override = case.observation.variable("CONDA_OVERRIDE_CUDA")
    seen = f"CONDA_OVERRIDE_CUDA={override}" if override is not None else "CONDA_OVERRIDE_CUDA is not set"
    yield Finding(
        code=Code.CONDA_CPU_BUILD,
        level=Level.ERROR,
        title="conda chose the CPU build of pytorch",
        evidence=(f"pytorch {record.version} {record.build} from {record.channel}", seen),
        remedy="ask for a CUDA build by its build string; a solver that sees no GPU takes the CPU build silently",
    )


def torch_cpu_build(case: Case) -> Iterator[Finding]:
    """A wheel without CUDA: by PyPI's default, by a CPU index, or by a setting that led elsewhere."""
    target = case.target
    if not case.is_cpu_build or target is None:
        return
    here = next(iter(target.named("torch")), None)
    evidence = [f"torch {case.torch_version or 'of unknown version'} has no CUDA (torch.version.cuda is None)"]
    if here:
        evidence.append(f"installed by {here.installer or 'an unknown installer'} as {here.version}")
    if diverting := _diverting(case, here):
        yield Finding(
            code=Code.INDEX_DIVERTED,
            level=Level.ERROR,
            title="a setting of the installer led to the CPU build",
            evidence=(*evidence, *(f"{s.key} = {s.value} ({s.origin})" for s in diverting)),
            remedy="name the index on the command line and the exact build; an extra index has no priority, the "
            "installer takes the higher version wherever it is",
        )
        return
    if case.observation.system.os == "windows" and (not here or "+" not in here.version):
        evidence.append("PyPI's wheels for Windows are CPU builds")
    yield Finding(
        code=Code.TORCH_CPU_BUILD,
        level=Level.ERROR,
        title="the torch that is installed is a CPU build",
        evidence=tuple(evidence),
        remedy=_BY_INSTALLER,
    )


def torch_other_backend(case: Case) -> Iterator[Finding]:
    """A build for another vendor's GPUs."""
    if case.torch_hip:
        yield Finding(
            code=Code.TORCH_OTHER_BACKEND,
            level=Level.ERROR,
            title="this torch is built for AMD's ROCm, not for CUDA",
            evidence=(f"torch {case.torch_version}, ROCm {case.torch_hip}",),
            remedy=_BY_INSTALLER,
        )


def cuda_libraries_broken(case: Case) -> Iterator[Finding]:
    """The libraries that torch needs are missing, damaged or of other versions."""
    target, other_cudnn = case.target, case.said("cuDNN version incompatibility")
    if target is None or (case.computes and not other_cudnn) or cudnn_on_library_path(case):
        return
    evidence = [*damages(target), *(unmet(target, case.observation.system) if case.torch_cuda else ())]
    failed = case.live.import_error if case.live else ""
    if _NO_COMMIT in failed:
        yield _paging_file(failed)
        failed = ""  # the libraries that it names are whole
    later = (*_convolution_errors(case), "" if _NO_COMMIT in case.live_failure else case.live_failure)
    by_library = [
        *(failed for word in _LIBRARY_WORDS if word in failed),
        *(text for text in later for word in _NOT_LOADED if word in text),
        *filter(None, [other_cudnn]),
    ]
    if by_library:
        evidence.insert(0, _one_line(by_library[0]))
    elif case.live_failure and case.live and case.live.stage in ("prefix", "executable"):
        if case.live.outcome is LiveOutcome.TIMED_OUT and not evidence:
            yield _hanging_import(case, target)
            return
        evidence.insert(0, f"importing torch: {case.live_failure}")
    if not evidence:
        if failed and "No module named 'torch'" not in failed and "module torch is not PyTorch" not in failed:
            yield Finding(
                code=Code.TORCH_IMPORT_FAILED,
                level=Level.ERROR,
                title="torch can't be imported",
                evidence=(_one_line(failed),),
                remedy="reinstall torch and everything that it requires together",
            )
        return
    visual = "WinError 126" in failed and "c10" in failed
    extra = "; install Microsoft's Visual C++ runtime too" if visual else ""
    yield Finding(
        code=Code.CUDA_LIBRARIES_BROKEN,
        level=Level.ERROR,
        title="libraries that torch needs are missing or don't fit",
        evidence=tuple(dict.fromkeys(evidence))[:8],
        remedy=f"reinstall torch and its nvidia packages together{extra}",
    )


def _paging_file(failed: str) -> Finding:
    """Windows promises memory for all of a library when it loads it: CUDA's are of gigabytes."""
    return Finding(
        code=Code.PAGING_FILE,
        level=Level.ERROR,
        title="Windows has no memory left to promise to torch's libraries",
        evidence=(_one_line(failed),),
        remedy="raise the size of the paging file (System Properties, Advanced, Performance, Virtual memory) and "
        "restart, or end other programs; the installation is not at fault",
    )


def _hanging_import(case: Case, target: Target) -> Finding:
    """Nothing says that the installation is damaged: to install gigabytes again would only take as long again."""
    python = shell_of(case).program(target.interpreter.executable or "python")
    return Finding(
        code=Code.TORCH_IMPORT_HANGS,
        level=Level.ERROR,
        title="importing torch does not end",
        evidence=(f"importing torch: {case.live_failure}",),
        remedy="import it by itself and wait: the first import from a slow disk or a network folder, or under a virus "
        "scanner, can take minutes; then run `envgen doctor` again",
        before="wait until this ends (from a slow disk or a network folder it can take minutes), then run `envgen "
        "doctor` again",
        command=f'{python} -c "import torch"',
    )


def cudnn_overlap(case: Case) -> Iterator[Finding]:
    """cuDNN for several CUDA majors unpacks into one folder: the last one wins."""
    if case.target is None:
        return
    found = [d for d in case.target.distributions if re.fullmatch(r"nvidia-cudnn-cu\d+", d.name)]
    if len({d.name for d in found}) > 1:
        yield Finding(
            code=Code.CUDNN_OVERLAP,
            level=Level.WARNING,
            title="cuDNN is installed for several CUDA majors, in one folder",
            evidence=tuple(f"{d.name} {d.version}" for d in found),
            remedy="uninstall all of them and install torch again, which brings the right one",
        )


def _diverting(case: Case, here: Distribution | None) -> list[InstallSetting]:
    """The settings that explain how a CPU build came: they name a CPU index, or add indexes to one without label."""
    settings = dict.fromkeys((*case.observation.settings, *(case.target.settings if case.target else ())))
    named_cpu = [s for s in settings if re.search(r"/cpu(/|$|\s)|^cpu$", s.value)]
    if named_cpu:
        return named_cpu
    if here and "+cpu" in here.version:
        return []
    keys = ("extra-index-url", "index-url", "find-links", "index", "default-index", "no-index")
    return [s for s in settings if s.key in keys and s.value.rstrip("/") != "https://pypi.org/simple"]


def _convolution_errors(case: Case) -> list[str]:
    return [device.convolution_error or "" for device in (case.live.devices if case.live else ())]


def _base(version: str) -> str:
    return version.partition("+")[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
