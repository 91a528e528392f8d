"""One reason against a build, and how several of them would be lifted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from envgen.core.builds import Build
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason, against one build or many alike. `unlock` is the option that would remove it; empty when nothing can.

    The text goes on from the build's name, which is put in front when it is told; `is_whole` says that it does not.
    """

    code: RejectionCode
    text: str
    unlock: dict[str, str] = field(default_factory=dict)
    is_whole: bool = False

    def told_of(self, build: Build) -> str:
        """The whole text for one build."""
        return self.text if self.is_whole else build.label + self.text


def merged_unlock(reasons: Sequence[Failure]) -> dict[str, str]:
    """The changes that would lift all reasons together; empty when one of them can't be lifted."""
    if len(reasons) == 1:
        return dict(reasons[0].unlock)
    if not all(reason.unlock for reason in reasons):
        return {}
    merged: dict[str, str] = {}
    for reason in reasons:
        for option, value in reason.unlock.items():
            if option in merged and option in ("driver", "glibc"):
                merged[option] = max(merged[option], value, key=release_key)
            else:
                merged[option] = value
    codes = {reason.code for reason in reasons}
    conflict = RejectionCode.DRIVER_TOO_NEW in codes and codes & {
        RejectionCode.DRIVER_TOO_OLD,
        RejectionCode.DRIVER_PREDATES_GPU,
    }
    return {} if conflict else merged
