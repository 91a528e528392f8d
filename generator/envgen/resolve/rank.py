"""The order of preference among usable builds, and the record of a build that was not taken. Pip and conda alike."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.builds import Existence
from envgen.core.capability import CodeKind
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.request import Request
from envgen.core.resolution import Rejection
from envgen.resolve.checks import Failure, Subject, code_uses
from envgen.resolve.driver import DriverRules
from envgen.resolve.options import merged_unlock

RankKey = tuple[tuple[int, ...], bool, bool, bool, tuple[int, ...]]


def rank(subject: Subject, request: Request, rules: DriverRules) -> RankKey:
    """The key by which a usable build is preferred, the highest first.

    Newest release; seen before announced; SASS before PTX; a toolkit that the driver serves fully before one that needs
    minor-version compatibility; then the higher CUDA tag if fully served, the lower if not.
    """
    full = rules.fully_serves(subject.cuda)
    tag = release_key(cuda_of_tag(subject.cuda_tag))
    return (
        release_key(subject.release),
        subject.existence is Existence.SEEN,
        all(use.code.kind is CodeKind.SASS for use in code_uses(subject, request)),
        full,
        tag if full else tuple(-part for part in tag),
    )


def rejection(channel: str, torch: str, cuda: str, reasons: Sequence[Failure]) -> Rejection:
    """The record of a build that was not taken: its most fundamental reason, and what would lift all of them."""
    return Rejection(
        channel=channel,
        torch=torch,
        cuda=cuda,
        code=reasons[0].code,
        text=reasons[0].text,
        unlock=merged_unlock(reasons),
    )
