"""The pip lock of one request: pins that are kept, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from envgen.core.builds import BuildKey, Existence
from envgen.core.locks import PipLock
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.wheel_names import WheelName, file_name, glibc_key
from envgen.files.errors import LockFormatError
from envgen.files.header import split
from envgen.files.registry import PYLOCK
from envgen.lock.sources import Origin, Sources
from envgen.net.errors import UnreachableError
from envgen.resolve.shipped import newest, pairing_if_it_runs
from envgen.solve.errors import SolveFailedError, WheelMissingError


class BuildAbsentError(Exception):
    """An announced build turned out not to be there: the decision has to be made again without it."""

    def __init__(self, absent: BuildKey) -> None:
        super().__init__(absent)
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSide:
    """The pip lock of a request, the pairing it holds, and where it came from.

    `because` says why it is a fallback, and is empty otherwise.
    """

    lock: PipLock
    pairing: Pairing
    origin: Origin
    because: str = ""


def obtain_pip(resolution: Resolution, sources: Sources, *, multi: bool) -> PipSide | None:
    """Return the pip lock for a decision, or None when there is no pip pairing.

    Raises: BuildAbsentError for an announced build that the index does not have; UnreachableError when nothing
    shipped runs either; every other error of solving (wrong bytes are never a reason to fall back).
    """
    decided = resolution.pip
    if decided is None:
        return None
    request = resolution.request
    pins = _pins(request, sources, multi=multi)
    kept = _kept(pins, request, sources) if pins is not None else None
    if kept is not None and not sources.fresh:
        return PipSide(lock=kept[0], pairing=kept[1], origin=Origin.KEPT)
    # Whatever else is asked for beside it now, the build in the folder stays until --upgrade.
    held = _pairing_of(pins.lock, request, sources) if pins is not None and not sources.fresh else None
    wanted = held or decided
    lock = None if sources.fresh else _shipped(wanted, request, sources)
    if lock is not None:
        return PipSide(lock=lock, pairing=wanted, origin=Origin.SHIPPED)
    preferred = pins.lock if pins is not None and not sources.fresh else None
    try:
        return _solved(wanted, decided, request, sources, preferred)
    except UnreachableError as error:
        fallback = (kept or _fallback(request, sources)) if sources.may_fall_back else None
        if fallback is None:
            raise
        because = f"{error.headline()}: {error.reason}" if sources.may_solve else ""
        return PipSide(lock=fallback[0], pairing=fallback[1], origin=Origin.FALLBACK, because=because)


def _solved(
    wanted: Pairing, decided: Pairing, request: Request, sources: Sources, preferred: PipLock | None
) -> PipSide:
    """A new lock of the build that is in the folder, or of the one decided on when that can't be had any more."""
    if wanted.build != decided.build:
        with contextlib.suppress(BuildAbsentError, SolveFailedError, WheelMissingError):
            return PipSide(lock=_solve(wanted, request, sources, preferred), pairing=wanted, origin=Origin.SOLVED)
    return PipSide(lock=_solve(decided, request, sources, preferred), pairing=decided, origin=Origin.SOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pins:
    """The pip pins of a folder for one platform and Python, and the text that they were read from."""

    text: str
    lock: PipLock


def _pins(request: Request, sources: Sources, *, multi: bool) -> _Pins | None:
    """The pins of the folder when they are for the request's platform and Python."""
    name = PYLOCK.name(request.subdir, many=multi)
    text = sources.pins.get(name)
    if text is None:
        return None
    try:
        lock = PYLOCK.read(text, name)
    except LockFormatError:
        return None
    fits = (lock.subdir, lock.python) == (request.subdir, request.python)
    return _Pins(text=text, lock=lock) if fits else None


def _kept(pins: _Pins, request: Request, sources: Sources) -> tuple[PipLock, Pairing] | None:
    """The pins of the folder while they are valid for the request."""
    if not _same_wish(pins.text, sources):
        return None
    fitting = _for_glibc(pins.lock, request)
    pairing = _pairing_of(fitting, request, sources) if fitting is not None else None
    if fitting is None or pairing is None or not _holds(fitting, pairing, request, sources):
        return None
    return fitting, pairing


def _same_wish(text: str, sources: Sources) -> bool:
    """True when a file was made for the same further packages and companions as are asked for now.

    The packages alone don't tell: an extra of one (`fsspec[http]`) adds others, a marker may leave it out, and what
    came along for a wish that is no longer made would stay.
    """
    from envgen.lock.stated import pip_wish

    header, _ = split(text)
    return header is not None and pip_wish(header.command) == pip_wish(sources.command)


def _for_glibc(lock: PipLock, request: Request) -> PipLock | None:
    """The lock while every wheel of it installs with the request's glibc, and says so; else None.

    A lock that was made for a newer glibc may hold wheels that an older one refuses.
    """
    if request.subdir.is_windows or glibc_key(lock.glibc) <= glibc_key(request.glibc):
        return lock
    names = (WheelName.parse(file_name(package.url)) for package in lock.packages)
    fits = all(name.fits(python=lock.python, subdir=lock.subdir, glibc=request.glibc) for name in names)
    return replace(lock, glibc=request.glibc) if fits else None


def _pairing_of(lock: PipLock, request: Request, sources: Sources) -> Pairing | None:
    """The pairing of the build that a lock holds while it runs for the request."""
    release, _, tag = lock.version_of("torch").partition("+")
    rows = sources.builds.builds(PackageSet.PIP, request.subdir)
    build = next((b for b in rows if b.torch == release and (b.cuda_tag == tag if tag else b.on_pypi)), None)
    return pairing_if_it_runs(build, request, sources.builds) if build is not None else None


def _holds(lock: PipLock, pairing: Pairing, request: Request, sources: Sources) -> bool:
    extras = sources.extras.pip
    torch = next(package for package in lock.packages if package.name == "torch")
    if torch.index != _index_url(pairing, sources):
        return False
    for name, wanted in (("torchvision", pairing.torchvision), ("torchaudio", pairing.torchaudio)):
        found = lock.version_of(name).partition("+")[0]
        if found != wanted and (wanted or not extras):
            return False
    from envgen.solve.pip.constraints import check_constraints
    from envgen.solve.pip.query import pip_query

    try:
        check_constraints(lock, pip_query(pairing, request).constraints)
    except SolveFailedError:
        return False
    return True


def _index_url(pairing: Pairing, sources: Sources) -> str:
    """The index that a lock of this run names for torch: PyPI's own build has no mirror."""
    if not (sources.write_mirror and sources.wheel_mirror) or pairing.build.on_pypi:
        return pairing.index_url
    from envgen.net.sites import Site

    return Site.parse(sources.wheel_mirror).below(pairing.build.cuda_tag).url


def _is_plain(request: Request, sources: Sources) -> bool:
    """True when the request is what the shipped locks were made for: torch and torchvision, nothing else."""
    return request.vision and not request.audio and not sources.extras.pip and not sources.write_mirror


def _shipped(pairing: Pairing, request: Request, sources: Sources) -> PipLock | None:
    if not _is_plain(request, sources):
        return None
    wanted = Shipped(
        package_set=PackageSet.PIP,
        subdir=request.subdir,
        python=request.python,
        torch=pairing.build.torch,
        cuda_tag=pairing.build.cuda_tag,
    )
    if wanted not in sources.shipped:
        return None
    return _for_glibc(_read(wanted, sources), request)


def _read(shipped: Shipped, sources: Sources) -> PipLock:
    path = shipped.folder / PYLOCK.one
    return PYLOCK.read((sources.shipped_root / path).read_text(encoding="utf-8"), f"lockfiles/{path}")


def _solve(pairing: Pairing, request: Request, sources: Sources, preferred: PipLock | None) -> PipLock:
    from envgen.solve.pip.query import pip_query

    query = pip_query(pairing, request, extras=sources.extras.pip)
    if not sources.may_solve:
        raise UnreachableError(
            url=query.torch_index,
            reason="it was not asked (--offline or --check)",
            advice="run again without it",
        )
    # Most runs need no solve: the network and the parsers of index pages are loaded only for one.
    from envgen.solve.pip.solve import solve_pip

    try:
        return solve_pip(
            query,
            preferred=preferred,
            wheel_mirror=sources.wheel_mirror,
            write_mirror=sources.write_mirror,
            timeout_s=sources.timeout_s,
            progress=sources.progress,
        )
    except WheelMissingError as error:
        if pairing.build.existence_for(request.python) is Existence.SEEN:
            raise
        raise BuildAbsentError(pairing.build.key) from error


def _fallback(request: Request, sources: Sources) -> tuple[PipLock, Pairing] | None:
    """The newest shipped lock that runs, or None when the request is not plain or nothing shipped runs."""
    if not _is_plain(request, sources):
        return None
    pairing = newest(PackageSet.PIP, sources.shipped, request, sources.builds)
    lock = _shipped(pairing, request, sources) if pairing is not None else None
    return (lock, pairing) if lock is not None and pairing is not None else None
