"""What uv's resolver says of its way to a solution: who asked for whom, and which releases it passed over and why.

The log of uv 0.13 at level debug; uv's pylock.toml has nothing of this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envgen.core.dataclass import dataclass

_ASKED_FOR = re.compile(
    r"^DEBUG Adding (?:direct dependency|transitive dependency for (?P<by>[\w.-]+)==(?P<version>\S+)): "
    r"(?P<name>[\w.-]+)(?:\[[^\]]*\])?(?:\{[^}]*\})?(?P<bounds>.*)$",
    re.MULTILINE,
)
_STEP = re.compile(
    r"^DEBUG (?:Searching for a compatible version of (?P<sought>[\w.-]+)(?:\[[^\]]*\])?(?:\{.*?\})? \((?P<range>.*)\)"
    r"|Selecting: (?P<selected>[\w.-]+)==(?P<version>\S+)"
    r"|Recording (?:unit propagation|dependency) conflict of (?P<conflict>[\w.-]+)\S* from incompatibility of "
    r"\((?P<others>.*)\))",
    re.MULTILINE,
)
# How it writes `==2.14.0`, which any local version of that release meets.
_EXACT = re.compile(r">=([\w.!-]+), <\1\+")
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A newer release that was passed over: its version (empty when only a release that it lies `above` is known).

    `blocker` is the package that it clashed with, empty when it has no file for the target itself.
    """

    newer: str
    above: str
    blocker: str


def dependants(log: str, versions: Mapping[str, str], project: str) -> dict[str, dict[str, str]]:
    """Locked package -> locked package that asks for it (`project` when the request does) -> its bounds."""
    found: dict[str, dict[str, str]] = {name: {} for name in versions}
    for edge in _ASKED_FOR.finditer(log):
        by, name = edge["by"] or project, edge["name"]
        is_locked = by == project or versions.get(by) == edge["version"]
        if is_locked and name in found and name != by:
            found[name][by] = _EXACT.sub(r"==\1", edge["bounds"].strip())
    return found


def passed_over(log: str, name: str, locked: str) -> Passed | None:
    """The newest release of a package that was looked at before the locked one, when there is one."""
    steps = list(_STEP.finditer(log))
    own = [at for at, step in enumerate(steps) if name in (step["sought"], step["selected"])]
    first = next((at for at in own if steps[at]["selected"]), None)
    if first is None or len(own) < 2:
        return None
    if own[0] != first and own[1] != first:  # sought twice before one was found: the first ones have no file
        return Passed(newer="", above=_upper(steps[own[1]]["range"]), blocker="")
    newer = steps[first]["version"]
    if newer == locked:
        return None
    until = next((at for at in own if at > first and steps[at]["sought"]), len(steps))
    clashes = [step for step in steps[first:until] if step["conflict"]]
    named = (other for step in clashes for other in (step["conflict"], *_NAME.findall(step["others"])))
    return Passed(newer=newer, above="", blocker=next((other for other in named if other != name), ""))


def has_no_file(log: str, name: str) -> bool:
    """True when none of the releases that were sought of a package has a file for the target."""
    steps = _STEP.finditer(log)
    events = [bool(step["selected"]) for step in steps if name in (step["sought"], step["selected"])]
    return events[:2] == [False, False] or events == [False]


def _upper(bounds: str | None) -> str:
    found = re.search(r"<=?\s*([\w.!+-]+)", bounds or "")
    return found[1] if found else ""
