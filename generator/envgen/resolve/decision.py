"""The decision for one request: the best pip and the best conda pairing, and the reason for every other build."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.drivers import DriverVersion
from envgen.core.request import Request
from envgen.core.resolution import Absent, Rejection, RejectionCode, Resolution
from envgen.facts.builds import BuildCatalog
from envgen.resolve.checks import Failure
from envgen.resolve.conda import conda_failures, conda_pairing, conda_rank, conda_rejection
from envgen.resolve.driver import DriverRules, assumed_driver
from envgen.resolve.notices import notices
from envgen.resolve.options import Options
from envgen.resolve.pip import pip_failures, pip_pairing, pip_rank, pip_rejection
from envgen.resolve.rank import RankKey

Build = TypeVar("Build")
_ABSENT = (Failure(code=RejectionCode.NO_FILE, text="the index or channel was asked, and it has no such build"),)


def resolve(builds: BuildCatalog, request: Request, *, absent: frozenset[Absent] = frozenset()) -> Resolution:
    """Choose the newest pip and conda pairings that really run.

    `absent` names builds that an index or channel was asked for and does not have, announced or not.

    Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
    """
    driver: DriverVersion = request.driver or assumed_driver(request, builds)
    rules = DriverRules(driver=driver, subdir=request.subdir, builds=builds)
    options = Options.of(request)
    pip, pip_rejected = _choose_pip(request, rules, options, absent)
    conda, conda_rejected = _choose_conda(request, rules, options, absent)
    pip_choice = pip_pairing(pip, request, rules) if pip else None
    conda_choice = conda_pairing(conda, request, rules) if conda else None
    return Resolution(
        request=request,
        driver=driver,
        pip=pip_choice,
        conda=conda_choice,
        rejected=(*pip_rejected, *conda_rejected),
        notices=tuple(notices(request, rules, pip_choice, conda_choice)),
        absent=absent,
    )


def _choose_pip(
    request: Request, rules: DriverRules, options: Options, absent: frozenset[Absent]
) -> tuple[PipBuild | None, tuple[Rejection, ...]]:
    def release(build: PipBuild) -> str:
        return build.torch

    def rank(build: PipBuild) -> RankKey:
        return pip_rank(build, request, rules)

    def failing(build: PipBuild) -> Sequence[Failure]:
        if ("pip", build.torch, build.cuda_tag) in absent:
            return _ABSENT
        return _decisive(pip_failures(build, request, rules, options))

    candidates = rules.builds.pip_builds(request.subdir)
    return _choose(candidates, release=release, rank=rank, failing=failing, reject=pip_rejection)


def _choose_conda(
    request: Request, rules: DriverRules, options: Options, absent: frozenset[Absent]
) -> tuple[CondaBuild | None, tuple[Rejection, ...]]:
    def release(build: CondaBuild) -> str:
        return build.pytorch

    def rank(build: CondaBuild) -> RankKey:
        return conda_rank(build, request, rules)

    def failing(build: CondaBuild) -> Sequence[Failure]:
        if ("conda", build.pytorch, build.cuda) in absent:
            return _ABSENT
        return _decisive(conda_failures(build, request, rules, options))

    candidates = rules.builds.conda_builds(request.subdir)
    return _choose(candidates, release=release, rank=rank, failing=failing, reject=conda_rejection)


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
    *,
    release: Callable[[Build], str],
    rank: Callable[[Build], RankKey],
    failing: Callable[[Build], Sequence[Failure]],
    reject: Callable[[Build, Sequence[Failure]], Rejection],
) -> tuple[Build | None, tuple[Rejection, ...]]:
    """Return the best usable build and the rejections of its release and of newer ones (all, when none is usable).

    `candidates` are sorted by release, oldest first: a release is looked at only while no newer one is usable.
    """
    rejected: list[Rejection] = []
    for _, group in groupby(reversed(candidates), key=release):
        usable: list[Build] = []
        for build in group:
            reasons = tuple(failing(build))
            if reasons:
                rejected.append(reject(build, reasons))
            else:
                usable.append(build)
        if usable:
            return max(usable, key=rank), tuple(rejected)
    return None, tuple(rejected)
