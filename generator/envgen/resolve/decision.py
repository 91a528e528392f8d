"""The decision for one request: the best pip and the best conda pairing, and the reason for every other build."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.request import Request
from envgen.core.resolution import Absent, Rejection, RejectionCode, Resolution
from envgen.facts.builds import BuildCatalog
from envgen.resolve.conda import conda_failures, conda_pairing, conda_rejection
from envgen.resolve.failure import Failure
from envgen.resolve.notices import notices
from envgen.resolve.pip import pip_failures, pip_pairing, pip_rejection
from envgen.resolve.question import Question
from envgen.resolve.rank import rank

Build = TypeVar("Build", PipBuild, CondaBuild)
_ABSENT = (Failure(code=RejectionCode.NO_FILE, text="the index or channel was asked, and it has no such build"),)


def resolve(builds: BuildCatalog, request: Request, *, absent: frozenset[Absent] = frozenset()) -> Resolution:
    """Choose the newest pip and conda pairings that really run.

    `absent` names builds that an index or channel was asked for and does not have, announced or not.

    Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
    """
    question = Question.of(request, builds)
    pip, pip_rejected = _choose_pip(question, absent)
    conda, conda_rejected = _choose_conda(question, absent)
    pip_choice = pip_pairing(pip, question) if pip else None
    conda_choice = conda_pairing(conda, question) if conda else None
    return Resolution(
        request=request,
        driver=question.rules.driver,
        pip=pip_choice,
        conda=conda_choice,
        rejected=(*pip_rejected, *conda_rejected),
        notices=tuple(notices(request, question.rules, pip_choice, conda_choice)),
        absent=absent,
    )


def _choose_pip(question: Question, absent: frozenset[Absent]) -> tuple[PipBuild | None, tuple[Rejection, ...]]:
    def failing(build: PipBuild) -> Sequence[Failure]:
        if ("pip", build.torch, build.cuda_tag) in absent:
            return _ABSENT
        return _decisive(pip_failures(build, question))

    candidates = question.rules.builds.pip_builds(question.request.subdir)
    return _choose(candidates, question, failing=failing, reject=pip_rejection)


def _choose_conda(question: Question, absent: frozenset[Absent]) -> tuple[CondaBuild | None, tuple[Rejection, ...]]:
    def failing(build: CondaBuild) -> Sequence[Failure]:
        if ("conda", build.pytorch, build.cuda) in absent:
            return _ABSENT
        return _decisive(conda_failures(build, question))

    candidates = question.rules.builds.conda_builds(question.request.subdir)
    return _choose(candidates, question, failing=failing, reject=conda_rejection)


def _decisive(reasons: Iterator[Failure]) -> list[Failure]:
    """The reasons up to the first that no option lifts: what comes after it can't change the answer."""
    found: list[Failure] = []
    for reason in reasons:
        found.append(reason)
        if not reason.unlock:
            break
    return found


def _choose(
    candidates: Sequence[Build],
    question: Question,
    *,
    failing: Callable[[Build], Sequence[Failure]],
    reject: Callable[[Build, Sequence[Failure]], Rejection],
) -> tuple[Build | None, tuple[Rejection, ...]]:
    """Return the best usable build and the rejections of its release and of newer ones (all, when none is usable).

    `candidates` are sorted by release, oldest first: a release is looked at only while no newer one is usable.
    """
    rejected: list[Rejection] = []
    for _, group in groupby(reversed(candidates), key=lambda build: build.release):
        usable: list[Build] = []
        for build in group:
            if reasons := failing(build):
                rejected.append(reject(build, reasons))
            else:
                usable.append(build)
        if usable:
            return max(usable, key=lambda build: rank(build, question)), tuple(rejected)
    return None, tuple(rejected)
