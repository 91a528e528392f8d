"""The one next thing to do, as one command wherever one does it."""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.causes.checks.interpreter import pythons_with_builds
from envgen.causes.context import Context
from envgen.causes.findings import Finding, Remedy
from envgen.causes.table import ROWS, Repair
from envgen.core.findings import Level
from envgen.core.gpus import MatchKind
from envgen.core.releases import release_key, tag_of_cuda
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import RejectionCode, Resolution
from envgen.doctor.build_fix import conda_fix, conda_owns_torch, pip_fix, pixi_fix
from envgen.environments.inspected import base_version
from envgen.probe.observation import EnvironmentKind
from envgen.request.known_gpus import driver_to_decide_with
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError

# What no shell acts on between double quotes.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()/+-]*")


def choose_fix(context: Context, findings: tuple[Finding, ...]) -> Remedy | None:
    """Return what to do about the first finding that keeps CUDA from working, else about the first warning, or None."""
    pressing = [f for f in findings if f.level is Level.ERROR] or [f for f in findings if f.level is Level.WARNING]
    if not pressing:
        return None
    first = pressing[0]
    repair = ROWS[first.code].repair
    if repair is Repair.PYTHON:
        return _new_environment(context, findings, first)
    if repair is Repair.OWN:
        return first.remedy
    request = request_for(context, findings)
    resolution = _decision(context, findings, request) if request else None
    if resolution is None:
        return _for_this_jetpack(context) or first.remedy
    return _by_decision(context, first, resolution)


def _for_this_jetpack(context: Context) -> Remedy | None:
    """What there is for a JetPack that no index serves."""
    jetpack = context.jetpack
    if jetpack is None or jetpack.driver is not None:
        return None
    wheel = f"take NVIDIA's own wheel for JetPack {jetpack.release} (L4T {jetpack.l4t[-1]}, CUDA {jetpack.cuda}, "
    return Remedy(text=f"{wheel}Python {jetpack.python}), or its l4t-pytorch container: no index has a build for it")


def request_for(context: Context, findings: tuple[Finding, ...]) -> Request | None:
    """Return the request that this host and environment make; None when a GPU or the platform is unknown."""
    gpus = tuple(RequestedGpu(input=known.label, gpu=known.gpu) for known in context.gpus if known.gpu)
    system, environment, jetpack = context.observation.system, context.environment, context.jetpack
    if not gpus or len(gpus) != len(context.gpus) or context.subdir is None:
        return None
    if system.jetson and (jetpack is None or jetpack.driver is None):
        return None  # nobody knows its CUDA, or no index has a build for it
    new_driver = any(ROWS[finding.code].new_driver for finding in findings)
    driver = None if new_driver else driver_to_decide_with(context.observation, context.builds)
    python = (environment.interpreter.minor if environment else "") or context.builds.default_python
    return Request(
        gpus=gpus,
        subdir=context.subdir,
        python=python,
        driver=driver,
        driver_origin=DriverOrigin.PROBED if driver else DriverOrigin.ASSUMED,
        jetpack=jetpack,
        glibc=_glibc(context),
        wsl=bool(system.wsl),
        vision=bool(environment is None or environment.vision or environment.torch is None),
        audio=environment is not None and bool(environment.named("torchaudio")),
    )


def _glibc(context: Context) -> str:
    """The glibc to decide with: a Jetson's is its JetPack's."""
    system = context.observation.system
    if context.jetpack:
        return context.jetpack.glibc
    return system.libc_version if system.libc == "glibc" and system.libc_version else context.builds.default_glibc


def _decision(context: Context, findings: tuple[Finding, ...], request: Request) -> Resolution:
    """The decision: for the very build that is installed when only its installation is at fault, else the best."""
    errors = [ROWS[finding.code].repair for finding in findings if finding.level is Level.ERROR]
    release = base_version(context.torch_version)
    at_fault = all(repair is Repair.SAME_BUILD for repair in errors)
    if at_fault and context.torch_cuda and re.fullmatch(r"\d+(\.\d+)+", release):
        same = resolve(context.builds, replace(request, torch=f"=={release}", cuda=tag_of_cuda(context.torch_cuda)))
        if same.pip or same.conda:
            return same
    return resolve(context.builds, request)


