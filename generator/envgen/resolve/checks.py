"""The rules that one build must pass, each returning what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from envgen.core.builds import Existence
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import CodeUse, RejectionCode
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules, supports

# cuDNN 9.11 has no code below 7.5 (conda-forge/cudnn-feedstock#124; PyTorch RELEASE.md keeps cu126 on 9.10.2.21).
CUDNN_WITHOUT_PRE_TURING = "9.11"
# cuDNN 8.9.5's support matrix starts at 5.0; 8.8 dropped Kepler (NVIDIA cuDNN support matrices 8.5.0 and 8.9.5).
CUDNN_WITHOUT_KEPLER = "8.8"
TURING = ComputeCapability(7, 5)
MAXWELL = ComputeCapability(5, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason against a build. `unlock` is the option that would remove it; empty when nothing can."""

    code: RejectionCode
    text: str
    unlock: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the rules need to know about a build, pip or conda alike. `cuda` is X.Y or X.Y.Z of its toolkit."""

    label: str
    release: str
    cuda: str
    cuda_tag: str
    codes: tuple[ArchCode, ...]
    pythons: tuple[str, ...]
    existence: Existence | None
    cudnn: str
    glibc: str


def code_uses(subject: Subject, request: Request) -> tuple[CodeUse, ...]:
    """Which code runs on each GPU; GPUs without any are left out."""
    found = ((r.gpu, code_for(subject.codes, r.gpu)) for r in request.gpus)
    return tuple(CodeUse(gpu=gpu.name, code=code) for gpu, code in found if code is not None)


def failures(subject: Subject, request: Request, rules: DriverRules) -> Iterator[Failure]:
    """Everything that speaks against a build, the most fundamental first."""
    if subject.existence is Existence.UNCERTAIN:
        text = f"no source confirms that {subject.label} is published"
        yield Failure(code=RejectionCode.UNCERTAIN, text=text)
    yield from _platform(request, rules)
    yield from _code(subject, request)
    yield from _cudnn(subject, request)
    yield from _branches(subject, request, rules)
    yield from _file(subject, request)
    yield from _driver(subject, request, rules)


def _platform(request: Request, rules: DriverRules) -> Iterator[Failure]:
    for requested, support in supports(request, rules.builds):
        if support.only_subdir not in (None, request.subdir):
            yield Failure(
                code=RejectionCode.NOT_ON_PLATFORM,
                text=f"{requested.gpu.name} (compute capability {requested.gpu.capability}) is part of a "
                f"{support.only_subdir} module, not of a {request.subdir} computer",
                unlock={"platform": str(support.only_subdir)},
            )


def _code(subject: Subject, request: Request) -> Iterator[Failure]:
    for requested in request.gpus:
        if code_for(subject.codes, requested.gpu) is None:
            listed = " ".join(str(code) for code in subject.codes)
            yield Failure(
                code=RejectionCode.NO_KERNEL_IMAGE,
                text=f"{subject.label} has no code for {requested.gpu.name} (compute capability "
                f"{requested.gpu.capability}); its arch list is {listed}",
            )


def _cudnn(subject: Subject, request: Request) -> Iterator[Failure]:
    if not subject.cudnn:
        return
    bounds = ((MAXWELL, CUDNN_WITHOUT_KEPLER, "5.0"), (TURING, CUDNN_WITHOUT_PRE_TURING, "7.5"))
    for requested in request.gpus:
        for capability, first_bad, lowest in bounds:
            if requested.gpu.capability < capability and release_key(subject.cudnn) >= release_key(first_bad):
                yield Failure(
                    code=RejectionCode.CUDNN_UNSUPPORTED,
                    text=f"{subject.label} comes with cuDNN {subject.cudnn}, which serves compute capability {lowest} "
                    f"and up; {requested.gpu.name} is {requested.gpu.capability}",
                )
                break


def _branches(subject: Subject, request: Request, rules: DriverRules) -> Iterator[Failure]:
    branch = rules.driver.branch
    for requested, support in supports(request, rules.builds):
        name = requested.gpu.name
        if support.last_branch is not None and branch > _last_major(support.last_branch, rules):
            last = support.last_windows if request.subdir.is_windows else support.last_linux
            yield Failure(
                code=RejectionCode.DRIVER_TOO_NEW,
                text=f"{subject.label}: driver {rules.driver} no longer serves {name} ({support.architecture}); "
                f"R{support.last_branch} is the last branch that does",
                unlock={"driver": last or str(support.last_branch)},
            )
        if support.first_branch is not None and branch < support.first_branch:
            yield Failure(
                code=RejectionCode.DRIVER_PREDATES_GPU,
                text=f"{subject.label}: driver {rules.driver} is older than the first branch that knows {name}, "
                f"R{support.first_branch}",
                unlock={"driver": str(support.first_branch)},
            )


def _last_major(branch: int, rules: DriverRules) -> int:
    """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
    if not rules.subdir.is_windows:
        return branch
    entry = next((b for b in rules.builds.branches if b.branch == branch), None)
    return max(entry.windows_majors, default=branch) if entry else branch


