"""No silent walk back: a requested package that is not at its newest for want of a file says so, or is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envgen.core.errors import EnvgenError
from envgen.core.locks import PassedOver
from envgen.net.deadline import Patience
from envgen.net.pip_index import IndexFile, read_project
from envgen.net.sites import Site
from envgen.solve.errors import SolveFailedError
from envgen.solve.pip.query import PipQuery
from envgen.solve.pip.uv import UvPackage

# How much younger a release may be than the one that is locked in its place.
_OLDEST_YEARS = 2
_GLIBCS = tuple(f"2.{minor}" for minor in range(17, 45))
_PYTHONS = tuple(f"3.{minor}" for minor in range(14, 9, -1))


def judged(packages: Iterable[UvPackage], query: PipQuery, pypi: Site, patience: Patience) -> Iterator[PassedOver]:
    """Yield what was passed over of the requested packages.

    Raises: SolveFailedError when a pre-release was taken, or a release more than two years older than the newest.
    """
    for package in packages:
        if package.passed is None:
            continue
        files = _files(package.name, pypi, patience)
        newer = package.passed.newer or _newest(files, package.passed.above)
        shown = newer or f"newer than {package.passed.above}"
        blocker = package.passed.blocker
        reason, advice = _reason(blocker, [f for f in files if f.name.release == newer], query)
        found = PassedOver(
            name=package.name, locked=package.version, newer=shown, reason=reason, advice=advice, by=blocker
        )
        if blocker != "torch" and (_is_prerelease(package.version) or _years(files, package.version, newer)):
            raise SolveFailedError(
                solver="pip",
                is_final=True,
                subject=query.subject,
                explanation=(f"only {package.name} {package.version} could be had in place of {shown}: {reason}",),
                advice=advice or f"leave {package.name} out, or ask for {package.name}=={package.version} to have it",
            )
        yield found


def _files(project: str, pypi: Site, patience: Patience) -> tuple[IndexFile, ...]:
    """The wheels of a project, as far as its page can be read: it explains, nothing hangs on it."""
    try:
        page = read_project(pypi, project, patience=patience)
    except EnvgenError:
        return ()
    return page.files if page is not None else ()


def _newest(files: Iterable[IndexFile], above: str) -> str:
    """The newest release with a wheel that is newer than another one, or an empty string."""
    from packaging.version import InvalidVersion, Version

    found = []
    for file in files:
        try:
            version = Version(file.name.release)
            if not version.is_prerelease and not file.is_yanked and (not above or version > Version(above)):
                found.append((version, file.name.release))
        except InvalidVersion:
            continue
    return max(found, default=(None, ""))[1]


def _reason(blocker: str, newer: list[IndexFile], query: PipQuery) -> tuple[str, str]:
    """Why a release was not taken, and the option that frees it."""
    target = f"{query.subdir.value}, Python {query.python}" + (f", glibc {query.glibc}" if query.glibc else "")
    if blocker == "torch":
        return f"it needs another torch than {query.torch_version}", ""
    if blocker:
        return f"{blocker}, which it needs, has no wheel for {target}", ""
    for glibc in _GLIBCS if query.glibc else ():
        if any(f.name.fits(python=query.python, subdir=query.subdir, glibc=glibc) for f in newer):
            return f"its wheels need glibc {glibc}, the target has {query.glibc}", f"--glibc {glibc} frees it"
    for python in _PYTHONS:
        if any(f.name.fits(python=python, subdir=query.subdir, glibc=query.glibc or "2.17") for f in newer):
            return f"it has no wheel for Python {query.python}", f"--python {python} frees it"
    return f"it has no wheel for {target}", ""


def _is_prerelease(version: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version).is_prerelease
    except InvalidVersion:
        return False


def _years(files: Iterable[IndexFile], locked: str, newer: str) -> bool:
    """True when a release is more than two years younger than the locked one, by the index's own upload times."""
    from datetime import datetime, timedelta

    times: dict[str, str] = {}
    for file in files:
        times.setdefault(file.name.release, file.uploaded)
    try:
        since = datetime.fromisoformat(times.get(newer, "")) - datetime.fromisoformat(times.get(locked, ""))
    except (ValueError, TypeError):
        return False
    return since > timedelta(days=365 * _OLDEST_YEARS)
