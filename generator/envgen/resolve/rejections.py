"""The builds that were passed over. Most decisions are made without anybody reading why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from envgen.core.builds import Build, BuildKey
from envgen.core.changes import Change
from envgen.core.resolution import Rejection, RejectionCode
from envgen.resolve.changes import Changes
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules import blocking_failures

_ABSENT = "the index or channel was asked, and it has no such build"


class Rejections(Sequence[Rejection]):
    """One rejection for each build of `builds`, worked out when the first is read."""

    def __init__(self, builds: Sequence[Build], evaluation: Evaluation, absent: frozenset[BuildKey]) -> None:
        self._builds, self._evaluation, self._absent = builds, evaluation, absent

    def __len__(self) -> int:
        return len(self._builds)

    @overload
    def __getitem__(self, index: int) -> Rejection: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rejection]: ...
    def __getitem__(self, index: int | slice) -> Rejection | Sequence[Rejection]:
        return self._found[index]

    @cached_property
    def _found(self) -> tuple[Rejection, ...]:
        changes = Changes(self._evaluation)
        return tuple(self._of(build, changes) for build in self._builds)

    def _of(self, build: Build, changes: Changes) -> Rejection:
        if build.key in self._absent:
            missing = Failure(code=RejectionCode.NO_FILE, message=f"{build.label} is not there: {_ABSENT}")
            return rejection(build, missing, None)
        failures = blocking_failures(build, self._evaluation)
        return rejection(build, failures[0], changes.lifting(failures, build))


def rejection(build: Build, failure: Failure, change: Change | None) -> Rejection:
    """The record of a build that was not taken: its most fundamental failure, and the change that lifts all of them."""
    package_set, torch, cuda_tag = build.key
    return Rejection(
        package_set=package_set, torch=torch, cuda_tag=cuda_tag, code=failure.code, text=failure.message, change=change
    )
