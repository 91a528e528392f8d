"""What a person can do when packages have no solution with any torch that runs: changes that were locked before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from envgen.core.errors import EnvgenError
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.solve.errors import SolveFailedError
from envgen.solve.extras import Extras
from envgen.solve.pip.together import Together
from envgen.solve.pip.ways.freeing import Freed, Repaired, freed, newer_glibcs_of, repaired

Refusal = Callable[[Request, Extras, str], EnvgenError | None]
_FURTHER = 3  # times that a lock shows that something else has no wheel either
_BUILT = ": that is built where it is installed, and needs what it is built with"


def way_out(asked: Together, torch: str, failure: SolveFailedError, refusal: Refusal) -> str:
    """The smallest change with which everything can be locked, or empty.

    `torch` is the release that was decided on; `refusal` is why a request with packages and a release of torch can't be
    locked, None when it can.
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
        wider = replace(asked, extras=_with(repair, asked.extras)) if repair is not None else asked
    if (found := _freed(wider, torch, refusal, None)) is not None:
        return _told(found)
    repair = repaired(asked, failure, may_leave_out=True)
    if repair is None or not repair.left_out or (locked := _locked(repair, asked, refusal)) is None:
        return ""
    options = f", with {locked.option}" if locked.sources else ""
    return f"without {', '.join(locked.left_out)} it locks{options}"


def _locked(repair: Repaired, asked: Together, refusal: Refusal) -> Repaired | None:
    """A repair with which everything is locked, with the sources that only a whole lock shows to be needed."""
    for _ in range(_FURTHER):
        error = refusal(asked.request, _with(repair, asked.extras), repair.torch)
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
