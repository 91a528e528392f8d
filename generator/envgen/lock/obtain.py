"""The lock of one set: what is in the folder, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from itertools import dropwhile, tee

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Resolution
from envgen.lock.locked import LockedSet, Origin
from envgen.lock.options import Sources
from envgen.lock.shipped import shipped_of
from envgen.lock.together import beside
from envgen.lock.together.set_locker import Outcome, SetLocker
from envgen.net.errors import UnreachableError
from envgen.resolve.errors import NoBuildError
from envgen.resolve.shipped import newest
from envgen.solve.errors import SolveFailedError, WheelMissingError


def obtain(locker: SetLocker, resolution: Resolution, sources: Sources) -> LockedSet:
    """Return the lock of a set for a decision.

    A build that turns out not to be there, or that has no solution, is passed over for the next one that runs.

    Raises: NoBuildError when no build of the set runs; SolveFailedError, or else WheelMissingError, when none of them
    can be locked; UnreachableError when the source doesn't answer and nothing shipped runs, or falling back is
    not allowed; every other error of solving: wrong bytes are never a reason to fall back.
    """
    request, options = resolution.request, sources.options
    decided = resolution.pairing(locker.package_set)
    if decided is None:
        raise NoBuildError(resolution, locker.package_set)
    kept = locker.kept()
    if kept is not None and not options.upgrade:
        return kept
    passed_over: list[tuple[str, EnvgenError]] = []
    # Whatever else is asked for beside it now, the build in the folder stays until --upgrade.
    first = None if options.upgrade else locker.build_in_folder()
    tried, ahead = tee(beside.candidates(first, resolution, locker.package_set, sources))
    attempts = _Attempts(locker, request, sources, first, ahead)
    for pairing in tried:
        try:
            found = attempts.lock(pairing)
        except (WheelMissingError, SolveFailedError) as error:
            is_first = not any(isinstance(passed, SolveFailedError) for _, passed in passed_over)
            if is_first and not attempts.has_solution and isinstance(error, SolveFailedError):
                rescued = beside.rescued(locker, pairing, error, resolution, sources)
                if rescued is not None:
                    return replace(rescued, passed_over=tuple(passed_over))
            if isinstance(error, SolveFailedError) and error.is_final:
                raise
            passed_over.append((pairing.build.short_label, error))
            continue
        except UnreachableError as error:
            fallback = (kept or _newest_shipped(locker, request, sources)) if options.may_fall_back else None
            if fallback is None:
                raise
            reason = f"{error.headline()}: {error.reason}" if options.may_solve else ""
            return replace(fallback, origin=Origin.FALLBACK, fallback_reason=reason, passed_over=tuple(passed_over))
        if found is None:
            continue
        if found.origin is Origin.SOLVED:
            found = beside.best(locker, found, resolution, sources, may_change=pairing is not first)
        return replace(found, passed_over=tuple(passed_over))
    if kept is not None and options.may_fall_back:
        reason = passed_over[0][1].headline()
        return replace(kept, origin=Origin.FALLBACK, fallback_reason=reason, passed_over=tuple(passed_over))
    unsolved = (error for _, error in passed_over if isinstance(error, SolveFailedError))
    raise next(unsolved, passed_over[0][1])


@dataclass(slots=True)
class _Attempts:
    """Locks the candidates of one set one after the other; `ahead` are the same candidates, read as far as need be."""

    locker: SetLocker
    request: Request
    sources: Sources
    first: Pairing | None
    ahead: Iterator[Pairing]
    outcomes: dict[BuildKey, Outcome] = field(default_factory=dict)

    def lock(self, pairing: Pairing) -> LockedSet | None:
        """A shipped lock or a solved one, or None for a candidate that was passed over. Raises: as a solve."""
        options, locker = self.sources.options, self.locker
        if (shipped := self._shipped(pairing)) is not None:
            return shipped
        if not options.may_solve:
            reason = "not contacted because of --offline or --check"
            raise self._not_asked(pairing, reason, advice="run again without it")
        if pairing.build.key not in self.outcomes:
            left = options.deadline.left()
            if left <= 0:
                raise self._not_asked(pairing, "the time limit passed before it was asked")
            self.outcomes |= locker.solve_first(self._group(pairing), timeout_s=left)
        outcome = self.outcomes[pairing.build.key]
        if isinstance(outcome, SolveFailedError):
            raise outcome
        return outcome

    @property
    def has_solution(self) -> bool:
        """True when a candidate further on is known to have a lock."""
        return any(isinstance(outcome, LockedSet) for outcome in self.outcomes.values())

    def _group(self, pairing: Pairing) -> Iterator[Pairing]:
        """A candidate and those after it that a solve may weigh against it: up to the first that is shipped.

        The build in the folder is for itself: it stays, whatever goes better with what is asked for now.
        """
        yield pairing
        if pairing is self.first:
            return
        for other in dropwhile(lambda one: one.build != pairing.build, self.ahead):
            if self._shipped(other) is not None:
                return
            if other.build != pairing.build:
                yield other

    def _shipped(self, pairing: Pairing) -> LockedSet | None:
        may = not self.sources.options.upgrade
        return _shipped(self.locker, pairing, self.request, self.sources) if may else None

    def _not_asked(self, pairing: Pairing, reason: str, advice: str = "") -> UnreachableError:
        locker = self.locker
        url = locker.source(pairing)
        return UnreachableError(package_set=locker.package_set, url=url, reason=reason, advice=advice)


def _shipped(locker: SetLocker, pairing: Pairing, request: Request, sources: Sources) -> LockedSet | None:
    """The shipped lock of a pairing, when the request is what shipped locks are made for: torch and torchvision."""
    extras = sources.extras.of(locker.package_set)
    if not request.vision or request.audio or extras or sources.options.mirrors.written:
        return None
    lock = shipped_of(pairing, request.python)
    return locker.shipped(lock, pairing) if lock in sources.shipped.locks else None


def _newest_shipped(locker: SetLocker, request: Request, sources: Sources) -> LockedSet | None:
    pairing = newest(locker.package_set, sources.shipped.locks, request, sources.builds)
    return _shipped(locker, pairing, request, sources) if pairing is not None else None
