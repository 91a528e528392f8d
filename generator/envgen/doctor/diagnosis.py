"""What an examination comes to."""

from __future__ import annotations

from envgen.causes.findings import Finding, Remedy
from envgen.core.dataclass import dataclass
from envgen.core.findings import Level, SkippedCheck, exit_code


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
