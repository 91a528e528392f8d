"""No silent walk back: why a requested package is not at its newest, found by asking for it, and what frees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import PassedOver, PipLock
from envgen.core.releases import CPU, release_key
from envgen.core.requirements import read_version
from envgen.net.deadline import Patience
from envgen.net.pip_index import ProjectPage, read_project
from envgen.net.sites import Site
from envgen.solve.errors import CudaClashError, SolveFailedError
from envgen.solve.pip.contents import clash_of
from envgen.solve.pip.together import Found, Together
from envgen.solve.pip.ways.freeing import Freed, freed, glibcs_of, other_pythons, repaired

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_OLDEST_YEARS = 2  # how much younger a release may be than the one that is locked in its place
# What explaining may take: twice as long as the lock took, but not less and not more than this.
_TIMES, _SHORTEST_S, _LONGEST_S = 2.0, 20.0, 60.0
_NO_TIME = "why was not found in the time that explaining may take"
_NEXT_TO_NOTHING = "it doesn't go with the rest of what is asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Why:
    """Why a release was not taken, what frees it, and whether it is for want of a wheel for the target."""

    reason: str
    advice: str = ""
    is_without_wheel: bool = False


def explained(
    lock: PipLock, asked: Together, *, spent_s: float, report: Callable[[str], None]
) -> tuple[PassedOver, ...]:
    """What was passed over of the requested packages, each with its reason and what frees it.

    `spent_s` is what the lock took: it bounds what explaining may take. What doesn't come to its turn is named all the
    same, and first asked for is what may have to be refused.

    Raises: SolveFailedError when a pre-release was taken for want of a wheel, or a release more than two years older
    than the newest.
    """
    asked = replace(asked, deadline=asked.deadline.earlier(_LONGEST_S))
    box = asked.deadline.earlier(max(_SHORTEST_S, spent_s * _TIMES))
    found = {one.name: one for one in lock.passed_over if one.reason}
    behind = list(_behind(lock, asked))
    for one, page, is_old in sorted(behind, key=lambda each: not each[2]):
        if one.name in found:
            continue
        report(f"asking why {one.name} is not at {one.newer}")
        why = _why(one, page, lock, asked if is_old else replace(asked, deadline=box))
        if why.is_without_wheel and is_old:
            raise SolveFailedError(
                solver="pip",
                is_final=True,
                subject=f"torch {lock.version_of('torch')}, {lock.subdir.value}, Python {lock.python}",
                explanation=(
                    f"only {one.name} {one.locked} could be had in place of {one.newer}: "
                    + re.sub("^it ", f"{one.name} ", why.reason),
                ),
                advice=why.advice,
            )
        found[one.name] = replace(one, reason=why.reason, advice=why.advice)
    return tuple(found[one.name] for one, _, _ in behind)


def _behind(lock: PipLock, asked: Together) -> Iterator[tuple[PassedOver, ProjectPage | None, bool]]:
    """The packages behind a newer release, their pages, and whether theirs is too old to be taken without a wheel."""
    for one in lock.passed_over:
        page = _page(one.name, asked)
        uploads = _uploads(page)
        newer = one.newer or _newest(uploads, one, asked)
        if newer:
            locked = read_version(one.locked)
            is_pre = locked is not None and locked.is_prerelease
            yield replace(one, newer=newer), page, is_pre or _years(uploads, one.locked, newer)


def _why(one: PassedOver, page: ProjectPage | None, lock: PipLock, asked: Together) -> _Why:
    """Ask for the newer release: with any torch that runs, and then on other targets."""
    instead = (f"{one.name}=={one.newer}",)
    unknown = _Why(reason=_NO_TIME, advice=f"ask for {instead[0]} to be told")
    if asked.deadline.left() <= 0:
        return unknown
    torch = lock.version_of("torch").partition("+")[0]
    if needs := _python_of(page, one.newer, asked.request.python):
        pythons = (replace(asked.request, python=python) for python in other_pythons(asked) if python in needs)
        change = freed(asked, torch=torch, instead=instead, among=pythons)
        advice = f"{change.option} gives {_given(one, change)}" if change is not None else ""
        return _Why(reason=f"it needs Python {needs}, the target has {asked.request.python}", advice=advice)
    try:
        found = asked.solve(instead=instead)
    except SolveFailedError as error:
        return _elsewhere(one, instead, error, lock, asked)
    except EnvgenError:
        return _Why(reason=_NEXT_TO_NOTHING) if asked.deadline.left() > 0 else unknown
    return _at_a_price(one, found, lock, torch)


def _elsewhere(
    one: PassedOver, instead: Sequence[str], error: SolveFailedError, lock: PipLock, asked: Together
) -> _Why:
    """Another target that the release can be had on, or what else frees it, whose wheels load the CUDA of the build."""
    clashes, lacking = list[CudaClashError](), error.lacking
    # No other target helps what has no wheel for any.
    is_source_alone = lacking and all(_has_no_wheels(name, one, asked) for name in lacking)
    torch = lock.version_of("torch")

    def accepts(change: Freed) -> bool:
        clash = _clash(change.found, change.pairing.build, asked)
        clashes.extend([clash] if clash is not None else [])
        return clash is None

    change = None if is_source_alone else freed(asked, torch=torch.partition("+")[0], instead=instead, accepts=accepts)
    if change is not None:
        return _freed_by(change, one, lacking, asked, torch)
    return _Why(reason=clashes[0].reason) if clashes else _unfree(one, lacking, error, asked)


def _clash(found: Found, build: Build, asked: Together) -> CudaClashError | None:
    name, cuda = f"{build.torch}+{build.cuda_tag}", build.cuda
    major = 0 if build.cuda_tag == CPU else release_key(cuda)[0]
    packages = found.packages.values()
    return clash_of(packages, build=name, major=major, patience=Patience(deadline=asked.deadline))


def _given(one: PassedOver, change: Freed) -> str:
    return f"{one.name} {one.newer} with torch {change.pairing.build.short_label}"


def _python_of(page: ProjectPage | None, release: str, python: str) -> SpecifierSet | None:
    """The Pythons that every file of a release is for, where the target's is none of them."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    wheels = [file.requires_python for file in page.files if file.name.release == release] if page else []
    sources = [one.requires_python for one in page.sources if one.version == release] if page else []
    with suppress(InvalidSpecifier):
        bounds = [SpecifierSet(text) for text in (*wheels, *sources)]
        if bounds and not any(bound.contains(f"{python}.99") for bound in bounds):
            return bounds[0]
    return None


