"""What differs between the sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from envgen.core.builds import BuildKey
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.lock.locked import LockedSet
from envgen.solve.errors import CudaClashError, SolveFailedError
from envgen.solve.extras import Extras

# A lock, why there is none, or None for a pairing that was passed over although it has a solution.
Outcome = LockedSet | SolveFailedError | None


class SetLocker(Protocol):
    """What differs between the sets: how a lock of theirs is read, judged and solved."""

    package_set: ClassVar[PackageSet]

    def kept(self) -> LockedSet | None:
        """The lock in the folder while it answers the request in everything."""

    def build_in_folder(self) -> Pairing | None:
        """The pairing of the build in the folder while it runs, whatever else is asked for beside it now."""

    def shipped(self, lock: Shipped, pairing: Pairing) -> LockedSet | None:
        """A shipped lock while it installs on the request's target."""

    def source(self, pairing: Pairing) -> str:
        """The URL of the index or channel that a solve would ask."""

    def solve(self, pairing: Pairing, *, timeout_s: float) -> LockedSet:
        """A new lock. Raises: the errors of solving."""

    def solve_first(self, pairings: Iterable[Pairing], *, timeout_s: float) -> Mapping[BuildKey, Outcome]:
        """What came of the first of some pairings, and of as many after it as are decided with it.

        Raises: the errors of solving, but a pairing without a solution may be an outcome.
        """

    def check_extras(self, pairing: Pairing, *, timeout_s: float) -> None:
        """Raise SolveFailedError when the extra packages have no solution without torch either."""

    def release_for_extras(self, pairing: Pairing) -> tuple[str, tuple[str, ...]]:
        """The torch release that the extra packages go with at their newest, and who needs it; empty when not asked.

        Raises: SolveFailedError when they go with none that runs.
        """

    def explained(self, found: LockedSet) -> LockedSet:
        """The same with the reason of each package that is not at its newest. Raises: SolveFailedError."""

    def way_out(self, pairing: Pairing, failure: SolveFailedError) -> str:
        """The smallest change of the target with which everything can be locked, as was tried, or an empty text."""

    def older(self, clash: CudaClashError) -> Extras | None:
        """What is asked for with the newest release of a package that loads the CUDA of the build, or None."""

    def way_out_of_clash(self, clash: CudaClashError) -> str:
        """What can be locked in the place of a package that clashes, or the change that lets it be; as was tried."""

    def asking_for(self, extras: Extras) -> SetLocker:
        """The same with other extra packages."""
