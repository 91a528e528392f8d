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
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        hint = "correct the row, then run `pytest tests/facts`"
        super().__init__(f"{violations[0]}{more}", *map(str, violations[1:20]), hint=hint)
        self.violations = violations
