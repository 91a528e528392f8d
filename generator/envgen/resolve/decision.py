"""The decision for one request: the best pip and the best conda pairing, and the reason for every other build."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from envgen.core.builds import Build, BuildKey
from envgen.core.request import Request
from envgen.core.resolution import Rejection, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.checks import decisive
from envgen.resolve.failure import Failure
from envgen.resolve.notices import notices
from envgen.resolve.pairing import pairing
from envgen.resolve.question import Question
from envgen.resolve.rank import rank, rejection

_NOT_THERE = "the index or channel was asked, and it has no such build"
_ABSENT = (Failure(code=RejectionCode.NO_FILE, text=_NOT_THERE, is_whole=True),)


def resolve(builds: Catalog, request: Request, *, absent: frozenset[BuildKey] = frozenset()) -> Resolution:
    """Choose the newest pip and conda pairings that really run.

    `absent` names builds that an index or channel was asked for and does not have, announced or not.

    Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
    """
    question = Question.of(request, builds)
    pip, pip_rejected = _choose(builds.builds(PackageSet.PIP, request.subdir), question, absent)
    conda, conda_rejected = _choose(builds.builds(PackageSet.CONDA, request.subdir), question, absent)
    pip_choice = pairing(pip, question) if pip else None
    conda_choice = pairing(conda, question) if conda else None
    return Resolution(
        request=request,
        driver=question.rules.driver,
        pip=pip_choice,
        conda=conda_choice,
        rejected=(*pip_rejected, *conda_rejected),
        notices=tuple(notices(request, question.rules, pip_choice, conda_choice)),
        absent=absent,
    )


def _choose(
    candidates: Sequence[Build], question: Question, absent: frozenset[BuildKey]
) -> tuple[Build | None, list[Rejection]]:
    """Return the best usable build and the rejections of its release and of newer ones (all, when none is usable).

    `candidates` are sorted by release, oldest first: a release is looked at only while no newer one is usable.
    """
    rejected: list[Rejection] = []
    for _, group in groupby(reversed(candidates), key=lambda build: build.torch):
        usable: list[Build] = []
        for build in group:
            reasons = _ABSENT if absent and build.key in absent else decisive(build, question)
            if reasons:
                rejected.append(rejection(build, reasons, question))
            else:
                usable.append(build)
        if usable:
            return max(usable, key=lambda build: rank(build, question)), rejected
    return None, rejected
