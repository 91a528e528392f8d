"""Errors of a fact table that can't be used."""

from __future__ import annotations

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One cell or row of a fact table that breaks a rule. `line` counts from 1, the header being line 1."""

    file: str
    line: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        column = f" {self.column}:" if self.column else ""
        return f"{self.file}:{self.line}:{column} {quoted(self.value)}, expected {self.expected}"


class FactInvalidError(DataError):
    """A fact table breaks its rules. All violations are collected before it is raised."""

    code = "fact-invalid"

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(violations)
        self.violations = violations

    def headline(self) -> str:
        first = self.violations[0]
        more = f" (and {len(self.violations) - 1} more)" if len(self.violations) > 1 else ""
        return f"{first}{more}"

    def facts(self) -> tuple[str, ...]:
        return tuple(str(violation) for violation in self.violations[1:20])

    def hint(self) -> str:
        return "correct the row, then run `pytest tests/facts`"
