"""The rules that one build must pass, each returning what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.builds import Build, Existence
from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.request import Request
from envgen.core.resolution import CodeUse, RejectionCode
from envgen.core.sets import PackageSet
from envgen.resolve.failure import Failure
from envgen.resolve.question import Question

# cuDNN 9.11 has no code below 7.5 (conda-forge/cudnn-feedstock#124; PyTorch RELEASE.md keeps cu126 on 9.10.2.21).
CUDNN_WITHOUT_PRE_TURING = "9.11"
# cuDNN 8.9.5's support matrix starts at 5.0; 8.8 dropped Kepler (NVIDIA cuDNN support matrices 8.5.0 and 8.9.5).
CUDNN_WITHOUT_KEPLER = "8.8"
TURING = ComputeCapability(7, 5)
MAXWELL = ComputeCapability(5, 0)


def code_uses(build: Build, question: Question) -> tuple[CodeUse, ...]:
    """Which code runs on each GPU; GPUs without any are left out."""
    found = zip(question.request.gpus, question.coverage(build).codes, strict=True)
    return tuple(CodeUse(gpu=requested.gpu.name, code=code) for requested, code in found if code is not None)


def failures(build: Build, question: Question) -> Iterator[Failure]:
    """Everything that speaks against a build, the most fundamental first."""
    request = question.request
    existence = build.existence_for(request.python)
    never_seen = existence is None and not build.pythons_seen
    if (build.existence if never_seen else existence) is Existence.UNCERTAIN:
        text = f"no source confirms that {build.label} is published"
        yield Failure(code=RejectionCode.UNCERTAIN, text=text, is_whole=True)
    yield from question.off_platform
    yield from question.coverage(build).missing
    if build.cudnn:
        for requested in request.gpus:
            yield from cudnn_failures(build, requested.gpu)
    yield from question.off_branch
    yield from _file(build, request, existence)
    yield from question.driver_too_old(build)
    if request.vision and build.package_set is PackageSet.PIP:
        yield from _companions(build, question)
    yield from _options(build, question)


def decisive(build: Build, question: Question) -> tuple[Failure, ...]:
    """The reasons up to the first that no option lifts: what comes after it can't change the answer."""
    missing = question.coverage(build).missing
    if missing and not question.off_platform and build.existence is not Existence.UNCERTAIN:
        return missing[:1]  # so end most builds, and nothing comes before it
    found: list[Failure] = []
    for reason in failures(build, question):
        found.append(reason)
        if not reason.unlock:
            break
    return tuple(found)


def cudnn_failures(build: Build, gpu: Gpu) -> tuple[Failure, ...]:
    """What speaks against a build on a GPU because of the cuDNN that it comes with."""
    bounds = ((MAXWELL, CUDNN_WITHOUT_KEPLER, "5.0"), (TURING, CUDNN_WITHOUT_PRE_TURING, "7.5"))
    for capability, first_bad, lowest in bounds:
        if build.cudnn and gpu.capability < capability and release_key(build.cudnn) >= release_key(first_bad):
            text = f" comes with cuDNN {build.cudnn}, which serves compute capability {lowest} and up; "
            return (Failure(code=RejectionCode.CUDNN_UNSUPPORTED, text=f"{text}{gpu.name} is {gpu.capability}"),)
    return ()


def _file(build: Build, request: Request, existence: Existence | None) -> Iterator[Failure]:
    if existence is None:
        published = build.pythons_seen if build.existence is Existence.UNCERTAIN else build.pythons
        known = [python for python in published if not python.endswith("t")]
        others = f"; it has {', '.join(known)}" if known else ""
        yield Failure(
            code=RejectionCode.NO_FILE,
            text=f" has no {request.subdir} build for Python {request.python}{others}",
            unlock={"python": _nearest(request.python, known)} if known else {},
        )
    needs_glibc = build.glibc and not request.subdir.is_windows
    if needs_glibc and release_key(build.glibc) > release_key(request.glibc):
        yield Failure(
            code=RejectionCode.GLIBC_TOO_OLD,
            text=f" needs glibc {build.glibc}, the target has {request.glibc}",
            unlock={"glibc": build.glibc},
        )


def _nearest(wanted: str, known: Sequence[str]) -> str:
    """The Python that is the smallest change: the newest below the wanted one, else the oldest above it."""
    ordered = sorted(known, key=release_key)
    below = [python for python in ordered if release_key(python) < release_key(wanted)]
    return below[-1] if below else ordered[0]


def _companions(build: Build, question: Question) -> Iterator[Failure]:
    companions = question.rules.builds.companions.get(build.torch)
    if companions is None or not companions.vision_for(question.request.python):
        text = f"no torchvision release goes with torch {build.torch}"
        if companions is not None and companions.torchvision:
            text = f"torchvision {companions.torchvision}, which goes with torch {build.torch}, "
            text += f"has no wheel for Python {question.request.python}"
        yield Failure(
            code=RejectionCode.NO_TORCHVISION,
            text=text,
            unlock={"no-vision": "true"},
            is_whole=True,
        )


def _options(build: Build, question: Question) -> Iterator[Failure]:
    """What the user's own `--torch` and `--cuda` exclude."""
    if question.torch is not None and not question.torch.contains(build.torch):
        unlock = {"torch": f"=={build.torch}"}
        yield Failure(code=RejectionCode.TORCH_SPEC, text=f" is outside --torch {question.torch}", unlock=unlock)
    wanted = question.request.cuda
    if wanted and wanted != build.cuda_tag:
        text = f" is built with CUDA {cuda_of_tag(build.cuda_tag)}, --cuda asks for {cuda_of_tag(wanted)}"
        yield Failure(code=RejectionCode.CUDA_SPEC, text=text, unlock={"cuda": build.cuda_tag})


def known_floor(build: Build, question: Question) -> DriverVersion:
    """The driver floor of a build that passed the driver rule, which refuses a build whose floor is unknown."""
    floor = question.driver_floor(build)
    if floor is None:
        raise AssertionError(build.label)
    return floor
