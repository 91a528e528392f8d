"""Errors of choosing the lock that a request gets."""

from __future__ import annotations

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError, ToolError
from envgen.core.sets import PackageSet
from envgen.net.errors import UnreachableError


@dataclass(eq=False, kw_only=True)
class FilesUnansweredError(ToolError):
    """Files of ours were made for another request, and what would take their place can't be had: they stay."""

    code = "files-unanswered"
    package_set: PackageSet
    names: tuple[str, ...]
    cause: EnvgenError

    def headline(self) -> str:
        return f"{', '.join(self.names)} can be neither kept nor made anew: {self.cause.headline()}"

    def facts(self) -> tuple[str, ...]:
        return (
            *self.cause.facts()[:1],
            f"they don't answer this request; nothing of the {self.package_set} set changed",
        )

    def hint(self) -> str:
        if isinstance(self.cause, UnreachableError):
            return self.cause.hint()
        other = next(one for one in PackageSet if one is not self.package_set)
        return f"--only {other} asks for the {other} set alone, and these files go; {self.cause.hint()}".rstrip("; ")
