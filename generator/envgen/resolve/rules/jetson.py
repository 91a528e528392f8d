"""What a Jetson runs: Tegra builds, and from CUDA 13 on those for Arm servers, as far as its JetPack goes."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build, JetPack
from envgen.core.changes import Change
from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.jetson import driver_of, jetpacks
from envgen.resolve.rules.options import asks_for_exactly, exactly

# Up to CUDA 12 a Jetson has a userland of its own (dusty-nv/jetson-containers#1257, pytorch-cpu-feedstock#303;
# OpenRAL/openral#167: cu128 fails on a Thor, cu130 runs).
_FIRST_SHARED = 13


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """A Jetson gets what it runs and the CUDA of its JetPack serves; no other computer gets a Jetson's own builds."""
    jetpack, cuda = evaluation.jetpack, release_key(build.cuda)[:2]
    if jetpack is None:
        if build.is_tegra and cuda[0] < _FIRST_SHARED:
            names = ", ".join(requested.gpu.name for requested in evaluation.request.gpus)
            message = f"{build.label} is built for Jetson modules up to CUDA 12, which {names} is no part of"
            yield Failure(code=RejectionCode.NOT_ON_PLATFORM, message=message)
        return
    own = release_key(jetpack.cuda)
    where = f"JetPack {jetpack.release} serves CUDA {jetpack.cuda}"
    newer = tuple(Change(jetpack=r, driver=driver_of(r)) for r in _serving(cuda, evaluation)[:1])
    if cuda[0] < _FIRST_SHARED and not build.is_tegra:
        message = f"{build.label} is built for Arm servers, which a Jetson runs from CUDA 13 on; {where}"
        yield Failure(code=RejectionCode.NOT_ON_PLATFORM, message=message)
    elif cuda[0] > own[0] or (cuda > own and evaluation.coverage(build).needs_ptx):
        message = f"{build.label} needs CUDA {build.cuda}, {where}"
        yield Failure(code=RejectionCode.DRIVER_TOO_OLD, message=message, changes=newer)
    elif cuda > own and cuda[0] >= _FIRST_SHARED and not asks_for_exactly(build, evaluation):
        message = f"{build.label} needs CUDA {build.cuda}, {where}; nobody has shown that it runs there"
        yield Failure(code=RejectionCode.UNPROVEN, message=message, changes=(*newer, exactly(build)))


def oldest_driver(build: Build, jetpack: JetPack, evaluation: Evaluation) -> DriverVersion:
    """The driver of the oldest JetPack for a build that passed: one that serves its CUDA, or the request's own."""
    cuda = release_key(build.cuda)[:2]
    if cuda[0] < _FIRST_SHARED and not evaluation.coverage(build).needs_ptx:
        cuda = cuda[:1]
    return driver_of(min((*_serving(cuda, evaluation), jetpack), key=lambda one: release_key(one.release)))


def _serving(cuda: tuple[int, ...], evaluation: Evaluation) -> list[JetPack]:
    return [r for r in jetpacks(evaluation.request, evaluation.catalog) if release_key(r.cuda) >= cuda]
