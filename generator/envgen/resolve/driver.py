"""What the decision needs to know about the target's driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envgen.core.builds import DriverFloor, DriverSupport, Toolkit
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import Request, RequestedGpu
from envgen.facts.catalog import Catalog

SupportedGpu = tuple[RequestedGpu, DriverSupport]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRules:
    """The driver of one request, with the floors and branches that it is held against."""

    driver: DriverVersion
    subdir: Subdir
    builds: Catalog

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

    def fully_serves(self, cuda: str) -> bool:
        """True when the driver is at or above the toolkit's own minimum; an unknown minimum counts as not."""
        minimum = self.toolkit_minimum(cuda)
        return minimum is not None and self.driver.serves_toolkit(minimum)

    def last_major(self, branch: int) -> int:
        """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
        if not self.subdir.is_windows:
            return branch
        entry = next((entry for entry in self.builds.branches if entry.branch == branch), None)
        return max(entry.windows_majors, default=branch) if entry else branch


def assumed_driver(request: Request, builds: Catalog) -> DriverVersion:
    """The driver to decide for when nobody stated one: the newest branch that still serves all the GPUs."""
    oldest = first_dropped(supports(request, builds))
    if oldest is not None:
        return DriverVersion.parse(last_release(oldest[1], request.subdir))
    known = [b.last_windows if request.subdir.is_windows else b.last_linux for b in builds.branches]
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
