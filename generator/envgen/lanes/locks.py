"""Locks for every lane: each pairing is solved once, in parallel; a lane falls to the next one that can be locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from itertools import repeat

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.lanes import Lane
from envgen.lock.environment import locker_of
from envgen.lock.locked import LockedSet
from envgen.lock.options import Sources
from envgen.resolve import resolve
from envgen.resolve.shipped import builds_of, pairing_if_it_runs
from envgen.solve.errors import SolveFailedError, WheelMissingError


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlace:
    """One place in the table of shipped locks: a lane on a subdir with a Python, through pip or conda."""

    lane: Lane
    subdir: Subdir
    python: str
    package_set: PackageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLock:
    """A lock that was made: its place on disk, the bodies of its files, its pairing, what it lacks, what was asked."""

    shipped: Shipped
    pairing: Pairing
    bodies: dict[str, str]
    missing: tuple[str, ...]
    request: Request


@dataclass(slots=True)
class LaneResults:
    """What came of all places.

    `locks` maps a lock's key to it; `held` maps a place to the key it got, or None; `passed` lists, for each place, the
    newer builds that could not be locked and why.
    """

    locks: dict[Shipped, LaneLock] = field(default_factory=dict)
    held: dict[LanePlace, Shipped | None] = field(default_factory=dict)
    passed: dict[LanePlace, list[tuple[Shipped, str]]] = field(default_factory=dict)


def lane_places(
    lanes: Sequence[Lane], pythons: Sequence[str], subdirs: Sequence[Subdir], sets: Sequence[PackageSet]
) -> Iterator[LanePlace]:
    """Every place to fill, in the order of the table."""
    for lane in lanes:
        for subdir in lane.subdirs:
            for python in pythons:
                for package_set in sets:
                    if subdir in subdirs and package_set in lane.sets:
                        yield LanePlace(lane=lane, subdir=subdir, python=python, package_set=package_set)


def lock_lanes(  # noqa: PLR0913 -- what a run over all lanes is told
    places: Iterable[LanePlace],
    sources: Sources,
    *,
    jobs: int,
    timeout_s: float,
    known: Callable[[Shipped], bool],
    report: Callable[[str, int, int], None],
) -> LaneResults:
    """Fill every place.

    `known` says whether a lock is there already and need not be made; `report` is told what was done, how many locks
    are finished and how many are wanted so far. Each solve may take `timeout_s`.

    Raises: whatever a solve raises beyond "no such file" and "no solution": an index that does not answer, wrong bytes.
    """
    results = LaneResults()
    failed: dict[Shipped, str] = {}
    finished: set[Shipped] = set()
    open_places = list(places)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        while open_places:
            wanted = {place: _decide(place, sources, failed, results) for place in open_places}
            requests = _strictest(wanted)
            todo = [key for key in requests if key not in finished and not known(key)]
            finished |= {key for key in requests if known(key)}
            total = len(finished) + len(todo)
            outcomes = pool.map(_solve, todo, [requests[key] for key in todo], repeat(sources), repeat(timeout_s))
            for key, outcome in zip(todo, outcomes, strict=True):
                if isinstance(outcome, LaneLock):
                    results.locks[key] = outcome
                    finished.add(key)
                else:
                    failed[key] = outcome
                report(str(key.folder), len(finished), total)
            open_places = [place for place, key in wanted.items() if key is not None and key in failed]
            results.held |= {place: key for place, key in wanted.items() if key is None or key not in failed}
    return results


def _decide(place: LanePlace, sources: Sources, failed: dict[Shipped, str], results: LaneResults) -> Shipped | None:
    """The lock that a place should get, passing over the ones that could not be made."""
    request = place.lane.request(place.subdir, place.python, sources.builds.default_glibc)
    passed = results.passed.setdefault(place, [])
    while True:
        absent: frozenset[BuildKey] = frozenset(key.key for key, _ in passed)
        resolution = resolve(sources.builds, request, absent=absent)
        pairing = resolution.pairing(place.package_set)
        if pairing is None:
            return None
        key = Shipped.of(pairing.build, request.python)
        if key not in failed:
            return key
        passed.append((key, failed[key]))


def _strictest(wanted: dict[LanePlace, Shipped | None]) -> dict[Shipped, LanePlace]:
    """Lock -> the place with the oldest GPU that wants it: its cuDNN bound must hold for all others too."""
    found: dict[Shipped, LanePlace] = {}
    for place, key in wanted.items():
        if key is not None and (key not in found or place.lane.capability < found[key].lane.capability):
            found[key] = place
    return found


def _solve(key: Shipped, place: LanePlace, sources: Sources, timeout_s: float) -> LaneLock | str:
    """The lock, or why it can't be made."""
    request = place.lane.request(place.subdir, place.python, sources.builds.default_glibc)
    pairing = _pairing_of(key, request, sources)
    try:
        found = locker_of(key.package_set, request, sources).solve(pairing, timeout_s=timeout_s)
    except (WheelMissingError, SolveFailedError) as error:
        return _reason(error)
    bodies = _bodies(found)
    return LaneLock(shipped=key, pairing=pairing, bodies=bodies, missing=found.missing, request=request)


def _reason(error: WheelMissingError | SolveFailedError) -> str:
    """An error on one line for a table, without the address of a mirror."""
    if isinstance(error, WheelMissingError):
        return f"the index has no {error.wanted}"
    return f"no solution: {error.reason}"


def _pairing_of(key: Shipped, request: Request, sources: Sources) -> Pairing:
    """The pairing that a lock was decided to hold."""
    rows = reversed(builds_of(key, sources.builds))
    pairing = next((p for p in (pairing_if_it_runs(row, request, sources.builds) for row in rows) if p), None)
    if pairing is None:
        raise AssertionError(key)
    return pairing


def _bodies(found: LockedSet) -> dict[str, str]:
    from envgen.files.bodies import conda_bodies, pip_bodies

    if found.package_set is PackageSet.PIP:
        return pip_bodies(found.pip_lock, multi=False)
    return conda_bodies([found.conda_lock])
