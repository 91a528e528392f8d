"""The conda lock of one request: pins that are kept, a shipped lock, a solve, or the newest shipped lock that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from envgen.core.builds import Existence
from envgen.core.errors import UsageError, show
from envgen.core.locks import CondaLock
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.wheel_names import glibc_key
from envgen.files.formats.explicit import packages_in
from envgen.files.formats.virtual_packages import glibc_of
from envgen.files.header import Header, split
from envgen.files.registry import EXPLICIT, VIRTUAL_PACKAGES, set_of, whole_set
from envgen.lock.obtain_pip import BuildAbsentError
from envgen.lock.shipped import shipped_files
from envgen.lock.sources import Origin, Sources
from envgen.net.errors import UnreachableError
from envgen.resolve.shipped import newest, pairing_if_it_runs
from envgen.solve.conda.source import CHANNEL_SITE
from envgen.solve.conda.virtual_packages import virtual_packages
from envgen.solve.errors import SolveFailedError

if TYPE_CHECKING:
    from envgen.solve.conda.solve import CondaQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaSide:
    """The conda lock of a request and the pairing it holds.

    `bodies` are ready-made texts (file name -> body) of a lock that is on disk already; `lock` is None then, and read
    from them when it is needed. `missing` are the wanted packages that the channel has no build of for this pairing.
    `because` says why it is a fallback, and is empty otherwise.
    """

    pairing: Pairing
    origin: Origin
    missing: tuple[str, ...]
    lock: CondaLock | None = None
    bodies: Mapping[str, str] = field(default_factory=dict)
    because: str = ""

    def loaded(self) -> CondaLock:
        """The lock itself, read from the bodies if need be."""
        if self.lock is not None:
            return self.lock
        from envgen.files.bodies import read_conda

        subdir = self.pairing.build.subdir
        return next(lock for lock in read_conda(self.bodies) if lock.subdir is subdir)


def obtain_conda(resolution: Resolution, sources: Sources) -> CondaSide | None:
    """Return the conda lock for a decision, or None when there is no conda pairing.

    Raises: BuildAbsentError for an announced build that the channel does not have; UnreachableError when nothing
    shipped runs either; every other error of solving (wrong bytes are never a reason to fall back).
    """
    decided = resolution.conda
    if decided is None:
        return None
    request = resolution.request
    parts = _parts(request, sources)
    held = _pairing_of(parts, request, sources) if parts else None
    kept = (held, _bodies(parts)) if held is not None and _answers(parts, request, sources) else None
    if kept is not None and not sources.fresh:
        return _side(kept, Origin.KEPT, request)
    # Whatever else is asked for beside it now, the build in the folder stays until --upgrade.
    wanted = held if held is not None and not sources.fresh else decided
    shipped = None if sources.fresh else _shipped(wanted, request, sources)
    if shipped is not None:
        return _side((wanted, shipped), Origin.SHIPPED, request)
    try:
        return _solved(wanted, decided, request, sources)
    except UnreachableError as error:
        fallback = (kept or _fallback(request, sources)) if sources.may_fall_back else None
        if fallback is None:
            raise
        because = f"{error.headline()}: {error.reason}" if sources.may_solve else ""
        return replace(_side(fallback, Origin.FALLBACK, request), because=because)


def _solved(wanted: Pairing, decided: Pairing, request: Request, sources: Sources) -> CondaSide:
    """A new lock of the build that is in the folder, or of the one decided on when that can't be had any more."""
    if wanted.build != decided.build:
        with contextlib.suppress(BuildAbsentError, SolveFailedError):
            return _solve(wanted, request, sources)
    return _solve(decided, request, sources)


def _side(found: tuple[Pairing, Mapping[str, str]], origin: Origin, request: Request) -> CondaSide:
    pairing, bodies = found
    held = packages_in(bodies[_explicit(request)])
    missing = tuple(name for name in _wanted(request) if name not in held)
    return CondaSide(pairing=pairing, origin=origin, missing=missing, bodies=bodies)


def _wanted(request: Request) -> tuple[str, ...]:
    return (("torchvision",) if request.vision else ()) + (("torchaudio",) if request.audio else ())


# File name -> header and body of the conda files of a folder.
_Parts = Mapping[str, tuple[Header | None, str]]


def _parts(request: Request, sources: Sources) -> _Parts:
    """The conda files of the folder while all of them are there and untouched, else none."""
    names = whole_set(PackageSet.CONDA, request.subdir, sources.pins.keys())
    return {name: split(sources.pins[name]) for name in names}


def _bodies(parts: _Parts) -> Mapping[str, str]:
    return {name: body for name, (_, body) in sorted(parts.items())}


def _explicit(request: Request) -> str:
    return EXPLICIT.name(request.subdir, many=True)


def _answers(parts: _Parts, request: Request, sources: Sources) -> bool:
    """True when the files were made for what is asked for now: the wish, the glibc, whose URLs."""
    from envgen.lock.stated import conda_wish

    wishes = {conda_wish(header.command) for header, _ in parts.values() if header is not None}
    if wishes != {conda_wish(sources.command)}:
        return False
    urls = [line for line in parts[_explicit(request)][1].splitlines() if line.startswith("http")]
    if not all(url.startswith(f"{_site(sources)}/") for url in urls):
        return False
    return _claims_no_newer_glibc(parts[VIRTUAL_PACKAGES.one][1], request)


