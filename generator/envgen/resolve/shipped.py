"""Which of the shipped locks run for a request: the same rules as for the decision, over another list."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.request import Request
from envgen.core.resolution import CondaPairing, PipPairing
from envgen.core.shipped import Channel, Shipped
from envgen.facts.catalog import BuildCatalog
from envgen.resolve.checks import failures
from envgen.resolve.conda import conda_pairing
from envgen.resolve.pip import pip_pairing
from envgen.resolve.question import Question
from envgen.resolve.rank import rank


def newest_pip(shipped: Iterable[Shipped], request: Request, builds: BuildCatalog) -> PipPairing | None:
    """The pairing of the newest shipped pip lock that runs, or None."""
    question = Question.of(request, builds)
    rows = (pip_build_of(lock, builds) for lock in _fitting(shipped, Channel.PIP, request))
    runs = [row for row in rows if row is not None and not any(failures(row, question))]
    return pip_pairing(max(runs, key=lambda row: rank(row, question)), question) if runs else None


def newest_conda(shipped: Iterable[Shipped], request: Request, builds: BuildCatalog) -> CondaPairing | None:
    """The pairing of the newest shipped conda lock that runs, or None."""
    question = Question.of(request, builds)
    rows = (row for lock in _fitting(shipped, Channel.CONDA, request) for row in conda_builds_of(lock, builds))
    runs = [row for row in rows if not any(failures(row, question))]
    return conda_pairing(max(runs, key=lambda row: rank(row, question)), question) if runs else None


def pip_pairing_if_it_runs(build: PipBuild, request: Request, builds: BuildCatalog) -> PipPairing | None:
    """The pairing of one build when it passes every rule for the request, or None."""
    question = Question.of(request, builds)
    return None if any(failures(build, question)) else pip_pairing(build, question)


def conda_pairing_if_it_runs(build: CondaBuild, request: Request, builds: BuildCatalog) -> CondaPairing | None:
    """The pairing of one conda build when it passes every rule for the request, or None."""
    question = Question.of(request, builds)
    return None if any(failures(build, question)) else conda_pairing(build, question)


def pip_build_of(shipped: Shipped, builds: BuildCatalog) -> PipBuild | None:
    """The catalog's row of a pip lock, or None when the catalog does not know that build."""
    rows = builds.pip_builds(shipped.subdir)
    return next((b for b in rows if (b.torch, b.cuda_tag) == (shipped.torch, shipped.cuda)), None)


def conda_builds_of(shipped: Shipped, builds: BuildCatalog) -> list[CondaBuild]:
    """The catalog's rows of a conda lock: several when build numbers differ in what they carry."""
    rows = builds.conda_builds(shipped.subdir)
    return [b for b in rows if (b.pytorch, b.cuda) == (shipped.torch, shipped.cuda)]


def _fitting(shipped: Iterable[Shipped], channel: Channel, request: Request) -> Iterable[Shipped]:
    for lock in shipped:
        if (lock.channel, lock.subdir, lock.python) == (channel, request.subdir, request.python):
            yield lock
