"""The order of preference among usable builds, and the record of a build that was not taken. Pip and conda alike."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.builds import Build, Existence
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.resolution import Rejection
from envgen.resolve.checks import decisive
from envgen.resolve.failure import Failure, merged_unlock
from envgen.resolve.question import Question

RankKey = tuple[tuple[int, ...], bool, bool, bool, tuple[int, ...]]


def rank(build: Build, question: Question) -> RankKey:
    """The key by which a usable build is preferred, the highest first.

    Newest release; seen before announced; SASS before PTX; a toolkit that the driver serves fully before one that needs
    minor-version compatibility; then the higher CUDA tag if fully served, the lower if not.
    """
    full = question.rules.fully_serves(build.cuda)
    tag = release_key(cuda_of_tag(build.cuda_tag))
    return (
        release_key(build.torch),
        build.existence_for(question.request.python) is Existence.SEEN,
        not question.coverage(build).needs_ptx,
        full,
        tag if full else tuple(-part for part in tag),
    )


def rejection(build: Build, reasons: Sequence[Failure], question: Question) -> Rejection:
    """The record of a build that was not taken: its most fundamental reason, and what would lift all of them."""
    package_set, torch, cuda_tag = build.key
    return Rejection(
        package_set=package_set,
        torch=torch,
        cuda_tag=cuda_tag,
        code=reasons[0].code,
        text=reasons[0].told_of(build),
        unlock=_on_its_platform(build, question) if question.off_platform else merged_unlock(reasons),
    )


def _on_its_platform(build: Build, question: Question) -> dict[str, str]:
    """What would allow the same build on the platform that a GPU is part of, where all else is judged anew."""
    there = question.elsewhere()
    platform = there.request.subdir.value
    judged = [decisive(same, there) for same in there.rules.builds.builds_with_key(build.key, there.request.subdir)]
    if () in judged:
        return {"platform": platform}
    unlock = next((merged_unlock(reasons) for reasons in judged if reasons[-1].unlock), {})
    return {"platform": platform} | unlock if unlock else {}
