"""What a person can do when packages have no solution with any torch that runs: changes that were locked before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from envgen.core.errors import EnvgenError
from envgen.core.request import DriverOrigin, Request
from envgen.core.sets import PackageSet
from envgen.solve.errors import CudaClashError, SolveFailedError, WheelMissingError
from envgen.solve.extras import Extras
from envgen.solve.pip.together import Together
from envgen.solve.pip.ways.freeing import Freed, Repaired, freed, newer_glibcs_of, repaired

Refusal = Callable[[Request, Extras, str], EnvgenError | None]
_FURTHER = 3  # times that a lock shows that something else has no wheel either
_MAJOR = re.compile(r"(?<=cu)\d\d(?!\d)|(?<=cuda)\d\d(?!\d)")  # jax[cuda13], cupy-cuda12x, cudf-cu12
_BUILT = ": that is built where it is installed, and needs what it is built with"


def way_out(asked: Together, torch: str, failure: SolveFailedError, refusal: Refusal) -> str:
    """The smallest change with which everything can be locked, or empty.

    `torch` is the release that was decided on; `refusal` is why a request with packages and a release of torch can't be
    locked, None when it can; without a release, any that the request allows.
    """
    if (found := _freed(asked, torch, refusal, newer_glibcs_of(asked))) is not None:
        return _told(found)
    wider = asked
    if failure.lacking:
        repair = repaired(asked, failure)
        if repair is not None and (locked := _locked(repair, asked, refusal)) is not None:
            return f"{locked.option} locks it{_BUILT}"
        glibcs = asked.newer_glibcs()
        if repair is None and glibcs:
            repair = repaired(replace(asked, request=glibcs[-1]), failure)
        sources = (*asked.extras.sources, *failure.lacking)
        extras = _with(repair, asked.extras) if repair is not None else replace(asked.extras, sources=sources)
        wider = replace(asked, extras=extras)
    if (found := _freed(wider, torch, refusal, None)) is not None:
        return _told(found)
    repair = repaired(asked, failure, may_leave_out=True)
    if repair is None or not repair.left_out or (locked := _locked(repair, asked, refusal)) is None:
        return ""
    options = f", with {locked.option}" if locked.sources else ""
    return f"without {', '.join(locked.left_out)} it locks{options}"


def way_out_of_clash(asked: Together, clash: CudaClashError, refusal: Refusal) -> str:
    """The same package for the CUDA of the build, or else a change that gives a build of its CUDA, or empty."""
    for one in asked.extras.pip:
        other = _for_cuda(one, clash)
        fewer = asked.extras.without(PackageSet.PIP, one)
        extras = replace(fewer, pip=(*fewer.pip, other))
        if other == one or not _brings(other, clash.has, replace(asked, extras=fewer)):
            continue
        if refusal(asked.request, extras, "") is None:
            return f"{other} in place of {one} locks it"
    any_cuda = replace(asked.request, cuda="")
    any_driver = replace(any_cuda, driver=None, driver_origin=DriverOrigin.ASSUMED)
    may_change = not asked.request.machines and asked.request.jetpack is None
    found = _freed(asked, "", refusal, (any_cuda, any_driver) if may_change else (any_cuda,))
    return _told(found) if found is not None and found.option else ""


def _for_cuda(requirement: str, clash: CudaClashError) -> str:
    """A requirement with the CUDA major of the build where its name or an extra has another: `jax[cuda12]`."""
    named = re.match(r"[^=<>!~;@ ]*", requirement)
    name = named[0] if named else ""
    others = {str(major): str(clash.has) for major in clash.needs}
    return _MAJOR.sub(lambda at: others.get(at[0], at[0]), name) + requirement[len(name) :]


def _brings(requirement: str, major: int, asked: Together) -> bool:
    """True when a package, or its extra, adds something for a CUDA major: uv passes over an extra that there is not."""
    bare = requirement.partition("[")[0] + requirement.partition("]")[2] if "[" in requirement else requirement
    pip = asked.extras.pip
    try:
        found = replace(asked, extras=replace(asked.extras, pip=(*pip, requirement))).solve()
        fewer = replace(asked, extras=replace(asked.extras, pip=(*pip, bare) if bare != requirement else pip)).solve()
    except EnvgenError:
        return False
    return any(str(major) in _MAJOR.findall(name) for name in found.packages.keys() - fewer.packages.keys())


def _locked(repair: Repaired, asked: Together, refusal: Refusal) -> Repaired | None:
    """A repair with which everything is locked, with the sources that only a whole lock shows to be needed."""
    for _ in range(_FURTHER):
        extras = _with(repair, asked.extras)
        error = refusal(asked.request, extras, repair.torch)
        if isinstance(error, WheelMissingError):  # the index lacks a wheel of that release: an older one may do
            error = refusal(asked.request, extras, "")
        if error is None:
            return repair
        lacking = error.lacking if isinstance(error, SolveFailedError) else ()
        further = tuple(name for name in lacking if name not in repair.sources)
        if not further:
            return None
        repair = replace(repair, sources=(*repair.sources, *further))
    return None


def _freed(asked: Together, torch: str, refusal: Refusal, among: Iterable[Request] | None) -> Freed | None:
    def accepts(change: Freed) -> bool:
        return refusal(change.request, asked.extras, change.pairing.build.torch) is None

    return freed(asked, torch=torch, accepts=accepts, among=among)


def _told(found: Freed) -> str:
    sources = "".join(f" --allow-source {name}" for name in sorted(found.found.sources))
    built = _BUILT if sources else ""
    return f"{found.option}{sources} locks it, with torch {found.pairing.build.short_label}{built}"


def _with(repair: Repaired, extras: Extras) -> Extras:
    """The packages without what was left out, and with what was allowed as sources."""
    for one in repair.left_out:
        extras = extras.without(PackageSet.PIP, one)
    return replace(extras, sources=repair.sources)
