"""The order of preference among usable builds, pip and conda alike."""

from __future__ import annotations

from envgen.core.builds import Build, Existence
from envgen.core.releases import cuda_of_tag, release_key
from envgen.resolve.evaluation import Evaluation

RankKey = tuple[tuple[int, ...], bool, bool, bool, tuple[int, ...]]


def rank(build: Build, evaluation: Evaluation) -> RankKey:
    """The key by which a usable build is preferred, the highest first.

    Newest release; seen before announced; SASS before PTX; a toolkit that the driver serves fully before one that needs
    minor-version compatibility; then the higher CUDA tag if fully served, the lower if not.
    """
    full = evaluation.rules.fully_serves(build.cuda)
    tag = release_key(cuda_of_tag(build.cuda_tag))
    return (
        release_key(build.torch),
        build.existence_for(evaluation.request.python) is Existence.SEEN,
        not evaluation.coverage(build).needs_ptx,
        full,
        tag if full else tuple(-part for part in tag),
    )
