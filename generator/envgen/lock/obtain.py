"""The lock of one set: what is in the folder, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar, Protocol

from envgen.core.builds import BuildKey
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
    for pairing in _candidates(first, resolution, locker.package_set, sources):
        try:
            found = _shipped_or_solved(locker, pairing, request, sources)
        except (WheelMissingError, SolveFailedError) as error:
            is_first = not any(isinstance(passed, SolveFailedError) for _, passed in passed_over)
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


def _shipped_or_solved(locker: SetLocker, pairing: Pairing, request: Request, sources: Sources) -> LockedSet:
    options = sources.options
    if not options.upgrade and (shipped := _shipped(locker, pairing, request, sources)) is not None:
        return shipped
    if not options.may_solve:
        raise UnreachableError(
            package_set=locker.package_set,
            url=locker.source(pairing),
            reason="not contacted because of --offline or --check",
            advice="run again without it",
        )
    left = options.deadline.left()
    if left <= 0:
        reason = "the time limit passed before it was asked"
        raise UnreachableError(package_set=locker.package_set, url=locker.source(pairing), reason=reason)
    return locker.solve(pairing, timeout_s=left)


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
    for pairing in pairings:
        if deadline.left() <= 0:
            return False
        try:
            locker.asking_for(extras).solve(pairing, timeout_s=deadline.left())
        except EnvgenError:
            continue
        return True
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
