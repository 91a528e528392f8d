"""What every check that looks for faults says: how much a finding matters, and which checks could not be made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedCheck:
    """A check that could not be made, and why."""

    check: str
    reason: str
