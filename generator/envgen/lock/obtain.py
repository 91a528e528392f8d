"""The lock of one set: what is in the folder, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from itertools import dropwhile, tee

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Resolution
from envgen.core.shipped import Shipped
from envgen.lock.locked import LockedSet, Origin
from envgen.lock.options import Sources
from envgen.lock.together import beside
from envgen.lock.together.set_locker import Outcome, SetLocker
from envgen.net.errors import UnreachableError
from envgen.resolve.errors import NoBuildError
from envgen.resolve.shipped import newest
from envgen.solve.errors import CudaClashError, SolveFailedError, WheelMissingError


def obtain(locker: SetLocker, resolution: Resolution, sources: Sources) -> LockedSet:
    """Return the lock of a set for a decision.

    A build that turns out not to be there, or that has no solution, is passed over for the next one that runs.

    Raises: NoBuildError when no build of the set runs; SolveFailedError, or else WheelMissingError, when none of them
    can be locked; UnreachableError when the source doesn't answer and nothing shipped runs, or falling back is
    not allowed; CudaClashError; every other error of solving: wrong bytes are never a reason to fall back.
    """
    clashes: list[CudaClashError] = []
    while True:
        try:
            found = _obtain(locker, resolution, sources)
        except CudaClashError as clash:
            clashes.append(clash)
            extras = locker.older(clash) if len(clashes) <= beside.OLDER else None
            if extras is None:
                clashes[0].advice = clashes[0].advice or locker.way_out_of_clash(clashes[0])
                raise clashes[0] from clash
            locker, sources = locker.asking_for(extras), replace(sources, extras=extras)
        except SolveFailedError as error:
            raise next(iter(clashes), error) from error
        else:
            return beside.with_passed(found, clashes)


def _obtain(locker: SetLocker, resolution: Resolution, sources: Sources) -> LockedSet:
    request, options = resolution.request, sources.options
    decided = resolution.pairing(locker.package_set)
    if decided is None:
        raise NoBuildError(resolution, locker.package_set)
    kept = locker.kept()
    if kept is not None and not options.upgrade:
        return kept
    passed_over: list[tuple[str, EnvgenError]] = []
    failed: list[BuildKey] = []
    # Whatever else is asked for beside it now, the build in the folder stays until --upgrade.
    first = None if options.upgrade else locker.build_in_folder()
    tried, ahead = tee(beside.candidates(first, resolution, locker.package_set, sources))
    attempts = _Attempts(locker, request, sources, first, ahead)
    for pairing in tried:
        if _is_hopeless(pairing, passed_over):
            continue
        try:
            found = beside.with_older(locker, sources, partial(attempts.lock, pairing), pairing)
        except (WheelMissingError, SolveFailedError, CudaClashError) as error:
            is_first = not any(isinstance(passed, SolveFailedError) for _, passed in passed_over)
            if is_first and not attempts.has_solution and isinstance(error, SolveFailedError):
                rescued = beside.rescued(locker, pairing, error, resolution, sources)
                if rescued is not None:
                    return replace(rescued, passed_over=tuple(passed_over))
            if isinstance(error, SolveFailedError) and error.is_final:
                raise
            passed_over.append((pairing.build.short_label, error))
            failed.append(pairing.build.key)
            continue
        except UnreachableError as error:
            found = _fallback(error, kept or _newest_shipped(locker, request, sources), sources)
        if found is None:
            continue
        if found.origin is Origin.SOLVED:
            found = beside.best(locker, found, resolution, sources, may_change=pairing is not first)
        return replace(found, passed_over=tuple(passed_over))
    telling = _telling([error for _, error in passed_over])
    if kept is not None and options.may_fall_back and not isinstance(telling, CudaClashError):
        reason = passed_over[0][1].headline()
        return replace(kept, origin=Origin.FALLBACK, fallback_reason=reason, passed_over=tuple(passed_over))
    raise beside.with_other_build(telling, failed, locker, resolution, sources)


def _fallback(error: UnreachableError, found: LockedSet | None, sources: Sources) -> LockedSet:
    """What is taken when a source doesn't answer. Raises: the error when there is nothing, or nothing may be taken."""
    if found is None or not sources.options.may_fall_back:
        raise error
    reason = f"{error.headline()}: {error.reason}" if sources.options.may_solve else ""
    return replace(found, origin=Origin.FALLBACK, fallback_reason=reason)


def _telling(errors: Sequence[EnvgenError]) -> EnvgenError:
    """The error to end with: a clash before no solution before a wheel that is not there, the first of its kind."""
    for kind in (CudaClashError, SolveFailedError, EnvgenError):
        found = next((error for error in errors if isinstance(error, kind)), None)
        if found is not None:
            return found
    raise ValueError(errors)


def _is_hopeless(pairing: Pairing, passed_over: Sequence[tuple[str, EnvgenError]]) -> bool:
    """True after a clash for a build of a CUDA major that would clash, too."""
    clash = next((error for _, error in passed_over if isinstance(error, CudaClashError)), None)
    return clash is not None and release_key(pairing.build.cuda)[0] not in clash.needs


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
    lock = Shipped.of(pairing.build, request.python)
    return locker.shipped(lock, pairing) if lock in sources.shipped.locks else None


def _newest_shipped(locker: SetLocker, request: Request, sources: Sources) -> LockedSet | None:
    pairing = newest(locker.package_set, sources.shipped.locks, request, sources.builds)
    return _shipped(locker, pairing, request, sources) if pairing is not None else None