def _file(subject: Subject, request: Request) -> Iterator[Failure]:
    if subject.existence is None:
        known = [python for python in subject.pythons if not python.endswith("t")]
        yield Failure(
            code=RejectionCode.NO_FILE,
            text=f"{subject.label} has no {request.subdir} build for Python {request.python}; "
            f"it has {', '.join(known)}",
            unlock={"python": _nearest(request.python, known)} if known else {},
        )
    needs_glibc = subject.glibc and not request.subdir.is_windows
    if needs_glibc and release_key(subject.glibc) > release_key(request.glibc):
        yield Failure(
            code=RejectionCode.GLIBC_TOO_OLD,
            text=f"{subject.label} needs glibc {subject.glibc}, the target has {request.glibc}",
            unlock={"glibc": subject.glibc},
        )


def _nearest(wanted: str, known: Sequence[str]) -> str:
    """The Python that is the smallest change: the newest below the wanted one, else the oldest above it."""
    ordered = sorted(known, key=release_key)
    below = [python for python in ordered if release_key(python) < release_key(wanted)]
    return below[-1] if below else ordered[0]


def _driver(subject: Subject, request: Request, rules: DriverRules) -> Iterator[Failure]:
    floor = driver_floor(subject, request, rules)
    if floor is None:
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            text=f"{subject.label} needs the driver that came with CUDA {subject.cuda} (it runs from PTX, or predates "
            "minor-version compatibility); no source states that driver, so it is unknown",
        )
    elif not _meets(floor, subject, request, rules):
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            text=f"{subject.label} needs driver {floor} or newer on {_system(request)}, the target has {rules.driver}",
            unlock={"driver": str(floor)},
        )


def _meets(floor: DriverVersion, subject: Subject, request: Request, rules: DriverRules) -> bool:
    uses = code_uses(subject, request)
    if any(use.code.kind is CodeKind.PTX for use in uses):
        return rules.driver.serves_toolkit(floor)
    return rules.driver.meets_floor(floor)


def driver_floor(subject: Subject, request: Request, rules: DriverRules) -> DriverVersion | None:
    """The oldest driver that will do for a build on all GPUs of a request; None when no source states it.

    SASS counts from the CUDA major's floor, PTX from the toolkit's own driver; a GPU's first branch counts too.
    """
    from_ptx = any(use.code.kind is CodeKind.PTX for use in code_uses(subject, request))
    floor = rules.toolkit_minimum(subject.cuda) if from_ptx else rules.floor(subject.cuda)
    if floor is None:
        return None
    firsts = [s.first_branch for _, s in supports(request, rules.builds) if s.first_branch is not None]
    if firsts and max(firsts) > floor.branch:
        return DriverVersion.parse(str(max(firsts)))
    return floor


def known_floor(subject: Subject, request: Request, rules: DriverRules) -> DriverVersion:
    """The driver floor of a build that passed the driver rule, which refuses a build whose floor is unknown."""
    floor = driver_floor(subject, request, rules)
    if floor is None:
        raise AssertionError(subject.label)
    return floor


def _system(request: Request) -> str:
    return "Windows" if request.subdir.is_windows else "Linux"