def _has_no_wheels(project: str, one: PassedOver, asked: Together) -> bool:
    """True when the newest release of a project, or the one that is asked for, is a source distribution alone."""
    from packaging.version import Version

    page = _page(project, asked)
    if page is None or not page.sources:
        return False
    release = one.newer if project == one.name else max((each.version for each in page.sources), key=Version)
    return all(file.name.release != release for file in page.files)


def _at_a_price(one: PassedOver, found: Found, lock: PipLock, torch: str) -> _Why:
    """The newer release can be had: with another torch, or with an older release of something else."""
    bounds = found.excluding(torch) if found.torch != torch else {}
    for who in sorted(bounds, key=lambda each: not each.startswith(f"{one.name} ")):
        return _Why(reason=f"{'it' if who.startswith(f'{one.name} ') else who} needs torch{bounds[who]}")
    older = [
        p.name for p in found.packages.values() if p.is_requested and _is_older(p.version, lock.version_of(p.name))
    ]
    return _Why(reason=f"it would hold {', '.join(older)} back" if older else _NEXT_TO_NOTHING)


def _freed_by(change: Freed, one: PassedOver, lacking: Sequence[str], asked: Together, torch: str) -> _Why:
    request, options = asked.request, change.change
    advice = f"{change.option} gives {_given(one, change)}"
    if options.glibc:
        needed = glibcs_of(change.found, request)
        lacking = [name for name, glibc in needed.items() if glibc != request.glibc]
    others = [name for name in lacking if name != one.name]
    whose = "its wheels" if one.name in lacking or not others else f"the wheels of {', '.join(others)}, which it needs,"
    bounds = change.found.excluding(torch.partition("+")[0])
    needs = next((f"{who} needs torch{bound}, the lock has {torch}" for who, bound in bounds.items()), "")
    if options.glibc:
        reason = f"{whose} need glibc {options.glibc}, the target has {request.glibc}"
        reason = f"{needs}; and {reason}" if needs and options.torch else reason
    elif lacking:
        reason = f"{whose.removesuffix(',')}{',' if others else ''} are not for {_target(asked)}"
    else:
        reason = needs or _NEXT_TO_NOTHING
    return _Why(reason=reason, advice=advice, is_without_wheel=bool(options.glibc or lacking))


