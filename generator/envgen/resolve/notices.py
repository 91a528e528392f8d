"""What a user must know about a decision."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build, Existence
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import Notice, Pairing
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_for
from envgen.resolve.cuda_compat import cuda_compat
from envgen.resolve.driver import DriverRules
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.jetson import OWN_WHEELS
from envgen.resolve.notices_libraries import library_notices
from envgen.resolve.rules.driver import driver_floor
from envgen.resolve.rules.libraries import dropped_by, is_proven


def notices(evaluation: Evaluation, pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    """Return the notices in the order in which they matter."""
    request, rules = evaluation.request, evaluation.rules
    if not request.is_cpu:
        yield from _driver(request, rules, pip, conda)
        if any(one.rules.is_wsl for one in evaluation.each):
            from envgen.resolve.wsl import wsl_limits

            yield from wsl_limits(evaluation)
        yield from _own_floors(evaluation, pip)
        yield from _own_floors(evaluation, conda)
        yield from _jetson(evaluation, pip)
        yield from cuda_compat(evaluation, pip)
    yield from _missing_set(pip, conda)
    yield from _companions(request, pip)
    if not request.is_cpu:
        yield from _last_build(request, rules, pip)
    if pip:
        yield from _pip_build(request, rules, pip)
    if conda and conda.build.existence_for(request.python) is not Existence.SEEN:
        build = conda.build
        text = f"no package of {build.conda.channels[0]} pytorch {build.made_for} and Python "
        text += f"{request.python} has been seen; its recipe announces it ({build.source.split(' ; ')[-1]})"
        yield Notice(code="conda-build-announced", text=text, package_set=PackageSet.CONDA)
    for pairing in (pip, conda):
        if pairing is not None and not request.is_cpu:
            yield from library_notices(pairing, evaluation)


def _driver(request: Request, rules: DriverRules, pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    if request.driver_origin is DriverOrigin.ASSUMED:
        floors = [f"pip {pip.driver_floor}"] if pip else []
        floors += [f"conda {conda.driver_floor}"] if conda else []
        text = f"no driver was given, {rules.stated} is assumed"
        if floors:
            text += f"; the oldest that will do is {', '.join(floors)} ({request.subdir}): "
            text += "pass --driver if yours is older (nvidia-smi shows it)"
        yield Notice(code="driver-assumed", text=text)
    elif rules.windows and not (rules.windows.is_bare_branch and rules.windows.branch == rules.driver.branch):
        text = f"{rules.windows} is a number of Windows drivers, as WSL shows it: it is taken as R{rules.driver.branch}"
        yield Notice(code="wsl-driver", text=text)
    elif rules.driver.is_bare_branch:
        text = (
            f"--driver {rules.driver} is a branch: a release of it that meets every floor inside the branch is taken; "
        )
        text += "pass the full version for an exact answer"
        yield Notice(code="driver-branch-only", text=text)


def _own_floors(evaluation: Evaluation, pairing: Pairing | None) -> Iterator[Notice]:
    """A pairing for several computers states the oldest driver of all; each has one of its own."""
    if pairing is None:
        return
    own = {
        ", ".join(requested.gpu.name for requested in one.request.gpus): driver_floor(pairing.build, one)
        for one in evaluation.computers
        if one.jetpack is None
    }
    if len(set(own.values())) > 1:
        text = f"{pairing.build.label}: the oldest driver that will do is "
        text += "; ".join(f"{floor} with {names}" for names, floor in own.items())
        yield Notice(code="driver-floors", text=text, package_set=pairing.package_set)


def _jetson(evaluation: Evaluation, pip: Pairing | None) -> Iterator[Notice]:
    for jetpack in dict.fromkeys(one.jetpack for one in evaluation.each if one.jetpack is not None):
        text = f"decided for JetPack {jetpack.release}: CUDA {jetpack.cuda}, glibc {jetpack.glibc}, Ubuntu's Python "
        text += f'{jetpack.python}; pass --driver "JetPack X.Y" for another'
        yield Notice(code="jetpack", text=text)
        if pip is None:
            yield Notice(code="jetson-own-wheels", text=f"{OWN_WHEELS} for JetPack {jetpack.release}")


def _companions(request: Request, pip: Pairing | None) -> Iterator[Notice]:
    if pip and request.audio and not pip.torchaudio:
        text = f"no torchaudio wheel goes with torch {pip.build.torch} and Python {request.python}: it is left out"
        yield Notice(code="no-torchaudio", text=text, package_set=PackageSet.PIP)


def _missing_set(pip: Pairing | None, conda: Pairing | None) -> Iterator[Notice]:
    if pip and not conda:
        text = "no conda build runs here: the conda files are not written"
        yield Notice(code="no-conda-pairing", text=text, package_set=PackageSet.PIP)  # only pip's files can say it
    if conda and not pip:
        text = "no pip wheel runs here: the pip files are not written"
        yield Notice(code="no-pip-pairing", text=text, package_set=PackageSet.CONDA)


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
    ended = [gpu.name for gpu in gpus if not any(_can_run(build, gpu, rules.builds) for build in newer)]
    together = any(all(_can_run(build, gpu, rules.builds) for gpu in gpus) for build in newer)
    if ended:
        them = "it" if len(ended) == 1 else "them"
        text = f"{pip.build.torch} is the last PyTorch release with wheels for {', '.join(ended)}: "
        text += f"newer ones have no code for {them}, or a cuDNN that has none (pytorch/pytorch#190385 for CUDA 12.6)"
        yield Notice(code="last-build-for-gpu", text=text, package_set=PackageSet.PIP)
    elif not together:
        text = f"{pip.build.torch} is the last PyTorch release with a wheel that serves all of "
        text += ", ".join(gpu.name for gpu in gpus)
        yield Notice(code="last-build-for-gpu", text=text, package_set=PackageSet.PIP)


def _can_run(build: Build, gpu: Gpu, catalog: Catalog) -> bool:
    code = code_for(build.codes, gpu, build.cuda)
    dropped = dropped_by(build.cudnn, gpu.capability)
    return code is not None and dropped is None and is_proven(build, gpu, code, catalog)


def _pip_build(request: Request, rules: DriverRules, pairing: Pairing) -> Iterator[Notice]:
    build = pairing.build
    if build.existence_for(request.python) is not Existence.SEEN:
        text = f"no file of {build.label} for {request.subdir} and Python {request.python} "
        text += f"has been seen yet; it is announced ({build.source})"
        yield Notice(code="pip-build-announced", text=text, package_set=PackageSet.PIP)
    turing = any(requested.gpu.capability == (7, 5) for requested in request.gpus)
    if turing and build.cuda_tag.startswith("cu13") and request.subdir is not Subdir.LINUX_AARCH64:
        text = "the CUDA 13 wheels carry almost no MAGMA code for Turing (7.5): a linear-algebra call that goes to "
        text += "MAGMA may raise 'no kernel image' (pytorch/pytorch#190633)"
        others = [b for b in rules.builds.builds(PackageSet.PIP, request.subdir) if b.cuda_tag == "cu126"]
        if not request.torch and any(
            all(_can_run(b, wanted.gpu, rules.builds) for wanted in request.gpus) for b in others
        ):
            text += "; --cuda cu126 avoids it"
        yield Notice(code="magma-no-sm75", text=text, package_set=PackageSet.PIP)