def _pairing_of(parts: _Parts, request: Request, sources: Sources) -> Pairing | None:
    """The pairing of the build that conda files hold while it runs for the request."""
    held = packages_in(parts[_explicit(request)][1])
    if not {"pytorch", "python"} <= held.keys():
        return None
    version, build_string = held["pytorch"]
    if not held["python"][0].startswith(f"{request.python}."):
        return None
    for build in reversed(sources.builds.builds(PackageSet.CONDA, request.subdir)):
        glob = build.conda.glob_for(request.python)
        if build.torch == version and fnmatchcase(build_string, glob):
            pairing = pairing_if_it_runs(build, request, sources.builds)
            if pairing is not None:
                return pairing
    return None


def _shipped(pairing: Pairing, request: Request, sources: Sources) -> Mapping[str, str] | None:
    if not request.vision or request.audio or sources.extras.conda or sources.write_mirror:
        return None
    wanted = Shipped(
        package_set=PackageSet.CONDA,
        subdir=request.subdir,
        python=request.python,
        torch=pairing.build.torch,
        cuda_tag=pairing.build.cuda_tag,
    )
    if wanted not in sources.shipped:
        return None
    files = shipped_files(sources.shipped_root, wanted)
    bodies = {name: split(text)[1] for name, text in files.items() if set_of(name) is PackageSet.CONDA}
    return bodies if _claims_no_newer_glibc(bodies[VIRTUAL_PACKAGES.one], request) else None


def _claims_no_newer_glibc(claims: str, request: Request) -> bool:
    """True when a lock was solved for a glibc that is no newer than the target's."""
    stated = glibc_of(claims, request.subdir.value)
    return request.subdir.is_windows or (bool(stated) and glibc_key(stated) <= glibc_key(request.glibc))


def _fallback(request: Request, sources: Sources) -> tuple[Pairing, Mapping[str, str]] | None:
    """The newest shipped lock that runs, or None when the request asks for more than the shipped locks hold."""
    pairing = newest(PackageSet.CONDA, sources.shipped, request, sources.builds)
    bodies = _shipped(pairing, request, sources) if pairing is not None else None
    return (pairing, bodies) if pairing is not None and bodies is not None else None


def conda_query(pairing: Pairing, request: Request, extras: tuple[str, ...] = ()) -> CondaQuery:
    """The solve of a pairing.

    The virtual packages claim no more than every driver at the pairing's floor can serve: the first release of its CUDA
    major. A lock solved with them runs on any driver that the decision allows.
    """
    from envgen.solve.conda.solve import CondaQuery

    major = pairing.build.cuda.partition(".")[0]
    return CondaQuery(
        subdir=request.subdir,
        channels=pairing.build.conda.channels,
        specs=(*pairing.specs, *extras),
        virtual_packages=virtual_packages(request.subdir, cuda=f"{major}.0", glibc=request.glibc),
    )


def _solve(pairing: Pairing, request: Request, sources: Sources) -> CondaSide:
    if not sources.may_solve:
        raise UnreachableError(
            package_set=PackageSet.CONDA,
            url=f"{CHANNEL_SITE}/{pairing.build.conda.channels[0]}",
            reason="it was not asked (--offline or --check)",
            advice="run again without it",
        )
    # Most runs need no solve: what starts one is loaded only here.
    from envgen.files.formats.conda_lock_v1 import load_conda_lock_package
    from envgen.solve.conda.solve import solve_with_optional

    query = conda_query(pairing, request, sources.extras.conda)
    try:
        (found,) = solve_with_optional(
            [query],
            mirror=sources.conda_mirror,
            timeout_s=sources.timeout_s,
            progress=sources.progress,
            meanwhile=load_conda_lock_package,
        )
    except SolveFailedError as error:
        if pairing.build.existence_for(request.python) is Existence.SEEN:
            raise
        raise BuildAbsentError(pairing.build.key) from error
    lock = mirrored(found.lock, sources.conda_mirror) if sources.write_mirror else found.lock
    return CondaSide(pairing=pairing, origin=Origin.SOLVED, missing=found.missing, lock=lock)


def _site(sources: Sources) -> str:
    """The site that the files of this run name for their packages."""
    if not (sources.write_mirror and sources.conda_mirror):
        return CHANNEL_SITE
    from envgen.net.sites import without_credentials

    return without_credentials(sources.conda_mirror.strip()).rstrip("/")


def mirrored(lock: CondaLock, mirror: str) -> CondaLock:
    """The lock with a mirror's URLs instead of the canonical ones, without a login; unchanged when there is no mirror.

    Raises: UsageError when the mirror is a folder: its path would mean nothing on another computer.
    """
    if not mirror:
        return lock
    from envgen.net.sites import without_credentials

    site = without_credentials(mirror.strip()).rstrip("/")
    if not site.startswith(("http://", "https://")):
        hint = "serve the folder over HTTP, or leave --write-mirror out"
        raise UsageError(f"--write-mirror cannot write the folder {show(mirror)} into files", hint=hint)
    packages = tuple(
        replace(package, url=package.url.replace(CHANNEL_SITE, site, 1), channel=f"{site}/{package.channel}")
        for package in lock.packages
    )
    return replace(lock, channels=tuple(f"{site}/{channel}" for channel in lock.channels), packages=packages)
