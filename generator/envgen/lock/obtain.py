"""The lock of one set: what is in the folder, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import dropwhile, tee
from typing import ClassVar, Protocol

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import PipLock
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.lock.locked import LockedSet, Origin
from envgen.lock.options import Sources
from envgen.lock.shipped import shipped_of
from envgen.net.deadline import Deadline
from envgen.net.errors import UnreachableError
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError
from envgen.resolve.shipped import newest
from envgen.solve.errors import SolveFailedError, WheelMissingError
from envgen.solve.extras import Extras

# A lock, why there is none, or None for a pairing that was passed over although it has a solution.
Outcome = LockedSet | SolveFailedError | None


class SetLocker(Protocol):
    """What differs between the sets: how a lock of theirs is read, judged and solved."""

    package_set: ClassVar[PackageSet]

    def kept(self) -> LockedSet | None:
        """The lock in the folder while it answers the request in everything."""

    def build_in_folder(self) -> Pairing | None:
        """The pairing of the build in the folder while it runs, whatever else is asked for beside it now."""

    def shipped(self, lock: Shipped, pairing: Pairing) -> LockedSet | None:
        """A shipped lock while it installs on the request's target."""

    def source(self, pairing: Pairing) -> str:
        """The URL of the index or channel that a solve would ask."""

    def solve(self, pairing: Pairing, *, timeout_s: float) -> LockedSet:
        """A new lock. Raises: the errors of solving."""

    def solve_first(self, pairings: Iterable[Pairing], *, timeout_s: float) -> Mapping[BuildKey, Outcome]:
        """What came of the first of some pairings, and of as many after it as are decided with it.

        Raises: the errors of solving, but a pairing without a solution may be an outcome.
        """

    def check_extras(self, pairing: Pairing, *, timeout_s: float) -> None:
        """Raise SolveFailedError when the extra packages have no solution without torch either."""

    def release_for_extras(self, pairing: Pairing, *, timeout_s: float) -> tuple[str, tuple[str, ...]]:
        """The torch release that the extra packages go with at their newest, or an empty text, and who needs it."""

    def asking_for(self, extras: Extras) -> SetLocker:
        """The same with other extra packages."""


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
    tried, ahead = tee(_candidates(first, resolution, locker.package_set, sources))
    attempts = _Attempts(locker, request, sources, first, ahead)
    for pairing in tried:
        try:
            found = attempts.lock(pairing)
        except (WheelMissingError, SolveFailedError) as error:
            is_first = not any(isinstance(passed, SolveFailedError) for _, passed in passed_over)
            is_first &= not attempts.has_solution
            if is_first and isinstance(error, SolveFailedError) and sources.extras.of(locker.package_set):
                if (found_together := _together(locker, pairing, resolution, sources)) is not None:
                    return found_together
                _check_extras(locker, pairing, error, resolution, sources)
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
        if pairing is not first and _wants_another_torch(found):
            found = _together(locker, pairing, resolution, sources) or found
        return replace(found, passed_over=tuple(passed_over))
    if kept is not None and options.may_fall_back:
        reason = passed_over[0][1].headline()
        return replace(kept, origin=Origin.FALLBACK, fallback_reason=reason, passed_over=tuple(passed_over))
    unsolved = (error for _, error in passed_over if isinstance(error, SolveFailedError))
    raise next(unsolved, passed_over[0][1])


def _candidates(
    first: Pairing | None, resolution: Resolution, package_set: PackageSet, sources: Sources
) -> Iterator[Pairing]:
    """The pairings in the order in which they are tried, each decided on as if the ones before were not there."""
    absent: frozenset[BuildKey] = frozenset()
    if first is not None:
        yield first
    while (pairing := resolution.pairing(package_set)) is not None:
        if first is None or pairing.build != first.build:
            yield pairing
        absent |= {pairing.build.key}
        resolution = resolve(sources.builds, resolution.request, absent=absent)


def _wants_another_torch(found: LockedSet) -> bool:
    """True when a requested package is behind its newest because of the torch that was tried."""
    return isinstance(found.lock, PipLock) and any(passed.by == "torch" for passed in found.lock.passed_over)


def _together(locker: SetLocker, pairing: Pairing, resolution: Resolution, sources: Sources) -> LockedSet | None:
    """The lock with the torch that the extra packages go with at their newest; None when it is no other one."""
    deadline = sources.options.deadline
    try:
        release, reasons = locker.release_for_extras(pairing, timeout_s=deadline.left())
    except EnvgenError:
        return None
    if release in ("", pairing.build.torch):
        return None
    for other in _candidates(None, resolution, locker.package_set, sources):
        if other.build.torch == release:
            try:
                found = locker.solve(other, timeout_s=deadline.left())
            except (WheelMissingError, SolveFailedError):
                continue
            return replace(found, held_back_by=reasons)
    return None


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


def _check_extras(
    locker: SetLocker, pairing: Pairing, error: SolveFailedError, resolution: Resolution, sources: Sources
) -> None:
    """Find the extra package that a set has no solution with, and name the way out once it was tried.

    Raises: SolveFailedError when the extra packages have no solution whatever the build: no other one will do.
    """
    extras = sources.extras.of(locker.package_set)
    deadline = sources.options.deadline
    failure = _without_torch(locker, pairing, deadline)
    if failure is None:
        for extra in extras:
            if _locks(locker, sources.extras.without(locker.package_set, extra), [pairing], deadline):
                error.advice = _way_out(locker.package_set, extra)
                return
        return
    for extra in extras:
        alone = sources.extras.only(locker.package_set, extra)
        if _without_torch(locker.asking_for(alone), pairing, deadline) is not None:
            fewer = sources.extras.without(locker.package_set, extra)
            if _locks(locker, fewer, _candidates(None, resolution, locker.package_set, sources), deadline):
                failure.advice = _way_out(locker.package_set, extra)
            break
    raise failure


def _without_torch(locker: SetLocker, pairing: Pairing, deadline: Deadline) -> SolveFailedError | None:
    """Why the extra packages have no solution without torch either; None when they have one."""
    try:
        locker.check_extras(pairing, timeout_s=deadline.left())
    except SolveFailedError as failure:
        return failure
    except EnvgenError:
        return None
    return None


def _locks(locker: SetLocker, extras: Extras, pairings: Iterable[Pairing], deadline: Deadline) -> bool:
    """True when one of some pairings can be locked with other extra packages."""
    other, rest = locker.asking_for(extras), list(pairings)
    failed: set[BuildKey] = set()
    while rest and deadline.left() > 0:
        try:
            outcomes = other.solve_first(rest, timeout_s=deadline.left())
        except EnvgenError:
            failed.add(rest[0].build.key)
            outcomes = {}
        if any(isinstance(outcome, LockedSet) for outcome in outcomes.values()):
            return True
        failed |= outcomes.keys()
        rest = [pairing for pairing in rest if pairing.build.key not in failed]
    return False


def _way_out(package_set: PackageSet, extra: str) -> str:
    other = next(one for one in PackageSet if one is not package_set)
    return f"without {extra} it locks: leave it out, or ask for it in the other set alone ({other}:{extra})"


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
