"""Errors of choosing the lock that a request gets."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.core.errors import ToolError
from envgen.net.errors import UnreachableError


@dataclass(eq=False, kw_only=True)
class FilesUnansweredError(ToolError):
    """Files of ours would go only because nobody could be asked for what takes their place."""

    code = "files-unanswered"
    names: tuple[str, ...]
    cause: UnreachableError

    def headline(self) -> str:
        return f"{', '.join(self.names)} can be neither kept nor made anew: {self.cause.headline()}"

    def facts(self) -> tuple[str, ...]:
        return (self.cause.reason, "they don't answer this request; nothing in the folder was changed")

    def hint(self) -> str:
        return self.cause.hint()
