"""Both locks of one request, with the decision made again when an announced build turns out not to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from envgen.core.request import Request
from envgen.core.resolution import Notice, Resolution
from envgen.lock.obtain_conda import CondaSide, obtain_conda
from envgen.lock.obtain_pip import BuildAbsentError, PipSide, obtain_pip
from envgen.lock.sources import Sources
from envgen.net.errors import UnreachableError
from envgen.resolve import resolve
from envgen.resolve.driver import DriverRules
from envgen.resolve.notices import notices

Side = TypeVar("Side")
# What the catalog says of the GPU, whatever is locked.
_OF_THE_DECISION = ("no-conda-pairing", "no-pip-pairing", "last-build-for-gpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """What was obtained for one request. A side is None when it has no pairing, or could not be locked at all.

    `unanswered` holds, for each side that has a pairing and could not be locked, who did not answer.
    """

    resolution: Resolution
    pip: PipSide | None
    conda: CondaSide | None
    notices: tuple[Notice, ...]
    unanswered: tuple[UnreachableError, ...] = ()

    @property
    def pip_held(self) -> str:
        """The pip build that is locked, or an empty string."""
        return self.pip.pairing.build.short_label if self.pip else ""

    @property
    def conda_held(self) -> str:
        """The conda build that is locked, or an empty string."""
        return self.conda.pairing.build.short_label if self.conda else ""

    @property
    def pip_newer(self) -> str:
        """The pip build that was decided on when another one is locked, or an empty string."""
        decided = self.resolution.pip.build.short_label if self.resolution.pip else ""
        return decided if self.pip_held and decided != self.pip_held else ""

    @property
    def conda_newer(self) -> str:
        """The conda build that was decided on when another one is locked, or an empty string."""
        decided = self.resolution.conda.build.short_label if self.resolution.conda else ""
        return decided if self.conda_held and decided != self.conda_held else ""


def obtain(request: Request, sources: Sources, *, multi: bool) -> Obtained:
    """Decide, and lock both sides.

    Raises: the errors of solving; UnreachableError when no side could be locked, or
    when falling back is not allowed.
    """
    resolution = resolve(sources.builds, request)
    pip, pip_error = _side(resolution, sources, lambda found: obtain_pip(found, sources, multi=multi))
    conda, conda_error = _side(resolution, sources, lambda found: obtain_conda(found, sources))
    errors = [error for error in (pip_error, conda_error) if error is not None]
    if errors and (not sources.may_fall_back or (pip is None and conda is None)):
        raise errors[0]
    obtained = Obtained(resolution=resolution, pip=pip, conda=conda, notices=(), unanswered=tuple(errors))
    return replace(obtained, notices=(*_notices(obtained, sources), *(_unlocked(error) for error in errors)))


def _side(
    resolution: Resolution, sources: Sources, obtaining: Callable[[Resolution], Side | None]
) -> tuple[Side | None, UnreachableError | None]:
    """One side; the decision is made again without each announced build that turns out absent."""
    while True:
        try:
            return obtaining(resolution), None
        except BuildAbsentError as error:
            absent = resolution.absent | {error.absent}
            resolution = resolve(sources.builds, resolution.request, absent=absent)
        except UnreachableError as error:
            return None, error


def _notices(obtained: Obtained, sources: Sources) -> Iterator[Notice]:
    """The notices of what is locked, those of the decision that hold for both, and what is locked instead of it.

    The text is the same whether a lock is new, shipped or kept: the same pins give the same bytes.
    """
    held = {"pip": obtained.pip_held, "conda": obtained.conda_held}
    newer = {"pip": obtained.pip_newer, "conda": obtained.conda_newer}
    resolution = obtained.resolution
    rules = DriverRules(driver=resolution.driver, subdir=resolution.request.subdir, builds=sources.builds)
    pip, conda = obtained.pip, obtained.conda
    locked = notices(resolution.request, rules, pip.pairing if pip else None, conda.pairing if conda else None)
    yield from (notice for notice in locked if notice.code not in _OF_THE_DECISION)
    yield from (notice for notice in resolution.notices if notice.code in _OF_THE_DECISION)
    for channel, build in newer.items():
        if build:
            text = f"{channel} is locked at {held[channel]}; by the catalog {build} is newer and runs too: "
            text += "--upgrade asks the index or channel for it"
            yield Notice(code="fallback-lock", text=text)
    python = resolution.request.python
    if conda is not None and conda.missing:
        torch, channel = conda.pairing.build, conda.pairing.build.conda.channels[0]
        text = f"{' and '.join(conda.missing)} is not in the conda files: {channel} had no build of it for "
        text += f"pytorch {torch.torch} with CUDA {torch.cuda} and Python {python} when it was solved"
        yield Notice(code="conda-without-companion", text=text)


def _unlocked(error: UnreachableError) -> Notice:
    """What the files of the other side say; why nobody answered is told to the terminal alone, it differs each time."""
    text = f"the {error.package_set} files are not written: no lock for them is shipped, and none could be made"
    return Notice(code="side-not-locked", text=text)
