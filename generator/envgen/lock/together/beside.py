"""A build with everything that is asked for beside torch: which release of torch, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from envgen.core.builds import Build, BuildKey
from envgen.core.errors import EnvgenError
from envgen.core.locks import PassedOver, PipLock
from envgen.core.requirements import project_of
from envgen.core.resolution import Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.lock.locked import LockedSet
from envgen.lock.options import Sources
from envgen.lock.together.set_locker import SetLocker
from envgen.net.deadline import Deadline
from envgen.net.errors import UnreachableError
from envgen.resolve import resolve
from envgen.solve.errors import CudaClashError, SolveFailedError, WheelMissingError
from envgen.solve.extras import Extras

# How many packages are left out in turn to find two that clash.
_CLASHING = 6
OLDER = 4  # packages that are taken in an older release because of the CUDA that they load
# How many other builds are tried: rattler weighs them in one solve, an index of wheels is asked for each.
_OTHERS = {PackageSet.CONDA: 64, PackageSet.PIP: 12}


def candidates(
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


def rescued(
    locker: SetLocker, pairing: Pairing, error: SolveFailedError, resolution: Resolution, sources: Sources
) -> LockedSet | None:
    """The lock with another release of torch, after a build had no solution; None when the next build may have one.

    Raises: SolveFailedError when no release of torch that runs goes with everything, with the way out that was tried.
    """
    if not sources.extras.of(locker.package_set):
        return None
    try:
        release, reasons = locker.release_for_extras(pairing)
    except SolveFailedError as failure:
        failure.is_final = True
        failure.advice = locker.way_out(pairing, failure)
        if not failure.advice:
            _check_extras(locker, pairing, failure, resolution, sources)
        raise failure from error
    except EnvgenError:
        release, reasons = "", ()
    # Without a bound on torch it is the CUDA of a build that is against it, and the next build may have another one.
    if release in ("", pairing.build.torch) or not reasons:
        _check_extras(locker, pairing, error, resolution, sources)
        return None
    found = _with_release(release, reasons, locker, resolution, sources)
    return locker.explained(found) if found is not None else None


def best(
    locker: SetLocker, found: LockedSet, resolution: Resolution, sources: Sources, *, may_change: bool
) -> LockedSet:
    """A new lock with each package that is not at its newest explained; with another torch where that is better.

    Raises: SolveFailedError when a package is too old to be taken without a word.
    """
    if not (isinstance(found.lock, PipLock) and found.lock.passed_over):
        return found
    if may_change:
        other = None
        with suppress(EnvgenError):
            release, reasons = locker.release_for_extras(found.pairing)
            if release not in ("", found.pairing.build.torch):
                other = _with_release(release, reasons, locker, resolution, sources)
        if other is not None and _is_newer(other.pip_lock, found.lock):
            found = other
    return locker.explained(found)


def with_older(
    locker: SetLocker, sources: Sources, first: Callable[[], LockedSet | None], pairing: Pairing
) -> LockedSet | None:
    """What `first` locks of a build, with older releases of what came along for another CUDA.

    What is asked for itself stays at its newest as long as another build may go with it. Raises: as a solve.
    """
    clashes: list[CudaClashError] = []
    asked = {project_of(extra) for extra in sources.extras.of(locker.package_set)}
    while True:
        try:
            found = locker.solve(pairing, timeout_s=sources.options.deadline.left()) if clashes else first()
        except (SolveFailedError, CudaClashError) as error:
            clash = error if isinstance(error, CudaClashError) else None
            extras = locker.older(clash) if clash and clash.package not in asked and len(clashes) < OLDER else None
            if clash is None or extras is None:
                raise next(iter(clashes), error) from error
            clashes.append(clash)
            locker = locker.asking_for(extras)
        else:
            if clashes and found is not None and isinstance(found.lock, PipLock) and found.lock.passed_over:
                raise clashes[0]
            return with_passed(found, clashes) if found is not None else None


def with_passed(found: LockedSet, clashes: Iterable[CudaClashError]) -> LockedSet:
    """A lock that says which releases were passed over for the CUDA that they load."""
    lock = found.lock
    if not isinstance(lock, PipLock):
        return found
    known: dict[str, PassedOver] = {}
    for clash in clashes:
        if locked := lock.version_of(clash.package):
            one = PassedOver(name=clash.package, locked=locked, newer=clash.version, reason=clash.reason)
            known.setdefault(clash.package, one)
    others = (one for one in lock.passed_over if one.name not in known)
    return replace(found, lock=replace(lock, passed_over=(*known.values(), *others)))


def _is_newer(lock: PipLock, than: PipLock) -> bool:
    """True when the packages that are behind in one lock are newer in another, and none is older."""
    from packaging.version import Version

    behind = [(Version(lock.version_of(one.name)), Version(one.locked)) for one in than.passed_over]
    return all(new >= old for new, old in behind) and any(new > old for new, old in behind)


def _with_release(
    release: str, reasons: tuple[str, ...], locker: SetLocker, resolution: Resolution, sources: Sources
) -> LockedSet | None:
    """The lock of the first build of a release that has one. Raises: CudaClashError, UnreachableError."""
    failure: UnreachableError | CudaClashError | None = None
    for pairing in candidates(None, resolution, locker.package_set, sources):
        if pairing.build.torch == release:
            try:
                solve = partial(locker.solve, pairing, timeout_s=sources.options.deadline.left())
                found = with_older(locker, sources, solve, pairing)
            except (WheelMissingError, SolveFailedError):
                continue
            except (UnreachableError, CudaClashError) as error:
                failure = error if failure is None or isinstance(error, CudaClashError) else failure
                continue
            if found is None:
                continue
            return replace(found, held_back_by=reasons)
    if failure is not None:
        raise failure
    return None


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
                _advise_without(extra, error)
                return
        return
    if locker.package_set is PackageSet.CONDA and (advice := locker.way_out(pairing, failure)):
        failure.advice = advice
        raise failure
    culprits = (
        extra
        for extra in extras
        if _without_torch(locker.asking_for(sources.extras.only(locker.package_set, extra)), pairing, deadline)
    )
    culprit = next(culprits, None)
    # Where each has a solution by itself, two of them clash: the first that the rest locks without.
    for extra in (culprit,) if culprit is not None else extras[: _CLASHING if len(extras) > 1 else 0]:
        fewer = sources.extras.without(locker.package_set, extra)
        if _locks(locker, fewer, candidates(None, resolution, locker.package_set, sources), deadline):
            _advise_without(extra, failure)
            break
    raise failure


def _advise_without(extra: str, error: SolveFailedError) -> None:
    error.locks_without, error.advice = extra, f"without {extra} it locks: leave it out"


def _without_torch(locker: SetLocker, pairing: Pairing, deadline: Deadline) -> SolveFailedError | None:
    """Why the extra packages have no solution without torch either; None when they have one."""
    try:
        locker.check_extras(pairing, timeout_s=deadline.left())
    except SolveFailedError as failure:
        return failure
    except EnvgenError:
        return None
    return None


def with_other_build(
    error: EnvgenError, failed: Sequence[BuildKey], locker: SetLocker, resolution: Resolution, sources: Sources
) -> EnvgenError:
    """The error of a set of which no build could be locked that `--torch` and `--cuda` allow.

    Where it names no way out yet, it names the options that ask for the newest other build that was locked.
    """
    request = resolution.request
    if not isinstance(error, SolveFailedError | WheelMissingError) or error.advice or not sources.options.may_solve:
        return error
    if request.is_cpu:
        return error
    # The smaller change first: another release for the CUDA that is asked for, then another CUDA.
    wider = [
        replace(request, torch=torch, cuda=cuda) for torch, cuda in (("", request.cuda), (request.torch, ""), ("", ""))
    ]
    for other in (one for one in dict.fromkeys(wider) if one != request):
        found = candidates(None, resolve(sources.builds, other), locker.package_set, sources)
        rest = [pairing for pairing in found if pairing.build.key not in failed]
        build = _first_locked(locker, rest[: _OTHERS[locker.package_set]], sources.options.deadline)
        if build is not None:
            options = [f"--torch =={build.torch}"] if request.torch else []
            options += [f"--cuda {build.cuda_tag}"] if request.cuda not in ("", build.cuda_tag) else []
            error.advice = f"{' '.join(options)} locks it: {build.label}"
            break
    return error


def _locks(locker: SetLocker, extras: Extras, pairings: Iterable[Pairing], deadline: Deadline) -> bool:
    """True when one of some pairings can be locked with other extra packages."""
    return _first_locked(locker.asking_for(extras), list(pairings), deadline) is not None


def _first_locked(locker: SetLocker, rest: Sequence[Pairing], deadline: Deadline) -> Build | None:
    """The build of the first of some pairings that can be locked, or None."""
    failed: set[BuildKey] = set()
    while rest and deadline.left() > 0:
        try:
            outcomes = locker.solve_first(rest, timeout_s=deadline.left())
        except EnvgenError:
            failed.add(rest[0].build.key)
            outcomes = {}
        locked = {key for key, outcome in outcomes.items() if isinstance(outcome, LockedSet)}
        if locked:
            return next(pairing.build for pairing in rest if pairing.build.key in locked)
        failed |= outcomes.keys()
        rest = [pairing for pairing in rest if pairing.build.key not in failed]
    return None
