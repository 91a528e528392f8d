"""The fewest targets that serve all machines, and the one driver update that would save a target.

A target serves a machine when it gives it every set that the machine can have by itself. Builds are judged machine by
machine, so machines can share a target when one build of each set runs on all of them: the fewest targets are the
fewest such builds, on the platform that needs the most. A target holds machines of several platforms, each with a lock
of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product, zip_longest

from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.fleet.cover import fewest
from envgen.fleet.kinds import Kind, LeftOut, Place, usable_builds
from envgen.resolve.driver import DriverRules, assumed_driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A newer driver for the machines of one kind, with which fewer targets would do."""

    kind: Kind
    driver: DriverVersion
    targets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """The kinds of each target, who is left out, and the update that would save a target, if one does."""

    targets: tuple[tuple[Kind, ...], ...]
    left_out: tuple[LeftOut, ...]
    update: Update | None


def plan_fleet(kinds: Sequence[Kind], left_out: Sequence[LeftOut]) -> FleetPlan:
    """Return the plan for some kinds of machines."""
    groups = {subdir: _groups([k for k in kinds if k.subdir is subdir]) for subdir in Subdir}
    columns = zip_longest(*(own for own in groups.values() if own), fillvalue=())
    targets = tuple(tuple(kind for part in column for kind in part) for column in columns)
    return FleetPlan(targets=targets, left_out=tuple(left_out), update=_update(kinds, len(targets)))


def count_targets(kinds: Sequence[Kind]) -> int:
    """How many targets serve some kinds of machines at the least."""
    of_platforms = ([kind for kind in kinds if kind.subdir is subdir] for subdir in Subdir)
    return max((len(_cover([alike[0] for alike in _alike(own)])) for own in of_platforms), default=0)


def _alike(kinds: Sequence[Kind]) -> list[list[Kind]]:
    """The kinds of one platform that run the same builds, together: thousands of drivers make a dozen of these."""
    found: dict[tuple[frozenset[Place], ...], list[Kind]] = {}
    for kind in kinds:
        found.setdefault(tuple(kind.usable.values()), []).append(kind)
    return list(found.values())


def _cover(kinds: Sequence[Kind]) -> tuple[int, ...]:
    """The fewest shared choices of builds for the kinds of one platform, each as the kinds that it runs on."""
    return fewest(_masks(kinds), (1 << len(kinds)) - 1)


def _masks(kinds: Sequence[Kind]) -> set[int]:
    """For each choice of a build of each set, or of none, the kinds that get all of their sets from it."""
    sets = kinds[0].usable if kinds else {}
    of_sets = [{*_masks_of(kinds, one)} for one in sets]
    masks = set()
    for choice in product(*of_sets):
        mask = (1 << len(kinds)) - 1
        for one in choice:
            mask &= one
        masks.add(mask)
    return masks


def _masks_of(kinds: Sequence[Kind], package_set: PackageSet) -> Iterator[int]:
    """The kinds that each build of a set runs on, and those that nothing of the set runs on."""
    running: dict[Place, int] = {}
    without = 0
    for place, kind in enumerate(kinds):
        for build in kind.usable[package_set]:
            running[build] = running.get(build, 0) | 1 << place
        without |= 0 if kind.usable[package_set] else 1 << place
    yield from running.values()
    yield without


def _groups(kinds: Sequence[Kind]) -> list[tuple[Kind, ...]]:
    """The kinds of one platform in as few groups as can be, those with the newest torch first.

    A kind that fits several groups goes where all machines together get the newest torch, as far as moving one kind
    after the other finds it.
    """
    alike = {id(own[0]): own for own in _alike(kinds)}
    first = [own[0] for own in alike.values()]
    weights = {key: sum(len(kind.machines) for kind in own) for key, own in alike.items()}
    groups: list[list[Kind]] = []
    left = (1 << len(first)) - 1
    for mask in _cover(first):
        groups.append([kind for place, kind in enumerate(first) if mask & left & 1 << place])
        left &= ~mask
    while any(_improved(groups, kind, weights) for kind in first):
        pass  # each move gives more than the one before, so it ends
    order = {id(kind): place for place, kind in enumerate(kinds)}
    ordered = sorted(filter(None, groups), key=lambda group: (_newest(group), -order[id(group[0])]), reverse=True)
    whole = ([kind for one in group for kind in alike[id(one)]] for group in ordered)
    return [tuple(sorted(group, key=lambda kind: order[id(kind)])) for group in whole]


