"""Compares the hashes of a pip lock with what the indexes state today and with the known ones.

uv accepts a wrong hash in a dry run and pip downloads every wheel to find one, so this looks at the index pages itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import StrEnum

from envgen.core.dataclass import dataclass
from envgen.core.locks import PipLock, PipPackage
from envgen.core.sites import PYPI, TORCH
from envgen.core.wheel_names import file_name
from envgen.facts.wheels import WheelCatalog
from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.pip_index import IndexFile, SourceFile, read_project
from envgen.net.sites import Site

_AT_ONCE = 8


class HashState(StrEnum):
    """How one locked hash compares."""

    GOOD = "good"
    MISMATCH = "mismatch"
    MISSING = "missing"
    UNSTATED = "unstated"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCheck:
    """One locked file beside the answer of `source` (an index page or the catalog).

    `found` is the other hash, empty when there is none. MISSING: the index no longer lists the file; UNSTATED: it lists
    it without a sha256; UNCHECKED: nobody could be asked, `detail` says why. `listed` is the file as its index lists
    it, None when the index was not asked or lacks it; `sdist` is the same of a source distribution.
    """

    package: str
    filename: str
    state: HashState
    locked: str
    found: str
    source: str
    detail: str = ""
    listed: IndexFile | None = None
    sdist: SourceFile | None = None


def check_hashes(  # noqa: PLR0913 -- each option is a user's
    lock: PipLock,
    *,
    wheel_mirror: str = "",
    pypi: str = "",
    offline: bool = False,
    deadline: Deadline | None = None,
    retry: Retry | None = None,
) -> tuple[HashCheck, ...]:
    """Return one check for each package, by name: against the catalog, and unless `offline` against its index.

    Raises: UsageError when a mirror is not an http or https URL.
    """
    catalog = WheelCatalog.load()
    patience = Patience(deadline=deadline or Deadline.after(120.0), retry=retry or Retry())

    def check(package: PipPackage) -> HashCheck:
        known = _against_catalog(package, catalog)
        if offline or known.state is HashState.MISMATCH:
            return known
        site = site_of(package, wheel_mirror, pypi)
        listed = _against_index(package, site, patience=patience)
        return known if listed.state is HashState.UNCHECKED and known.state is HashState.GOOD else listed

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return tuple(pool.map(check, sorted(lock.packages, key=lambda p: p.name)))


def site_of(package: PipPackage, wheel_mirror: str, pypi: str) -> Site:
    """Where the package's index can be asked, mirrors respected."""
    index = package.index.rstrip("/")
    if wheel_mirror and index.startswith(f"{TORCH}/"):
        return Site.parse(wheel_mirror).below(index.removeprefix(f"{TORCH}/"))
    return Site.parse(pypi if pypi and index == PYPI else index)


def _against_catalog(package: PipPackage, catalog: WheelCatalog) -> HashCheck:
    filename = file_name(package.url)
    tag = package.index.rstrip("/").rpartition("/")[2]
    for known in catalog.find(filename, index=tag):
        if known.sha256:
            state = HashState.GOOD if known.sha256 == package.sha256 else HashState.MISMATCH
            return _checked(package, state, known.sha256, source=known.source, detail=known.note)
    return _checked(package, HashState.UNCHECKED, "", source="the catalog", detail="it knows no hash of this file")


def _against_index(package: PipPackage, site: Site, *, patience: Patience) -> HashCheck:
    source = f"{site.below(package.name).url}/"
    try:
        page = read_project(site, package.name, patience=patience)
    except (UnreachableError, SourceDataError) as error:
        return _checked(package, HashState.UNCHECKED, "", source=source, detail=error.reason)
    file = page.find(file_name(package.url)) if page else None
    found = page.find_source(file_name(package.url)) if page and package.is_source else None
    if found is not None and found.sha256:
        state = HashState.GOOD if found.sha256 == package.sha256 else HashState.MISMATCH
        return replace(_checked(package, state, found.sha256, source=source), sdist=found)
    if file is None:
        return _checked(package, HashState.MISSING, "", source=source)
    if not file.sha256:
        return _checked(package, HashState.UNSTATED, "", source=source, listed=file)
    state = HashState.GOOD if file.sha256 == package.sha256 else HashState.MISMATCH
    return _checked(package, state, file.sha256, source=source, listed=file)


def _checked(  # noqa: PLR0913 -- the fields of the answer
    package: PipPackage, state: HashState, found: str, *, source: str, detail: str = "", listed: IndexFile | None = None
) -> HashCheck:
    return HashCheck(
        package=package.name,
        filename=file_name(package.url),
        state=state,
        locked=package.sha256,
        found=found,
        source=source,
        detail=detail,
        listed=listed,
    )
