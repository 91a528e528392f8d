"""The one next thing to do, as one command wherever one does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from envgen.core.findings import Level
from envgen.core.gpus import MatchKind
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import RejectionCode, Resolution
from envgen.core.wsl import linux_branch
from envgen.doctor.checks.interpreter import pythons_with_builds
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding, Fix
from envgen.doctor.installers import conda_fix, pip_fix, pixi_fix
from envgen.environments.inspected import Target
from envgen.probe.observation import EnvironmentKind
from envgen.resolve.errors import NoBuildError

Decide = Callable[[Request], Resolution | None]

# What no shell acts on between double quotes.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()/+-]*")
# Findings that another build of torch, or the same one again, puts right.
_BY_INSTALL = frozenset(
    {
        Code.TORCH_MISSING,
        Code.TORCH_REPLACED,
        Code.JETSON_GENERIC_WHEEL,
        Code.CONDA_CPU_BUILD,
        Code.INDEX_DIVERTED,
        Code.TORCH_CPU_BUILD,
        Code.TORCH_OTHER_BACKEND,
        Code.CUDA_LIBRARIES_BROKEN,
        Code.TORCH_IMPORT_FAILED,
        Code.DRIVER_TOO_OLD,
        Code.NO_KERNEL_IMAGE,
        Code.MIXED_GPUS,
        Code.PTX_TOO_NEW,
        Code.CUDNN_UNSUPPORTED,
        Code.CUDNN_OVERLAP,
        Code.TORCHVISION_CPU,
        Code.TORCHVISION_MISMATCH,
        Code.TORCHAUDIO_MISMATCH,
    }
)
# What the installed release itself is not to blame for: the same build, whole, puts it right.
_BY_REPAIR = frozenset(
    {
        Code.TORCH_REPLACED,
        Code.CUDA_LIBRARIES_BROKEN,
        Code.TORCH_IMPORT_FAILED,
        Code.CUDNN_OVERLAP,
        Code.TORCHVISION_CPU,
        Code.TORCHVISION_MISMATCH,
        Code.TORCHAUDIO_MISMATCH,
    }
)
# The driver that the host has does not count where it is what must change.
_NEW_DRIVER = frozenset({Code.NO_DRIVER, Code.DRIVER_DROPPED_GPU, Code.DRIVER_PREDATES_GPU, Code.WSL_DRIVER})


def choose_fix(case: Case, findings: tuple[Finding, ...], decide: Decide) -> Fix | None:
    """Return what to do about the first finding that keeps CUDA from working, else about the first warning, or None."""
    pressing = [f for f in findings if f.level is Level.ERROR] or [f for f in findings if f.level is Level.WARNING]
    if not pressing:
        return None
    first = pressing[0]
    if first.code is Code.NO_WHEEL_FOR_PYTHON:
        return _new_environment(case, findings, first, decide)
    if first.code not in _BY_INSTALL:
        return _own_way(first)
    request = request_for(case, findings)
    resolution = _decision(case, findings, request, decide) if request else None
    if resolution is None:
        return _own_way(first)
    return _by_decision(case, first, resolution)


def _own_way(finding: Finding) -> Fix:
    """What a finding itself says to do."""
    before = finding.before if finding.command else ""
    return Fix(before=before, command=finding.command, reason=finding.remedy)


def request_for(case: Case, findings: tuple[Finding, ...]) -> Request | None:
    """Return the request that this host and environment make; None when a GPU or the platform is unknown."""
    gpus = tuple(RequestedGpu(input=known.label, gpu=known.gpu) for known in case.gpus if known.gpu)
    if not gpus or len(gpus) != len(case.gpus) or case.subdir is None:
        return None
    system, target = case.observation.system, case.target
    replace_driver = any(finding.code in _NEW_DRIVER for finding in findings)
    driver = None if replace_driver or system.jetson else case.observation.driver
    if driver and system.wsl:
        driver = linux_branch(driver, case.builds.branches, case.builds.floors)
    python = target.interpreter.minor if target else case.builds.default_python
    return Request(
        gpus=gpus,
        subdir=case.subdir,
        python=python,
        driver=driver,
        driver_origin=DriverOrigin.PROBED if driver else DriverOrigin.ASSUMED,
        glibc=system.libc_version if system.libc == "glibc" and system.libc_version else case.builds.default_glibc,
        vision=bool(target is None or target.vision or target.torch is None),
        audio=target is not None and bool(target.named("torchaudio")),
    )


def _decision(case: Case, findings: tuple[Finding, ...], request: Request, decide: Decide) -> Resolution | None:
    """The decision: for the very build that is installed when only its installation is at fault, else the best."""
    errors = {finding.code for finding in findings if finding.level is Level.ERROR}
    release = case.torch_version.partition("+")[0]
    if errors <= _BY_REPAIR and case.torch_cuda and re.fullmatch(r"\d+(\.\d+)+", release):
        tag = "cu" + "".join(case.torch_cuda.split(".")[:2])
        same = decide(replace(request, torch=f"=={release}", cuda=tag))
        if same is not None and (same.pip or same.conda):
            return same
    return decide(request)


def _by_decision(case: Case, first: Finding, resolution: Resolution) -> Fix:
    target = case.target
    if target is not None and (by_pixi := pixi_fix(case, target, resolution)):
        return by_pixi
    is_conda = target is not None and (target.kind is EnvironmentKind.CONDA and _conda_owns_torch(target))
    if is_conda and resolution.conda and target:
        return conda_fix(case, target, resolution.conda, first)
    if resolution.pip:
        return pip_fix(case, resolution.pip, first)
    if resolution.conda:
        reason = "only conda has a build that runs here: write its files and create that environment"
        # On a Jetson the remedy names builds that no catalog holds; conda-forge's stands beside them.
        jetson = first.code is Code.JETSON_GENERIC_WHEEL
        before = f"{first.remedy}, the files of which this writes" if jetson else reason
        command = envgen_command(case, resolution.request)
        return Fix(before=before, command=command, reason=reason, by_decision=True)
    if first.command:
        return _own_way(first)
    return Fix(command="", reason=_no_build(case, resolution), by_decision=True)


def _no_build(case: Case, resolution: Resolution) -> str:
    """Why nothing runs here, by the build that comes closest, and the option that would change it."""
    error = NoBuildError(resolution)
    known = (r for r in resolution.rejected if r.code is not RejectionCode.UNCERTAIN)
    closest = error.main_rejection() or next(known, None)
    fact = f": {closest.text}" if closest else ""
    hint = error.hint()
    if closest and set(closest.unlock) == {"python"}:
        hint += f": {envgen_command(case, replace(resolution.request, python=closest.unlock['python']))}"
    return f"no build of PyTorch runs on this GPU with this driver and Python{fact}; {hint}"


def _conda_owns_torch(target: Target) -> bool:
    """torch in a conda environment is pip's business when pip brought it and conda knows of none."""
    return target.conda_record("pytorch") is not None or not target.named("torch")


