"""The order of preference among usable builds, pip and conda alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.core.builds import Build, Existence
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.sets import PackageSet
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules.libraries import runs_forward

_FIRST_OF_CUDA_12 = 12


def preferred(builds: Iterable[Build], evaluation: Evaluation) -> Build:
    """The usable build to take.

    The newest release; seen before announced; SASS before PTX or forward compatibility; of wheels the CUDA major that
    the requested packages load; CUDA 12 and newer before 11. Of those that are alike, the best of each CUDA major:
    PyPI's own build before other tags; and of these the one whose toolkit the driver serves fully, then the higher tag
    if fully served, the lower if not.
    """
    if evaluation.request.is_cpu:
        return max(builds, key=lambda build: release_key(build.torch))
    ranked = [(_key(build, evaluation), build) for build in builds]
    best = max(key for key, _ in ranked)
    majors: dict[int, list[Build]] = {}
    for key, build in ranked:
        if key == best:
            majors.setdefault(release_key(build.cuda)[0], []).append(build)
    return max(
        (_of_major(alike, evaluation) for alike in majors.values()), key=lambda build: _served(build, evaluation)
    )


def _key(build: Build, evaluation: Evaluation) -> tuple[tuple[int, ...], bool, bool, bool, bool]:
    cuda_major = release_key(build.cuda)[0]
    gpus = (requested.gpu for requested in evaluation.request.gpus)
    return (
        release_key(build.torch),
        _is_seen(build, evaluation),
        not evaluation.coverage(build).needs_ptx and not any(runs_forward(build, gpu) for gpu in gpus),
        build.package_set is PackageSet.PIP and cuda_major == evaluation.request.cuda_major,
        cuda_major >= _FIRST_OF_CUDA_12,
    )


def _is_seen(build: Build, evaluation: Evaluation) -> bool:
    return build.existence_for(evaluation.request.python) is Existence.SEEN


def _of_major(builds: Sequence[Build], evaluation: Evaluation) -> Build:
    return max(builds, key=lambda build: (build.on_pypi, _served(build, evaluation)))


def _served(build: Build, evaluation: Evaluation) -> tuple[bool, tuple[int, ...]]:
    full = evaluation.fully_serves(build.cuda)
    tag = release_key(cuda_of_tag(build.cuda_tag))
    return full, tag if full else tuple(-part for part in tag)
