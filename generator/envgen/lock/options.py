"""Where a lock may come from in one run, and for how long it is tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.sites import Mirrors
from envgen.facts.catalog import Catalog
from envgen.lock.shipped import ShippedLocks
from envgen.net.deadline import Deadline
from envgen.records.request import Asks, RequestRecord
from envgen.solve.extras import Extras

if TYPE_CHECKING:
    from envgen.solve.once import Answers

Answer = TypeVar("Answer")


def _silent(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions:
    """How a set may be locked.

    With `upgrade` neither the lock in the folder nor a shipped one is taken before a solve was tried; they are still
    what is fallen back to. Without `may_solve` nothing else is taken (`--offline`, `--check`); without `may_fall_back`
    a source that doesn't answer is an error (`envgen lock`). What servers and solvers do together ends at the
    `deadline`, for all sets. `meanwhile` is called while a solver works.
    """

    upgrade: bool = False
    may_solve: bool = True
    may_fall_back: bool = True
    mirrors: Mirrors = field(default_factory=Mirrors)
    deadline: Deadline = field(default_factory=lambda: Deadline.after(300.0))
    progress: Callable[[str], None] = _silent
    answers: Answers | None = None
    meanwhile: Callable[[], None] | None = None
    began: float = field(default_factory=time.monotonic, repr=False, compare=False)

    def spent_s(self) -> float:
        """Seconds since the run began to lock."""
        return time.monotonic() - self.began

    def ask(self, question: Hashable, find: Callable[[], Answer]) -> Answer:
        """The answer of a solver, which is asked once where several runs share their `answers`."""
        return find() if self.answers is None else self.answers.of(question, find)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What one run has: the catalog, the shipped locks, the untouched files of ours in the output folder (by name).

    `record` states what is asked for.
    """

    builds: Catalog
    shipped: ShippedLocks
    options: LockOptions = field(default_factory=LockOptions)
    folder: Mapping[str, str] = field(default_factory=dict)
    extras: Extras = field(default_factory=Extras)
    record: RequestRecord | None = None

    def asks(self, package_set: PackageSet) -> Asks | None:
        """What a set is asked for beside torch."""
        return self.record.asks(package_set) if self.record is not None else None

    def code_before(self, package_set: PackageSet, subdir: Subdir) -> str:
        """Why files in the folder, made for the same request, record a set as not there; empty when they don't."""
        if not self.folder:
            return ""
        from envgen.files.reading import record_of

        records = (record_of(text) for text in self.folder.values())
        same = (r for r in records if r is not None and r.without_sets() == self.record)
        codes = (one.sets.get(package_set, "") for r in same for one in r.platforms if one.subdir is subdir)
        return next(filter(None, codes), "")


def asked_before(text: str, package_set: PackageSet) -> Asks | None:
    """What a file was asked for beside torch when it was made; None when it states nothing that can be read."""
    from envgen.files.reading import record_of

    record = record_of(text)
    return record.asks(package_set) if record is not None else None