def _by_decision(context: Context, first: Finding, resolution: Resolution) -> Remedy:
    environment = context.environment
    if environment is not None and (by_pixi := pixi_fix(context, environment, resolution)):
        return by_pixi
    is_conda = environment is not None and environment.kind is EnvironmentKind.CONDA
    if environment is not None and is_conda and resolution.conda and conda_owns_torch(environment):
        return conda_fix(context, resolution.conda, first)
    if resolution.pip:
        return pip_fix(context, resolution.pip, first)
    if resolution.conda:
        reason = "only conda has a build that runs here: write its files and create that environment"
        # On a Jetson the remedy names builds that no catalog holds; conda-forge's stands beside them.
        jetson = first.code == "jetson-generic-wheel"
        where = f"{first.remedy.text}, the files of which this writes" if jetson else reason
        command = envgen_command(context, resolution.request)
        return Remedy(text=reason, where=where, command=command, by_decision=True)
    if first.remedy.command:
        return first.remedy
    return Remedy(text=_no_build(context, resolution), by_decision=True)


def _no_build(context: Context, resolution: Resolution) -> str:
    """Why nothing runs here, by the build that comes closest, and the option that would change it."""
    error = NoBuildError(resolution)
    known = (r for r in resolution.rejected if r.code is not RejectionCode.UNCERTAIN)
    closest = error.main_rejection() or next(known, None)
    fact = f": {closest.text}" if closest else ""
    hint = error.hint()
    if closest and set(closest.unlock) == {"python"}:
        hint += f": {envgen_command(context, replace(resolution.request, python=closest.unlock['python']))}"
    return f"no build of PyTorch runs on this GPU with this driver and Python{fact}; {hint}"


def _new_environment(context: Context, findings: tuple[Finding, ...], first: Finding) -> Remedy:
    """A new environment, of a Python that has a build for these GPUs and this driver."""
    request, environment = request_for(context, findings), context.environment
    if request is None or environment is None or environment.interpreter.musl:
        return first.remedy
    near = _by_nearness(request.python, pythons_with_builds(context, request.subdir), context.builds.default_python)
    decided = [resolve(context.builds, replace(request, python=python)) for python in near]
    by_conda = next((r for r in decided if r.conda), None)
    by_pip = next((r for r in decided if r.pip), None)
    best = by_conda or by_pip if environment.kind is EnvironmentKind.CONDA else by_pip or by_conda
    if best is not None:
        text = f"make a new environment with Python {best.request.python}"
        if environment.interpreter.bits != 64:
            text = f"install the 64-bit Python {best.request.python} and make a new environment with it"
        return Remedy(text=text, where=text, command=envgen_command(context, best.request), by_decision=True)
    nothing = resolve(context.builds, replace(request, python=context.builds.default_python))
    return Remedy(text=_no_build(context, nothing), by_decision=True)


def _by_nearness(python: str, known: frozenset[str], default: str) -> list[str]:
    """The Pythons at or below one, the newest first, then those above it, without the free-threaded builds.

    Where the version itself is among them, something else is wrong with that Python: the default comes first.
    """
    wanted = release_key(python.rstrip("t"))
    plain = sorted((p for p in known if not p.endswith("t")), key=release_key)
    near = [p for p in reversed(plain) if release_key(p) <= wanted] + [p for p in plain if release_key(p) > wanted]
    return [default, *near] if python in plain else near


def envgen_command(context: Context, request: Request) -> str:
    """Return the command that writes the files of an environment for the host's GPUs, its driver and one Python.

    Without a driver it would assume the newest one.
    """
    driver = f"--driver {request.driver} " if request.driver else ""
    if request.jetpack:
        driver = f'--driver "JetPack {request.jetpack.release}" '
    return f"envgen {_gpu_options(context)} {driver}--python {request.python}"


def _gpu_options(context: Context) -> str:
    """The GPUs by the names that the driver prints; by what they can, where the name is not one that says that.

    Anything may call itself a GPU, and a name that a shell would act on is never printed into a command.
    """
    options: list[str] = []
    for known in context.gpus:
        match = context.catalog.match(known.label)
        same = match.gpu is not None and known.gpu is not None and match.gpu.capability == known.gpu.capability
        if match.kind is MatchKind.EXACT and same and _PLAIN_NAME.fullmatch(known.label):
            options.append(f'--gpu "{known.label}"')
        elif known.gpu is not None:
            options.append(f"--compute-capability {known.gpu.capability}")
    return " ".join(dict.fromkeys(options))
