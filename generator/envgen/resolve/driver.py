"""What the decision needs to know about the target's driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from envgen.core.builds import DriverFloor, DriverSupport, JetPack, Toolkit
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import Request, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.resolve.wsl_branch import linux_branch

SupportedGpu = tuple[RequestedGpu, DriverSupport]


@dataclass(frozen=True, kw_only=True)
class DriverRules:
    """The driver of one request, with the floors and branches that it is held against.

    `windows` is the number that the computer shows where a driver of Windows serves Linux programs (WSL2): `driver` is
    then the branch as Linux counts it.
    """

    driver: DriverVersion
    subdir: Subdir
    builds: Catalog
    jetpack: JetPack | None = None
    windows: DriverVersion | None = None

    @property
    def is_wsl(self) -> bool:
        """True for a driver of Windows that serves Linux programs."""
        return self.windows is not None

    @property
    def stated(self) -> DriverVersion:
        """The driver as the computer shows it."""
        return self.windows or self.driver

    @property
    def shown(self) -> DriverRules:
        """The rules with the numbers that the reader's computer shows: in WSL those of Windows."""
        return replace(self, subdir=Subdir.WIN_64) if self.is_wsl else self

    def floor(self, cuda: str) -> DriverVersion | None:
        """The oldest driver that runs SASS of a toolkit (X.Y or X.Y.Z): that of the CUDA major where it has one.

        Before CUDA 11 there is no minor-version compatibility: the toolkit's own minimum counts. None when unknown.
        """
        major = release_key(cuda)[0]
        entry: DriverFloor | None = self.builds.floors.get(major)
        if entry is None:
            return self.toolkit_minimum(cuda)
        return entry.windows if self.subdir.is_windows else entry.linux

    def toolkit_minimum(self, cuda: str) -> DriverVersion | None:
        """The toolkit's own driver minimum, or None when no source states it.

        For a bare X.Y (conda's packages move within it) that of the newest X.Y release whose minimum is stated.
        """
        if cuda in self.builds.toolkits:
            return self._minimum_of(self.builds.toolkits[cuda])
        if cuda.count(".") != 1:
            return None
        same = (self._minimum_of(toolkit) for toolkit in reversed(self.builds.toolkit_releases.get(cuda, [])))
        return next((minimum for minimum in same if minimum is not None), None)

    def _minimum_of(self, toolkit: Toolkit) -> DriverVersion | None:
        return toolkit.windows if self.subdir.is_windows else toolkit.linux

    @cached_property
    def own_cuda(self) -> tuple[int, ...]:
        """The CUDA (X, Y) that the driver's branch reports; that of the branch before where the number is of none.

        A Jetson's is that of its JetPack: there 540.x stands for 12.2 and for 12.6.
        """
        if self.jetpack is not None:
            return release_key(self.jetpack.cuda)
        windows, number = self.subdir.is_windows, self.driver.branch
        own: tuple[int, ...] = ()
        for branch in self.builds.branches:
            if (min(branch.windows_majors, default=number + 1) if windows else branch.branch) <= number:
                own = release_key(branch.cuda)
        return own

    def fully_serves(self, cuda: str) -> bool:
        """True when the driver is at or above the toolkit's own minimum, or reports that CUDA itself, or a newer one.

        NVIDIA states no minimum for some toolkits; a driver runs everything of the CUDA that it reports.
        """
        if self.own_cuda >= release_key(cuda)[:2]:
            return True
        minimum = self.toolkit_minimum(cuda)
        return minimum is not None and self.driver.serves_toolkit(minimum)

    def full_floor(self, cuda: str) -> DriverVersion | None:
        """The oldest driver that serves a toolkit fully, or None when no source states one."""
        wanted = release_key(cuda)[:2]
        first = next((branch for branch in self.builds.branches if release_key(branch.cuda) >= wanted), None)
        found = [self.toolkit_minimum(cuda), self.first_of(first.branch) if first else None]
        return min((driver for driver in found if driver is not None), key=lambda driver: driver.parts, default=None)

    def first_of(self, branch: int) -> DriverVersion:
        """The branch as a driver of this system: R570 is 570 on Linux, and its first Windows releases are 572."""
        entry = next((entry for entry in self.builds.branches if entry.branch == branch), None)
        number = min(entry.windows_majors, default=branch) if entry and self.subdir.is_windows else branch
        return DriverVersion((number,), str(number))

    def is_from(self, branch: int) -> bool:
        """True when the driver is of that branch or of a later one; a bare number names a branch on Windows too."""
        number = branch if self.driver.is_bare_branch else self.first_of(branch).branch
        return self.driver.branch >= number

    def last_major(self, branch: int) -> int:
        """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
        if not self.subdir.is_windows:
            return branch
        entry = next((entry for entry in self.builds.branches if entry.branch == branch), None)
        return max(entry.windows_majors, default=branch) if entry else branch


def of_linux(driver: DriverVersion, builds: Catalog) -> DriverVersion:
    """The driver as Linux counts it: WSL shows the Windows number, and 581.57 is of no Linux branch but of R580."""
    return linux_branch(driver, builds.branches, builds.floors) if is_of_windows(driver, builds) else driver


def is_of_windows(driver: DriverVersion, builds: Catalog) -> bool:
    """True for a number that no driver of Linux has: of a branch of Windows alone, or above the branch's last one."""
    if str(driver).count(".") > 1 or not any(driver.branch in branch.windows_majors for branch in builds.branches):
        return False
    own = next((branch for branch in builds.branches if branch.branch == driver.branch), None)
    ended = own is not None and bool(own.last_linux) and not driver.is_bare_branch
    return own is None or (ended and driver.parts > DriverVersion.parse(own.last_linux).parts)


def assumed_driver(request: Request, builds: Catalog) -> DriverVersion:
    """The driver to decide for when nobody stated one: the newest branch that still serves all the GPUs.

    In WSL it is a number of Windows.
    """
    subdir = Subdir.WIN_64 if request.wsl else request.subdir
    oldest = first_dropped(supports(request, builds))
    if oldest is not None:
        return DriverVersion.parse(last_release(oldest[1], subdir))
    known = [b.last_windows if subdir.is_windows else b.last_linux for b in builds.branches]
    return DriverVersion.parse([version for version in known if version][-1])


def first_dropped(found: Sequence[SupportedGpu]) -> SupportedGpu | None:
    """The GPU that drivers stopped serving first, or None while they serve all."""
    limited = [(gpu, support) for gpu, support in found if support.last_branch is not None]
    return min(limited, key=lambda pair: pair[1].last_branch or 0, default=None)


def last_release(support: DriverSupport, subdir: Subdir) -> str:
    """The newest driver of the last branch that serves a GPU."""
    return (support.last_windows if subdir.is_windows else support.last_linux) or str(support.last_branch)


def supports(request: Request, builds: Catalog) -> list[SupportedGpu]:
    """Each GPU of the request with its driver support; a capability that no table knows is left out."""
    found = ((requested, builds.support.get(requested.gpu.capability)) for requested in request.gpus)
    return [(requested, support) for requested, support in found if support is not None]
