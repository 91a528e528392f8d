"""What a user must know about a decision."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build, Existence
from envgen.core.capability import CodeKind
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import Notice, Pairing
from envgen.core.sets import PackageSet
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules
from envgen.resolve.rules.libraries import dropped_by


def notices(request: Request, rules: DriverRules, pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    """Return the notices in the order in which they matter."""
    yield from _driver(request, rules, pip, conda)
    yield from _missing_side(pip, conda)
    yield from _companions(request, pip)
    yield from _last_build(request, rules, pip)
    if pip:
        yield from _pip_build(request, rules, pip)
    if conda and conda.build.existence_for(request.python) is not Existence.SEEN:
        build = conda.build
        text = f"no package of {build.conda.channels[0]} pytorch {build.torch} for CUDA {build.cuda} and Python "
        text += f"{request.python} has been seen; its recipe announces it ({build.source.split(' ; ')[-1]})"
        yield Notice(code="conda-build-announced", text=text)
    yield from _ptx(pip, conda)


def _driver(request: Request, rules: DriverRules, pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    if request.driver_origin is DriverOrigin.ASSUMED:
        floors = [f"pip {pip.driver_floor}"] if pip else []
        floors += [f"conda {conda.driver_floor}"] if conda else []
        text = f"no driver was given, {rules.driver} is assumed"
        if floors:
            text += f"; the oldest that will do is {', '.join(floors)} ({request.subdir}): "
            text += "pass --driver if yours is older (nvidia-smi shows it)"
        yield Notice(code="driver-assumed", text=text)
    elif rules.driver.is_bare_branch:
        text = f"--driver {rules.driver} is a branch: it meets the floor of that branch, "
        text += "but no toolkit minimum inside it; pass the full version for an exact answer"
        yield Notice(code="driver-branch-only", text=text)


def _companions(request: Request, pip: Pairing | None) -> Iterator[Notice]:
    if pip and request.audio and not pip.torchaudio:
        text = f"no torchaudio wheel goes with torch {pip.build.torch} and Python {request.python}: it is left out"
        yield Notice(code="no-torchaudio", text=text)


def _missing_side(pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    if pip and not conda:
        yield Notice(code="no-conda-pairing", text="no conda build runs here: the conda files are not written")
    if conda and not pip:
        yield Notice(code="no-pip-pairing", text="no pip wheel runs here: the pip files are not written")


def _last_build(request: Request, rules: DriverRules, pip: Pairing | None) -> Iterator[Notice]:
    """Say when the chosen release is the last that can run on this GPU, whatever its driver."""
    if not pip:
        return
    builds = rules.builds.builds(PackageSet.PIP, request.subdir)
    chosen = release_key(pip.build.torch)
    newer = [b for b in builds if release_key(b.torch) > chosen and b.existence is not Existence.UNCERTAIN]
    if not newer or request.torch:
        return
    gpus = list({requested.gpu.name: requested.gpu for requested in request.gpus}.values())
    ended = [gpu.name for gpu in gpus if not any(_can_run(build, gpu) for build in newer)]
    together = any(all(_can_run(build, gpu) for gpu in gpus) for build in newer)
    if ended:
        them = "it" if len(ended) == 1 else "them"
        text = f"{pip.build.torch} is the last PyTorch release with wheels for {', '.join(ended)}: "
        text += f"newer ones have no code for {them}, or a cuDNN that has none (pytorch/pytorch#190385 for CUDA 12.6)"
        yield Notice(code="last-build-for-gpu", text=text)
    elif not together:
        text = f"{pip.build.torch} is the last PyTorch release with a wheel that serves all of "
        text += ", ".join(gpu.name for gpu in gpus)
        yield Notice(code="last-build-for-gpu", text=text)


def _can_run(build: Build, gpu: Gpu) -> bool:
    return code_for(build.codes, gpu) is not None and dropped_by(build.cudnn, gpu.capability) is None


def _pip_build(request: Request, rules: DriverRules, pairing: Pairing) -> Iterator[Notice]:
    build = pairing.build
    if build.existence_for(request.python) is not Existence.SEEN:
        text = f"no file of {build.label} for {request.subdir} and Python {request.python} "
        text += f"has been seen yet; it is announced ({build.source})"
        yield Notice(code="pip-build-announced", text=text)
    turing = any(requested.gpu.capability == (7, 5) for requested in request.gpus)
    if turing and build.cuda_tag.startswith("cu13") and request.subdir is not Subdir.LINUX_AARCH64:
        text = "the CUDA 13 wheels carry almost no MAGMA code for Turing (7.5): a linear-algebra call that goes to "
        text += "MAGMA may raise 'no kernel image' (pytorch/pytorch#190633)"
        others = [b for b in rules.builds.builds(PackageSet.PIP, request.subdir) if b.cuda_tag == "cu126"]
        if not request.torch and any(all(_can_run(b, wanted.gpu) for wanted in request.gpus) for b in others):
            text += "; --cuda cu126 avoids it"
        yield Notice(code="magma-no-sm75", text=text)


def _ptx(pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    for name, pairing in (("pip", pip), ("conda", conda)):
        uses = pairing.code if pairing else ()
        compiled = list(dict.fromkeys(use.gpu for use in uses if use.code.kind is CodeKind.PTX))
        if compiled:
            text = f"the {name} build runs from PTX on {', '.join(compiled)}: "
            text += "the first call of each kernel is compiled by the driver"
            yield Notice(code="ptx-compiled-at-first-use", text=text)
