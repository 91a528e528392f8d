"""Errors of reading a file of ours."""

from __future__ import annotations

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError


@dataclass(eq=False, kw_only=True)
class LockFormatError(DataError):
    """A lock file is not one that envgen wrote, or was damaged since."""

    code = "lock-format"
    origin: str
    reason: str

    def headline(self) -> str:
        return f"{self.origin} cannot be read as a lock of envgen's"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return "make it anew with --upgrade, or delete it"
