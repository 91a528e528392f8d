"""What a server did instead of answering: nothing, or something that cannot be used (exit 5).

`UnreachableError` alone means that nothing was learned, so that a caller may fall back to a lock that it has. Wrong,
truncated or incomplete bytes are never a reason to fall back.
"""

from __future__ import annotations

from typing import ClassVar

from envgen.core.dataclass import dataclass
from envgen.core.errors import ToolError
from envgen.core.sets import PackageSet
from envgen.core.sites import TORCH


@dataclass(eq=False, kw_only=True)
class SourceError(ToolError):
    """An index or channel failed; `url` carries no credentials. `package_set` says what it serves."""

    kind: ClassVar[str] = ""
    url: str
    reason: str
    advice: str = ""
    package_set: PackageSet = PackageSet.PIP

    def __post_init__(self) -> None:
        self.code = f"{'channel' if self.package_set is PackageSet.CONDA else 'index'}-{self.kind}"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def _source(self) -> str:
        return f"the conda channel at {self.url}" if self.package_set is PackageSet.CONDA else self.url


class UnreachableError(SourceError):
    """An index or channel did not answer in time, or refused to."""

    kind = "unreachable"

    def headline(self) -> str:
        return f"no answer from {self._source()}"

    def hint(self) -> str:
        if self.advice:
            return self.advice
        conda, torch = self.package_set is PackageSet.CONDA, self.url.startswith(f"{TORCH}/")
        option = " with --conda-mirror" if conda else " with --wheel-mirror" if torch else ""
        return f"check the network, or name a mirror that can be reached{option}"


class SourceDataError(SourceError):
    """An index or channel answered with something that is not what it should be: truncated, unreadable, incomplete."""

    kind = "data"

    def headline(self) -> str:
        return f"{self._source()} served something that cannot be used"

    def hint(self) -> str:
        return self.advice or "try again; if it stays so, the server or something between you and it is at fault"
