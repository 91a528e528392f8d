"""One reason against a build."""

from __future__ import annotations

from envgen.core.changes import Change
from envgen.core.dataclass import dataclass
from envgen.core.resolution import RejectionCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason against one build. `message` is a complete sentence that names the build.

    `changes` are the values of the request that would remove it, the smallest change first: candidates, to be tried
    with `resolve.changes` before one is named, because another rule may be in the way there. Empty when nothing can.
    """

    code: RejectionCode
    message: str
    changes: tuple[Change, ...] = ()
