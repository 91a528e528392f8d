"""Which of the shipped locks run for a request: the same rules as for the decision, over another list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.core.builds import Build
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.pairing import pairing
from envgen.resolve.rank import preferred
from envgen.resolve.rules import runs


def newest(package_set: PackageSet, shipped: Iterable[Shipped], request: Request, builds: Catalog) -> Pairing | None:
    """The pairing of the newest shipped lock of a set that runs, or None.

    None of them holds a Jetson's own build, which has the release and the tag of the one for Arm servers.
    """
    evaluation = Evaluation.of(request, builds)
    wanted = package_set, request.subdir, request.python
    fitting = (lock for lock in shipped if (lock.package_set, lock.subdir, lock.python) == wanted)
    rows = (build for lock in fitting for build in builds_of(lock, builds))
    usable = [build for build in rows if not build.is_tegra and runs(build, evaluation)]
    return pairing(preferred(usable, evaluation), evaluation) if usable else None


def pairing_if_it_runs(build: Build, request: Request, builds: Catalog) -> Pairing | None:
    """The pairing of one build when it passes every rule for the request, or None."""
    evaluation = Evaluation.of(request, builds)
    return pairing(build, evaluation) if runs(build, evaluation) else None


def builds_of(shipped: Shipped, builds: Catalog) -> Sequence[Build]:
    """The catalog's builds of a lock: none when it knows none; conda's build numbers may differ in what they carry."""
    return builds.builds_with_key(shipped.key, shipped.subdir)
