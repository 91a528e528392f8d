"""Which of the shipped locks run for a request: the same rules as for the decision, over another list."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.request import Request
from envgen.core.resolution import CondaPairing, PipPairing
from envgen.core.shipped import Channel, Shipped
from envgen.facts.builds import BuildCatalog
from envgen.resolve.conda import conda_failures, conda_pairing, conda_rank
from envgen.resolve.driver import DriverRules, assumed_driver
from envgen.resolve.options import Options
from envgen.resolve.pip import pip_failures, pip_pairing, pip_rank
from envgen.resolve.rank import RankKey


def newest_pip(shipped: Iterable[Shipped], request: Request, builds: BuildCatalog) -> PipPairing | None:
    """The pairing of the newest shipped pip lock that runs, or None."""
    rules, options = _rules(request, builds), Options.of(request)
    runs: list[tuple[RankKey, PipBuild]] = []
    for build in _fitting(shipped, Channel.PIP, request):
        row = pip_build_of(build, builds)
        if row is not None and not any(pip_failures(row, request, rules, options)):
            runs.append((pip_rank(row, request, rules), row))
    return pip_pairing(max(runs, key=lambda run: run[0])[1], request, rules) if runs else None


def newest_conda(shipped: Iterable[Shipped], request: Request, builds: BuildCatalog) -> CondaPairing | None:
    """The pairing of the newest shipped conda lock that runs, or None."""
    rules, options = _rules(request, builds), Options.of(request)
    runs: list[tuple[RankKey, CondaBuild]] = []
    for build in _fitting(shipped, Channel.CONDA, request):
        for row in conda_builds_of(build, builds):
            if not any(conda_failures(row, request, rules, options)):
                runs.append((conda_rank(row, request, rules), row))
    return conda_pairing(max(runs, key=lambda run: run[0])[1], request, rules) if runs else None


def pip_pairing_if_it_runs(build: PipBuild, request: Request, builds: BuildCatalog) -> PipPairing | None:
    """The pairing of one build when it passes every rule for the request, or None."""
    rules = _rules(request, builds)
    if any(pip_failures(build, request, rules, Options.of(request))):
        return None
    return pip_pairing(build, request, rules)


def conda_pairing_if_it_runs(build: CondaBuild, request: Request, builds: BuildCatalog) -> CondaPairing | None:
    """The pairing of one conda build when it passes every rule for the request, or None."""
    rules = _rules(request, builds)
    if any(conda_failures(build, request, rules, Options.of(request))):
        return None
    return conda_pairing(build, request, rules)


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


def _rules(request: Request, builds: BuildCatalog) -> DriverRules:
    driver = request.driver or assumed_driver(request, builds)
    return DriverRules(driver=driver, subdir=request.subdir, builds=builds)
