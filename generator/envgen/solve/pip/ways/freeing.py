"""The smallest change of a target with which what is asked for has a solution, found by asking for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from envgen.core.changes import Change
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request
from envgen.core.requirements import project_of
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.wheel_names import WheelName, file_name, glibc_key
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.solve.errors import SolveFailedError
from envgen.solve.pip.query import newer_glibcs
from envgen.solve.pip.together import Found, Together

_REPAIRS = 16  # packages that are allowed as sources or left out
_PYTHONS = 4  # how many other Pythons are asked for, nearest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """A change that was tried, the request with it, what it gives, and the build that goes with it."""

    change: Change
    request: Request
    found: Found
    pairing: Pairing

    @property
    def option(self) -> str:
        """The change as it is typed: `--torch "<2" --python 3.10`."""
        words = []
        for name, value in sorted(self.change.options().items(), key=lambda item: item[0] != "torch"):
            quoted = f'"{value}"' if any(sign in value for sign in "<>!* ") else value
            words.append(f"--{name}" if value == "true" else f"--{name} {quoted}")
        return " ".join(words)


def freed(
    asked: Together,
    *,
    torch: str = "",
    instead: Sequence[str] = (),
    accepts: Callable[[Freed], bool] = lambda _: True,
    among: Iterable[Request] | None = None,
) -> Freed | None:
    """Return the smallest change with which the packages have a solution and that is accepted; None for none in time.

    `torch` is the release that was decided on: where the change gives another one, the bound of the package that needs
    it is part of it. `instead` are requirements that take the place of those of the same packages. `among` are the
    requests that are tried, by default all that differ in one thing or two, the smallest change first.
    """
    for wide in _requests(asked, instead) if among is None else among:
        changed, found = wide, _tried(asked, wide, instead)
        if found is not None and among is None:
            changed, found = _with_least_glibc(asked, wide, found, instead)
        pairing = _best(found, changed, asked) if found is not None else None
        if found is not None and pairing is not None:
            change = _change(asked, changed, pairing, found, torch)
            one = Freed(change=change, request=change.applied(asked.request), found=found, pairing=pairing)
            if accepts(one):
                return one
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What was allowed as source distributions, and left out of what is asked for, until there was a solution.

    `torch` is the release of torch in that.
    """

    sources: tuple[str, ...]
    left_out: tuple[str, ...]
    torch: str

    @property
    def option(self) -> str:
        """The options as they are typed."""
        return " ".join(f"--allow-source {name}" for name in self.sources)


def repaired(
    asked: Together, failure: SolveFailedError, *, instead: Sequence[str] = (), may_leave_out: bool = False
) -> Repaired | None:
    """Allow the packages that lack a wheel as sources, and leave out what nothing helps, until there is a solution."""
    extras, left_out = asked.extras, list[str]()
    for _ in range(_REPAIRS):
        lacking = [name for name in failure.lacking if name not in extras.sources]
        named = [*failure.lacking, *failure.asked_for]
        at_fault = next((one for one in extras.pip if project_of(one) in named), "") if may_leave_out else ""
        if lacking:
            extras = replace(extras, sources=(*extras.sources, *lacking))
        elif at_fault and len(extras.pip) > 1:
            extras = extras.without(PackageSet.PIP, at_fault)
            left_out.append(at_fault)
        else:
            return None
        try:
            found = replace(asked, extras=extras).solve(instead=instead)
        except SolveFailedError as error:
            failure = error
        except EnvgenError:
            return None
        else:
            return _with_fewest(
                Repaired(sources=extras.sources, left_out=tuple(left_out), torch=found.torch), asked, found, instead
            )
        if asked.deadline.left() <= 0:
            return None
    return None


def _with_fewest(repair: Repaired, asked: Together, found: Found, instead: Sequence[str]) -> Repaired:
    """The same without what turns out not to be needed: a package that was left out before another one was."""
    left_out = repair.left_out
    for one in repair.left_out[:-1]:
        fewer = tuple(other for other in left_out if other != one)
        pip = tuple(extra for extra in asked.extras.pip if extra not in fewer)
        with suppress(EnvgenError):
            extras = replace(asked.extras, pip=pip, sources=repair.sources)
            found = replace(asked, extras=extras).solve(instead=instead)
            left_out = fewer
    sources = tuple(name for name in repair.sources if name in found.sources)
    return Repaired(sources=sources, left_out=left_out, torch=found.torch)


def _tried(asked: Together, changed: Request, instead: Sequence[str]) -> Found | None:
    if asked.deadline.left() <= 0:
        return None
    with suppress(EnvgenError):
        return replace(asked, request=changed).solve(instead=instead)
    return None