def _unfree(one: PassedOver, lacking: Sequence[str], error: SolveFailedError, asked: Together) -> _Why:
    if not lacking:
        return _Why(reason=_against(one, error))
    others = [name for name in lacking if name != one.name]
    found = repaired(asked, error, instead=(f"{one.name}=={one.newer}",))
    built = f"{found.option} gives {one.name} {one.newer}, built where it is installed; or " if found else ""
    advice = f"{built}ask for {one.name}=={one.locked}, the newest that is all wheels"
    if one.name in lacking or not others:
        return _Why(reason=f"it has no wheel for {_target(asked)}", advice=advice, is_without_wheel=True)
    reason = f"{', '.join(others)} has no wheel for {_target(asked)}, and it needs that"
    return _Why(reason=reason, advice=advice, is_without_wheel=True)


def _against(one: PassedOver, error: SolveFailedError) -> str:
    """What doesn't allow a release, or what it needs and is not allowed, as the solver names it."""
    told, name = " ".join(error.explanation), re.escape(one.name)
    if by := re.search(rf"([\w.-]{{1,80}})(\S{{0,80}}) depends on {name}([<>=!~]\S{{0,200}})", told):
        return f"{by[1]}{by[2]} needs {one.name}{by[3].rstrip(',')}"
    needed = re.search(rf"(?<![\w.-]){name}[<>=!~]\S{{0,80}} depends on ([\w.-]{{1,80}})(\S{{0,200}})", told)
    if needed is None:
        return _NEXT_TO_NOTHING
    asked = re.search(rf"the request asks for ({re.escape(needed[1])}[\[<>=!~]\S{{0,200}})", told)
    return f"it needs {needed[1]}{needed[2].rstrip(',')}" + (f", not {asked[1].rstrip(',.')}" if asked else "")


def _target(asked: Together) -> str:
    request = asked.request
    glibc = f", glibc {request.glibc}" if request.subdir.is_linux else ""
    return f"{request.subdir.value}, Python {request.python}{glibc}"


def _page(project: str, asked: Together) -> ProjectPage | None:
    """What the index says of a project: it explains, nothing hangs on it."""
    with suppress(EnvgenError):
        return read_project(Site.parse(asked.pypi), project, patience=Patience(deadline=asked.deadline))
    return None


def _uploads(page: ProjectPage | None) -> dict[str, str]:
    """Release -> when it was uploaded, of those with a file."""
    found: dict[str, str] = {}
    for file in page.files if page is not None else ():
        if not file.is_yanked:
            found.setdefault(file.name.release, file.uploaded)
    for source in page.sources if page is not None else ():
        if not source.is_yanked:
            found.setdefault(source.version, source.uploaded)
    return found


def _newest(uploads: Iterable[str], one: PassedOver, asked: Together) -> str:
    """The newest release that the request's own bounds allow when it is newer than the locked one, or empty."""
    bounds, locked = asked.bounds_on(one.name), read_version(one.locked)
    found = []
    for release in uploads:
        version = read_version(release)
        if version is None or locked is None or version <= locked or version.is_prerelease:
            continue
        if all(bound.contains(version) for bound in bounds):
            found.append((version, release))
    return max(found, default=(None, ""))[1]


def _is_older(version: str, than: str) -> bool:
    one, other = read_version(version), read_version(than)
    return one is not None and other is not None and one < other


def _years(uploads: Mapping[str, str], locked: str, newer: str) -> bool:
    """True when a release is more than two years younger than the locked one, by the index's own upload times."""
    from datetime import datetime, timedelta

    try:
        since = datetime.fromisoformat(uploads.get(newer, "")) - datetime.fromisoformat(uploads.get(locked, ""))
    except (ValueError, TypeError):
        return False
    return since > timedelta(days=365 * _OLDEST_YEARS)
