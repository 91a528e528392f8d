"""What a diagnosis is made of."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.core.findings import Level, SkippedCheck, exit_code


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, the first to be fixed first; the checks that were skipped; the next thing to do, or None."""

    findings: tuple[Finding, ...]
    skipped: tuple[SkippedCheck, ...]
    fix: Remedy | None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep CUDA from working."""
        return tuple(finding for finding in self.findings if finding.level is Level.ERROR)

    def exit_code(self, *, strict: bool) -> int:
        """1 when something must be fixed; with `strict`, a warning counts too."""
        return exit_code((finding.level for finding in self.findings), strict=strict)
