"""What a check finds, and what to do about it."""

from __future__ import annotations

from envgen.core.dataclass import dataclass
from envgen.core.findings import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What to do. `command` does it, where one line can; `where` is what comes before it, or where it must be run.

    `by_decision` is True when the build in it was chosen for this computer.
    """

    text: str
    command: str = ""
    where: str = ""
    by_decision: bool = False

    @property
    def line(self) -> str:
        """All of it in one line, in the order in which it is done."""
        return ": ".join(part for part in (self.where, self.command) if part) if self.command else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause. `evidence` are facts, a line each; `code` is that of the cause's row in the table."""

    title: str
    evidence: tuple[str, ...]
    remedy: Remedy
    level: Level = Level.ERROR
    code: str = ""
