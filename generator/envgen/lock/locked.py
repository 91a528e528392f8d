"""What was locked for one set of one request, or why it could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import CondaLock, PipLock
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.solve.extras import LeftOut


class Origin(StrEnum):
    """Where a lock came from."""

    KEPT = "kept"
    SHIPPED = "shipped"
    SOLVED = "solved"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedSet:
    """The lock of one set and the pairing that it holds.

    `bodies` are ready-made texts (file name -> body) of a conda lock that is on disk already; `lock` is None then, and
    read from them when it is needed. `missing` are the companions that its channel has no build of for this pairing,
    `left_out` the extra packages that it doesn't have. `fallback_reason` says why it is a fallback, else it is empty.
    `held_back_by` are the packages that need another torch than the one decided on. `passed_over` are the builds that
    were tried before, each with why it could not be locked.
    """

    pairing: Pairing
    origin: Origin
    lock: PipLock | CondaLock | None = None
    bodies: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    fallback_reason: str = ""
    held_back_by: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, EnvgenError], ...] = ()

    @property
    def package_set(self) -> PackageSet:
        """The set that it is of."""
        return self.pairing.package_set

    @property
    def label(self) -> str:
        """How its build is named: `2.14.1+cu126`, or `2.10.0 cuda128`."""
        return self.pairing.build.short_label

    @property
    def pip_lock(self) -> PipLock:
        """The lock of a pip set."""
        if not isinstance(self.lock, PipLock):
            raise TypeError(self.label)
        return self.lock

    @property
    def conda_lock(self) -> CondaLock:
        """The lock of a conda set, read from its bodies if need be."""
        if isinstance(self.lock, CondaLock):
            return self.lock
        from envgen.files.bodies import read_conda

        return next(lock for lock in read_conda(self.bodies) if lock.subdir is self.pairing.build.subdir)