def _with_least_glibc(asked: Together, changed: Request, found: Found, instead: Sequence[str]) -> tuple[Request, Found]:
    """A change that was tried with the newest glibc, with the oldest that will do, as far as there is time.

    What was found needs no more than its own wheels do; with older packages an older one may do, too.
    """
    if changed.glibc == asked.request.glibc:
        return changed, found
    needed = glibcs_of(found, replace(changed, glibc=asked.request.glibc)).values()
    enough = replace(changed, glibc=max(needed, key=glibc_key, default=changed.glibc))
    for glibc in (asked.request.glibc, *newer_glibcs(asked.request.glibc)):
        less = replace(changed, glibc=glibc)
        if less == enough:
            break
        if (other := _tried(asked, less, instead)) is not None and other.torch == found.torch:
            return less, other
    return enough, found


def glibcs_of(found: Found, request: Request) -> dict[str, str]:
    """Package -> the oldest glibc from a request's on that one of its wheels installs with."""
    glibcs = (request.glibc, *newer_glibcs(request.glibc)) if request.subdir.is_linux else ()
    oldest = {}
    for name, package in found.packages.items():
        wheels = [WheelName.parse(file) for one in package.wheels if (file := file_name(one.url)).endswith(".whl")]
        for glibc in glibcs if wheels else ():
            if any(wheel.fits(python=request.python, subdir=request.subdir, glibc=glibc) for wheel in wheels):
                oldest[name] = glibc
                break
    return oldest


def newer_glibcs_of(asked: Together, instead: Sequence[str] = ()) -> Iterator[Request]:
    """Requests with a newer glibc; none where the newest doesn't help."""
    requests = asked.newer_glibcs()
    if requests and _tried(asked, requests[-1], instead) is not None:
        yield from requests


def _requests(asked: Together, instead: Sequence[str]) -> Iterator[Request]:
    """Other requests, the smallest change first."""
    request = asked.request
    yield from newer_glibcs_of(asked, instead)
    glibcs = asked.newer_glibcs()
    newest = glibcs[-1] if glibcs else request
    any_cuda = request.cuda if request.is_cpu else ""
    any_build = replace(request, torch="", cuda=any_cuda)
    others = (replace(request, torch=""), replace(request, cuda=any_cuda), any_build)
    yield from (other for other in dict.fromkeys(others) if other != request)
    pythons = other_pythons(asked)
    yield from (replace(request, python=python) for python in pythons)
    if glibcs and request.torch:
        yield replace(newest, torch="")
    any_driver = replace(any_build, driver=None, driver_origin=DriverOrigin.ASSUMED)
    if request.driver is not None and not request.machines and request.jetpack is None:
        yield any_driver
        newest = replace(newest, driver=None, driver_origin=DriverOrigin.ASSUMED)
    if glibcs:
        yield replace(newest, torch="", cuda=any_cuda)
    for python in pythons:
        yield replace(newest, torch="", cuda=any_cuda, python=python)
    for subdir in Subdir:
        if subdir is not request.subdir:
            yield replace(any_driver, subdir=subdir, glibc=newest.glibc)


def other_pythons(asked: Together) -> list[str]:
    """Other Pythons that torch has builds for, nearest first."""
    request = asked.request
    builds = asked.catalog.builds(PackageSet.PIP, request.subdir, cpu=request.is_cpu)
    known = {python for build in builds for python in build.pythons if not python.endswith("t")}
    own = release_key(request.python)[1]
    others = sorted(known - {request.python}, key=lambda python: abs(release_key(python)[1] - own))
    return others[:_PYTHONS]


def _best(found: Found, request: Request, asked: Together) -> Pairing | None:
    """The pairing of the best build of the release that was found."""
    from envgen.resolve import resolve

    pairing = resolve(asked.catalog, replace(request, torch=f"=={found.torch}")).pip
    return pairing_if_it_runs(pairing.build, request, asked.catalog) if pairing is not None else None


def _change(asked: Together, after: Request, pairing: Pairing, found: Found, torch: str) -> Change:
    """What differs between two requests, as far as the pairing needs it."""
    before, floor = asked.request, pairing.driver_floor
    bounds = list(found.excluding(torch).values()) if torch and found.torch not in asked.releases() else []
    is_too_old = before.driver is not None and floor is not None and before.driver.parts < floor.parts
    wanted = _against(torch, bounds[0]) if bounds else f"=={found.torch}" if after.torch != before.torch else ""
    return Change(
        subdir=after.subdir if after.subdir is not before.subdir else None,
        driver=floor if after.driver is None and is_too_old else None,
        python=after.python if after.python != before.python else "",
        glibc=after.glibc if after.glibc != before.glibc and after.subdir is before.subdir else "",
        torch=wanted,
        cuda=pairing.build.cuda_tag if before.cuda and before.cuda != pairing.build.cuda_tag else "",
    )


def _against(torch: str, bounds: str) -> str:
    """The part of a specifier that excludes a release: `<2` of `>=1.3,<2`."""
    from packaging.specifiers import SpecifierSet

    return ",".join(part for part in bounds.split(",") if torch not in SpecifierSet(part)) or bounds
