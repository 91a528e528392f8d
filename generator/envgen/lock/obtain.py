"""Both locks of one request, with the decision made again when an announced build turns out not to be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from envgen.core.errors_lock import ChannelUnreachableError, IndexUnreachableError
from envgen.core.request import Request
from envgen.core.resolution import Notice, Resolution
from envgen.lock.obtain_conda import CondaSide, obtain_conda
from envgen.lock.obtain_pip import BuildAbsentError, PipSide, obtain_pip
from envgen.lock.sources import Sources
from envgen.resolve import resolve
from envgen.resolve.decision import Absent

Side = TypeVar("Side")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """What was obtained for one request. A side is None when it has no pairing, or could not be locked at all."""

    resolution: Resolution
    pip: PipSide | None
    conda: CondaSide | None
    notices: tuple[Notice, ...]


def obtain(request: Request, sources: Sources, *, multi: bool) -> Obtained:
    """Decide, and lock both sides.

    Raises: the errors of solving; IndexUnreachableError or ChannelUnreachableError only when no side could be locked.
    """
    absent: frozenset[Absent] = frozenset()
    while True:
        resolution = resolve(sources.builds, request, absent=absent)
        try:
            return _both(resolution, sources, multi=multi)
        except BuildAbsentError as error:
            absent |= {error.absent}


def _both(resolution: Resolution, sources: Sources, *, multi: bool) -> Obtained:
    pip, pip_error = _try(lambda: obtain_pip(resolution, sources, multi=multi))
    conda, conda_error = _try(lambda: obtain_conda(resolution, sources))
    errors = [error for error in (pip_error, conda_error) if error is not None]
    if errors and pip is None and conda is None:
        raise errors[0]
    replaced = {f"{name}-build-announced" for name, side in (("pip", pip), ("conda", conda)) if side and side.newer}
    notices = [notice for notice in resolution.notices if notice.code not in replaced]
    notices += [Notice(code="side-not-locked", text=_one_line(error)) for error in errors]
    notices += _side_notices(pip, conda, resolution)
    return Obtained(resolution=resolution, pip=pip, conda=conda, notices=tuple(notices))


def _try(
    obtaining: Callable[[], Side | None],
) -> tuple[Side | None, IndexUnreachableError | ChannelUnreachableError | None]:
    """A side, or the error that only says that nothing answered."""
    try:
        return obtaining(), None
    except (IndexUnreachableError, ChannelUnreachableError) as error:
        return None, error


def _one_line(error: IndexUnreachableError | ChannelUnreachableError) -> str:
    side = "pip" if isinstance(error, IndexUnreachableError) else "conda"
    return f"the {side} files are not written, no lock for them is shipped: {error.headline()} ({error.reason})"


def _side_notices(pip: PipSide | None, conda: CondaSide | None, resolution: Resolution) -> list[Notice]:
    """What the files hold that the decision does not say. The same text whether a lock is new or was kept."""
    found: list[Notice] = []
    for name, side, held in (("pip", pip, _pip_held(pip)), ("conda", conda, _conda_held(conda))):
        if side is not None and side.newer:
            text = f"{name} is locked at {held}; {side.newer} is newer and runs too, "
            text += "but has to be solved over the network: --upgrade does it"
            found.append(Notice(code="fallback-lock", text=text))
    if conda is not None and conda.missing:
        build = conda.pairing.build
        text = f"{' and '.join(conda.missing)} is not in the conda files: {build.channels[0]} had no build of it for "
        text += f"pytorch {build.pytorch} with CUDA {build.cuda} and Python {resolution.request.python} in this solve"
        found.append(Notice(code="conda-without-companion", text=text))
    return found


def _pip_held(side: PipSide | None) -> str:
    return f"{side.pairing.build.torch}+{side.pairing.build.cuda_tag}" if side else ""


def _conda_held(side: CondaSide | None) -> str:
    return f"{side.pairing.build.pytorch} cuda{side.pairing.build.cuda.replace('.', '')}" if side else ""
