"""The rules that one build must pass, each returning what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.builds import CondaBuild, Existence, PipBuild
from envgen.core.capability import CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import CodeUse, RejectionCode
from envgen.resolve.coverage import code_in
from envgen.resolve.driver import DriverRules
from envgen.resolve.failure import Failure
from envgen.resolve.question import Question

# cuDNN 9.11 has no code below 7.5 (conda-forge/cudnn-feedstock#124; PyTorch RELEASE.md keeps cu126 on 9.10.2.21).
CUDNN_WITHOUT_PRE_TURING = "9.11"
# cuDNN 8.9.5's support matrix starts at 5.0; 8.8 dropped Kepler (NVIDIA cuDNN support matrices 8.5.0 and 8.9.5).
CUDNN_WITHOUT_KEPLER = "8.8"
TURING = ComputeCapability(7, 5)
MAXWELL = ComputeCapability(5, 0)

Build = PipBuild | CondaBuild


def code_uses(build: Build, request: Request) -> tuple[CodeUse, ...]:
    """Which code runs on each GPU; GPUs without any are left out."""
    found = ((r.gpu, code_in(build.arch_list, r.gpu.capability)) for r in request.gpus)
    return tuple(CodeUse(gpu=gpu.name, code=code) for gpu, code in found if code is not None)


def runs_from_ptx(build: Build, request: Request) -> bool:
    """True when a GPU of the request would run the build's PTX."""
    found = (code_in(build.arch_list, r.gpu.capability) for r in request.gpus)
    return any(code is not None and code.kind is CodeKind.PTX for code in found)


def failures(build: Build, question: Question) -> Iterator[Failure]:
    """Everything that speaks against a build, the most fundamental first."""
    existence = build.existence_for(question.request.python)
    if existence is Existence.UNCERTAIN:
        text = f"no source confirms that {build.label} is published"
        yield Failure(code=RejectionCode.UNCERTAIN, text=text)
    yield from _platform(question)
    yield from _code(build, question.request)
    yield from _cudnn(build, question.request)
    yield from _branches(build, question)
    yield from _file(build, question.request, existence)
    yield from _driver(build, question)


def _platform(question: Question) -> Iterator[Failure]:
    subdir = question.request.subdir
    for requested, support in question.supports:
        if support.only_subdir is not None and support.only_subdir is not subdir:
            yield Failure(
                code=RejectionCode.NOT_ON_PLATFORM,
                text=f"{requested.gpu.name} (compute capability {requested.gpu.capability}) is part of a "
                f"{support.only_subdir} module, not of a {subdir} computer",
                unlock={"platform": str(support.only_subdir)},
            )


def _code(build: Build, request: Request) -> Iterator[Failure]:
    for requested in request.gpus:
        if code_in(build.arch_list, requested.gpu.capability) is None:
            yield Failure(
                code=RejectionCode.NO_KERNEL_IMAGE,
                text=f"{build.label} has no code for {requested.gpu.name} (compute capability "
                f"{requested.gpu.capability}); its arch list is {build.arch_list}",
            )


def _cudnn(build: Build, request: Request) -> Iterator[Failure]:
    if not build.cudnn:
        return
    bounds = ((MAXWELL, CUDNN_WITHOUT_KEPLER, "5.0"), (TURING, CUDNN_WITHOUT_PRE_TURING, "7.5"))
    for requested in request.gpus:
        for capability, first_bad, lowest in bounds:
            if requested.gpu.capability < capability and release_key(build.cudnn) >= release_key(first_bad):
                yield Failure(
                    code=RejectionCode.CUDNN_UNSUPPORTED,
                    text=f"{build.label} comes with cuDNN {build.cudnn}, which serves compute capability {lowest} "
                    f"and up; {requested.gpu.name} is {requested.gpu.capability}",
                )
                break


