"""What uv's resolver says of its way to a solution: who asked for whom, and which releases it passed over and why.

The log of uv 0.13 at level debug; uv's pylock.toml has nothing of this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_ASKED_FOR = re.compile(
    r"^DEBUG Adding (?:direct dependency|transitive dependency for (?P<by>[\w.-]+)==(?P<version>\S+)): "
    r"(?P<name>[\w.-]+)(?:\[[^\]]*\])?(?:\{[^}]*\})?(?P<bounds>.*)$",
    re.MULTILINE,
)
_STEP = re.compile(
    r"^DEBUG (?:Searching for a compatible version of (?P<sought>[\w.-]+)(?:\[[^\]]*\])?(?:\{.*?\})? \("
    r"|Selecting: (?P<selected>[\w.-]+)==(?P<version>\S+))",
    re.MULTILINE,
)
# How it writes `==2.14.0`, `!=2.14.0`, `<=2.14.0` and `>2.14.0`, as any local version of that release is that release.
_EXACT = re.compile(r">=([\w.!-]+), ?<\1\+")
_EXCLUDED = re.compile(r"<([\w.!-]+) ?\| ?>=\1\+")
_INCLUDED = re.compile(r"(<=|>)([\w.!-]+)\+")


def dependants(log: str, versions: Mapping[str, str], project: str) -> dict[str, dict[str, str]]:
    """Locked package -> locked package that asks for it (`project` when the request does) -> its bounds."""
    found: dict[str, dict[str, str]] = {name: {} for name in versions}
    for edge in _ASKED_FOR.finditer(log):
        by, name = edge["by"] or project, edge["name"]
        is_locked = by == project or versions.get(by) == edge["version"]
        if is_locked and name in found and name != by:
            found[name][by] = readable_bounds(edge["bounds"])
    return found


def readable_bounds(text: str) -> str:
    """Bounds of the log as a requirement has them; a wildcard that is excluded (`!=2.5.*`) stays in its words."""
    exact = _EXACT.sub(r"==\1", text.strip())
    return _INCLUDED.sub(r"\1\2", _EXCLUDED.sub(r"!=\1", exact))


def passed_over(log: str, name: str, locked: str) -> str | None:
    """The newest release of a package that was looked at before the locked one; empty when those have no file.

    None when the locked one was the first.
    """
    steps = [step for step in _steps(log) if name in (step["sought"], step["selected"])]
    first = next((at for at, step in enumerate(steps) if step["selected"]), None)
    if first is None or len(steps) < 2:
        return None
    if first > 1:  # sought twice before one was found
        return ""
    newer: str = steps[first]["version"]
    return newer if newer != locked else None


@lru_cache(maxsize=1)
def _steps(log: str) -> tuple[re.Match[str], ...]:
    """What it sought and selected, in turn; each requested package is looked for in the same log."""
    return tuple(_STEP.finditer(log))
