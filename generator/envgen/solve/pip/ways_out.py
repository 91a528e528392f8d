"""What a person can do when packages have no solution with any torch that runs: changes that were locked before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.solve.errors import SolveFailedError
from envgen.solve.extras import Extras
from envgen.solve.pip.freeing import Freed, Repaired, freed, newer_glibcs_of, repaired
from envgen.solve.pip.together import Together

Locks = Callable[[Request, Extras, str], bool]
_BUILT = ": that is built where it is installed, and needs what it is built with"


def way_out(asked: Together, torch: str, failure: SolveFailedError, locks: Locks) -> str:
    """The smallest change with which everything can be locked, as `locks` says of it, or empty.

    `torch` is the release that was decided on; `locks` is asked with a request, packages and a release of torch.
    """
    if (found := _freed(asked, torch, locks, newer_glibcs_of(asked))) is not None:
        return _told(found)
    wider = asked
    if failure.lacking:
        repair = repaired(asked, failure)
        if repair is not None and locks(asked.request, _with(repair, asked.extras), repair.torch):
            return f"{repair.option} locks it{_BUILT}"
        glibcs = asked.newer_glibcs()
        if repair is None and glibcs:
            repair = repaired(replace(asked, request=glibcs[-1]), failure)
        wider = replace(asked, extras=_with(repair, asked.extras)) if repair is not None else asked
    if (found := _freed(wider, torch, locks, None)) is not None:
        return _told(found)
    repair = repaired(asked, failure, may_leave_out=True)
    if repair is None or not repair.left_out or not locks(asked.request, _with(repair, asked.extras), repair.torch):
        return ""
    options = f", with {repair.option}" if repair.sources else ""
    return f"without {', '.join(repair.left_out)} it locks{options}"


def _freed(asked: Together, torch: str, locks: Locks, among: Iterable[Request] | None) -> Freed | None:
    def accepts(change: Freed) -> bool:
        return locks(change.request, asked.extras, change.pairing.build.torch)

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
