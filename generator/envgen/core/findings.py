"""What every check that looks for faults says: how much a finding matters, and which checks could not be made."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from envgen.core.dataclass import dataclass


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedCheck:
    """A check that could not be made, and why.

    `unanswered`: somebody was asked, and no answer came. `open`: without it nobody can call the whole good.
    """

    check: str
    reason: str
    unanswered: bool = False
    open: bool = False


def exit_code(levels: Iterable[Level], *, strict: bool) -> int:
    """1 when there is an error among the levels of what was found; with `strict`, a warning counts too."""
    counting = (Level.ERROR, Level.WARNING) if strict else (Level.ERROR,)
    return int(any(level in counting for level in levels))
