"""The smallest change of a request that makes a build run. A change is named only after it was tried."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules import blocking_failures, runs

# A change that uncovers another failure is followed: to Python 3.12, and to the newer driver that is needed there.
_FOLLOWED, _DEPTH = 3, 2


class Changes:
    """Finds changes for the builds of one evaluation; what was evaluated for one build is kept for the next."""

    def __init__(self, evaluation: Evaluation, depth: int = _DEPTH) -> None:
        self._evaluation = evaluation
        self._depth = depth
        self._changed: dict[Change, Changes] = {}

    def smallest(self, build: Build) -> Change | None:
        """The smallest change that makes a build run (none at all when it does), or None when nothing known does."""
        return self.lifting(blocking_failures(build, self._evaluation), build)

    def lifting(self, failures: Sequence[Failure], build: Build) -> Change | None:
        """The same for a build whose blocking failures are known."""
        if not failures:
            return Change()
        changes = _together(failures)
        for change in changes:
            there = self._at(change)._evaluation
            if any(runs(candidate, there) for candidate in self._candidates(build, change)):
                return change
        for change in changes[:_FOLLOWED] if self._depth else ():
            for candidate in self._candidates(build, change):
                further = self._at(change).smallest(candidate)
                if further is not None:
                    return change.merged(further)
        return None

    def _candidates(self, build: Build, change: Change) -> Sequence[Build]:
        """The same build at the changed request: on another platform it is another row, or several, or none."""
        if change.subdir is None:
            return (build,)
        return self._evaluation.catalog.builds_with_key(build.key, change.subdir)

    def _at(self, change: Change) -> Changes:
        found = self._changed.get(change)
        if found is None:
            changed = Evaluation.of(change.applied(self._evaluation.request), self._evaluation.catalog)
            found = self._changed[change] = Changes(changed, self._depth - 1)
        return found


def _together(failures: Sequence[Failure]) -> list[Change]:
    """The changes that could lift all failures together, the ones with the fewest options first; none if one can't be.

    Another platform is a change of its own: what else speaks against the build is judged anew there.
    """
    moves = [change for failure in failures for change in failure.changes if change.subdir is not None]
    if moves:
        return list(dict.fromkeys(moves))
    combinations = product(*(failure.changes for failure in failures))
    merged = (reduce(Change.merged, combination) for combination in combinations)
    return sorted(dict.fromkeys(merged), key=lambda change: len(change.options()))