def _improved(groups: Sequence[list[Kind]], kind: Kind, weights: Mapping[int, int]) -> bool:
    """Move a kind to the group where the machines get the newest torch; True when that is another one."""
    own = next(group for group in groups if any(one is kind for one in group))
    before, best = _worth(groups, weights), own
    own.remove(kind)
    for group in groups:
        group.append(kind)
        if group is not own and _fit(group) and (worth := _worth(groups, weights)) > before:
            before, best = worth, group
        group.pop()
    best.append(kind)
    return best is not own


def _worth(groups: Sequence[Sequence[Kind]], weights: Mapping[int, int]) -> int:
    """The machines of all groups by the torch that they get: 2.14.1 counts as 2,014,001."""
    worth = 0
    for group in filter(None, groups):
        release = (*_newest(group), 0, 0)[:3]
        worth += sum(weights[id(kind)] for kind in group) * (release[0] * 10**6 + release[1] * 10**3 + release[2])
    return worth


def _newest(group: Sequence[Kind]) -> tuple[int, ...]:
    """The newest torch that all kinds of a group get, of the set that goes farther."""
    shared = [torch for one in group[0].usable for _, torch in _shared(group, one)]
    return max((release_key(torch) for torch in shared), default=(0,))


def _fit(group: Sequence[Kind]) -> bool:
    """True when every kind keeps each set that it can have by itself."""
    return all(bool(_shared(group, one)) or not any(kind.usable[one] for kind in group) for one in group[0].usable)


def _shared(group: Sequence[Kind], package_set: PackageSet) -> frozenset[Place]:
    return frozenset.intersection(*(kind.usable[package_set] for kind in group))


def _update(kinds: Sequence[Kind], count: int) -> Update | None:
    """The update of the fewest machines that saves a target; asked again with the newer driver, so that it does."""
    if count < 2:
        return None
    catalog = Catalog.load()
    # While others run the same builds, as many targets are needed for them.
    alone = [own[0] for subdir in Subdir for own in _alike([k for k in kinds if k.subdir is subdir]) if len(own) == 1]
    for kind in sorted(alone, key=lambda kind: len(kind.machines)):
        if not kind.driver or kind.request.jetpack is not None or kind.request.machines:
            continue
        newest = assumed_driver(replace(kind.request, driver=None), catalog)
        candidates = [driver for driver in _drivers(kind, catalog) if driver.parts < newest.parts]
        if _count_with(kind, newest, kinds, catalog) >= count:
            continue
        for driver in (*candidates, newest):
            if (fewer := _count_with(kind, driver, kinds, catalog)) < count:
                return Update(kind=kind, driver=driver, targets=fewer)
    return None


def _drivers(kind: Kind, catalog: Catalog) -> list[DriverVersion]:
    """The drivers at which more builds begin to run, newer than a kind's own, oldest first."""
    own = kind.request.driver
    rules = DriverRules(driver=own or DriverVersion.parse("1"), subdir=kind.subdir, builds=catalog)
    floors: list[DriverVersion | None] = [rules.floor(f"{major}.0") for major in catalog.floors]
    floors += [rules.toolkit_minimum(cuda) for cuda in catalog.toolkits]
    last = (branch.last_windows if kind.subdir.is_windows else branch.last_linux for branch in catalog.branches)
    floors += [DriverVersion.parse(release) for release in last if release]
    found: Mapping[tuple[int, ...], DriverVersion] = {f.parts: f for f in floors if f is not None}
    return [found[parts] for parts in sorted(found) if own is None or parts > own.parts]


def _count_with(kind: Kind, driver: DriverVersion, kinds: Sequence[Kind], catalog: Catalog) -> int:
    """How many targets there would be with another driver on the machines of a kind."""
    request = replace(kind.request, driver=driver, driver_origin=DriverOrigin.GIVEN)
    newer = replace(kind, request=request, usable=usable_builds(request, catalog, tuple(kind.usable)))
    return count_targets([newer if one is kind else one for one in kinds])