def _new_environment(case: Case, findings: tuple[Finding, ...], first: Finding, decide: Decide) -> Fix:
    """A new environment, of a Python that has a build for these GPUs and this driver."""
    request = request_for(case, findings)
    if request is None or case.target is None or case.target.interpreter.musl:
        return Fix(command="", reason=first.remedy)
    near = _by_nearness(request.python, pythons_with_builds(case, request.subdir), case.builds.default_python)
    decided = [r for python in near if (r := decide(replace(request, python=python)))]
    by_conda = next((r for r in decided if r.conda), None)
    by_pip = next((r for r in decided if r.pip), None)
    best = by_conda or by_pip if case.target.kind is EnvironmentKind.CONDA else by_pip or by_conda
    if best is not None:
        reason = f"make a new environment with Python {best.request.python}"
        if case.target.interpreter.bits != 64:
            reason = f"install the 64-bit Python {best.request.python} and make a new environment with it"
        command = envgen_command(case, best.request)
        return Fix(before=reason, command=command, reason=reason, by_decision=True)
    nothing = decide(replace(request, python=case.builds.default_python))
    if nothing is None:
        return Fix(command="", reason=first.remedy)
    return Fix(command="", reason=_no_build(case, nothing), by_decision=True)


def _by_nearness(python: str, known: frozenset[str], default: str) -> list[str]:
    """The Pythons at or below one, the newest first, then those above it, without the free-threaded builds.

    Where the version itself is among them, something else is wrong with that Python: the default comes first.
    """
    wanted = release_key(python.rstrip("t"))
    plain = sorted((p for p in known if not p.endswith("t")), key=release_key)
    near = [p for p in reversed(plain) if release_key(p) <= wanted] + [p for p in plain if release_key(p) > wanted]
    return [default, *near] if python in plain else near


def envgen_command(case: Case, request: Request) -> str:
    """Return the command that writes the files of an environment for the host's GPUs, its driver and one Python.

    Without a driver it would assume the newest one.
    """
    driver = f"--driver {request.driver} " if request.driver else ""
    return f"envgen {_gpu_options(case)} {driver}--python {request.python}"


def _gpu_options(case: Case) -> str:
    """The GPUs by the names that the driver prints; by what they can, where the name is not one that says that.

    Anything may call itself a GPU, and a name that a shell would act on is never printed into a command.
    """
    options: list[str] = []
    for known in case.gpus:
        match = case.catalog.match(known.label)
        same = match.gpu is not None and known.gpu is not None and match.gpu.capability == known.gpu.capability
        if match.kind is MatchKind.EXACT and same and _PLAIN_NAME.fullmatch(known.label):
            options.append(f'--gpu "{known.label}"')
        elif known.gpu is not None:
            options.append(f"--compute-capability {known.gpu.capability}")
    return " ".join(dict.fromkeys(options))
