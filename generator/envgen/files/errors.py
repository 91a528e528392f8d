"""Errors of reading a file of ours."""

from __future__ import annotations

from envgen.core.errors import DataError


class LockFormatError(DataError):
    """A lock file is not one that envgen wrote, or was damaged since."""

    code = "lock-format"

    def __init__(self, *, origin: str, reason: str) -> None:
        hint = "make it anew with --upgrade, or delete it"
        super().__init__(f"{origin} cannot be read as a lock of envgen's", reason, hint=hint)
        self.origin, self.reason = origin, reason