def _branches(build: Build, question: Question) -> Iterator[Failure]:
    rules = question.rules
    branch = rules.driver.branch
    for requested, support in question.supports:
        name = requested.gpu.name
        if support.last_branch is not None and branch > _last_major(support.last_branch, rules):
            last = support.last_windows if rules.subdir.is_windows else support.last_linux
            yield Failure(
                code=RejectionCode.DRIVER_TOO_NEW,
                text=f"{build.label}: driver {rules.driver} no longer serves {name} ({support.architecture}); "
                f"R{support.last_branch} is the last branch that does",
                unlock={"driver": last or str(support.last_branch)},
            )
        if support.first_branch is not None and branch < support.first_branch:
            yield Failure(
                code=RejectionCode.DRIVER_PREDATES_GPU,
                text=f"{build.label}: driver {rules.driver} is older than the first branch that knows {name}, "
                f"R{support.first_branch}",
                unlock={"driver": str(support.first_branch)},
            )


def _last_major(branch: int, rules: DriverRules) -> int:
    """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
    if not rules.subdir.is_windows:
        return branch
    entry = next((b for b in rules.builds.branches if b.branch == branch), None)
    return max(entry.windows_majors, default=branch) if entry else branch


def _file(build: Build, request: Request, existence: Existence | None) -> Iterator[Failure]:
    if existence is None:
        known = [python for python in build.pythons if not python.endswith("t")]
        yield Failure(
            code=RejectionCode.NO_FILE,
            text=f"{build.label} has no {request.subdir} build for Python {request.python}; it has {', '.join(known)}",
            unlock={"python": _nearest(request.python, known)} if known else {},
        )
    needs_glibc = build.glibc and not request.subdir.is_windows
    if needs_glibc and release_key(build.glibc) > release_key(request.glibc):
        yield Failure(
            code=RejectionCode.GLIBC_TOO_OLD,
            text=f"{build.label} needs glibc {build.glibc}, the target has {request.glibc}",
            unlock={"glibc": build.glibc},
        )


def _nearest(wanted: str, known: Sequence[str]) -> str:
    """The Python that is the smallest change: the newest below the wanted one, else the oldest above it."""
    ordered = sorted(known, key=release_key)
    below = [python for python in ordered if release_key(python) < release_key(wanted)]
    return below[-1] if below else ordered[0]


def _driver(build: Build, question: Question) -> Iterator[Failure]:
    rules = question.rules
    floor = driver_floor(build, question)
    if floor is None:
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            text=f"{build.label} needs the driver that came with CUDA {build.cuda} (it runs from PTX, or predates "
            "minor-version compatibility); no source states that driver, so it is unknown",
        )
    elif not _meets(floor, build, question):
        system = "Windows" if rules.subdir.is_windows else "Linux"
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            text=f"{build.label} needs driver {floor} or newer on {system}, the target has {rules.driver}",
            unlock={"driver": str(floor)},
        )


def _meets(floor: DriverVersion, build: Build, question: Question) -> bool:
    if runs_from_ptx(build, question.request):
        return question.rules.driver.serves_toolkit(floor)
    return question.rules.driver.meets_floor(floor)


def driver_floor(build: Build, question: Question) -> DriverVersion | None:
    """The oldest driver that will do for a build on all GPUs of a request; None when no source states it.

    SASS counts from the CUDA major's floor, PTX from the toolkit's own driver; a GPU's first branch counts too.
    """
    rules = question.rules
    from_ptx = runs_from_ptx(build, question.request)
    floor = rules.toolkit_minimum(build.cuda) if from_ptx else rules.floor(build.cuda)
    if floor is None:
        return None
    firsts = [support.first_branch for _, support in question.supports if support.first_branch is not None]
    if firsts and max(firsts) > floor.branch:
        return DriverVersion.parse(str(max(firsts)))
    return floor


def known_floor(build: Build, question: Question) -> DriverVersion:
    """The driver floor of a build that passed the driver rule, which refuses a build whose floor is unknown."""
    floor = driver_floor(build, question)
    if floor is None:
        raise AssertionError(build.label)
    return floor
