"""WSL runs Linux programs on the Windows driver: its numbers are not those of Linux, so the branch is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envgen.core.builds import DriverBranch, DriverFloor
from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key


def linux_branch(
    windows: DriverVersion, branches: Sequence[DriverBranch], floors: Mapping[int, DriverFloor]
) -> DriverVersion:
    """Return the driver branch, as Linux counts it, that a Windows driver belongs to: R580 for 582.28.

    A Windows driver below the Windows floor of its branch's CUDA major (527.41 in R525) counts as the newest branch of
    the major before. A number that no branch lists is taken as a branch itself.
    """
    own = [b for b in branches if windows.branch in b.windows_majors]
    if not own:
        return DriverVersion.parse(str(windows.branch))
    branch = own[-1]
    major = release_key(branch.cuda)[0]
    floor = floors.get(major)
    if floor is not None and not windows.meets_floor(floor.windows):
        branch = next((b for b in reversed(branches) if release_key(b.cuda)[0] < major), branch)
    return DriverVersion.parse(str(branch.branch))
