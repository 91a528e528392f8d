"""Why what a file states of its request is not read."""

from __future__ import annotations

from envgen.core.errors import DataError


class RecordError(DataError):
    """A request line can't be read."""

    code = "request-line-invalid"

    def __init__(self, reason: str) -> None:
        super().__init__("the request line of a header can't be read", reason)
        self.reason = reason


class RecordNewerError(RecordError):
    """A request line is of a version that this release doesn't know."""

    code = "request-line-newer"

    def hint(self) -> str:
        return "update envgen"
