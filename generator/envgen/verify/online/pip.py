"""Asks the indexes of a pip lock: hash, size and place of its files, and what the files themselves ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envgen.core.errors import some_of
from envgen.core.findings import Level, SkippedCheck
from envgen.core.locks import PipLock, PipPackage
from envgen.net.deadline import Patience, Retry
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.pip_index import SourceFile, read_requires
from envgen.solve.pip.sdist import read_sdist
from envgen.verify.contents.pip import check_contents
from envgen.verify.findings import Asking, Code, Finding
from envgen.verify.known import check_place, check_size
from envgen.verify.needs import unneeded
from envgen.verify.online.pip_hashes import HashCheck, HashState, check_hashes, site_of
from envgen.verify.pip_requires import needs_of, unmet

_COMPANIONS = ("torch", "torchvision", "torchaudio")


def check_catalog(lock: PipLock, file: str) -> Iterator[Finding]:
    """Hashes that the catalog knows otherwise."""
    for check in check_hashes(lock, offline=True):
        yield from _of_hash(check, file)


def check_on_indexes(
    lock: PipLock, tag: str, asked: Sequence[str], asking: Asking, file: str
) -> tuple[list[Finding], list[SkippedCheck]]:
    """Hold every file against its index, and what the files ask for against what is locked, both ways.

    `asked` are the further packages of the request, `tag` is the CUDA tag of the build.

    Raises: UsageError when a mirror is not a URL.
    """
    checks = check_hashes(lock, wheel_mirror=asking.wheels, pypi=asking.pypi, deadline=asking.deadline)
    findings = [finding for check in checks for finding in _of_hash(check, file)]
    findings += [finding for check in checks for finding in _of_listed(lock, check, asking, file)]
    skipped: list[SkippedCheck] = []
    open_ = [check for check in checks if check.state in (HashState.UNCHECKED, HashState.UNSTATED)]
    if open_:
        what = f"{file}: {len(open_)} of {len(checks)} hashes"
        unanswered = any(check.state is HashState.UNCHECKED for check in open_)
        reason = open_[0].detail or "not stated"
        skipped.append(SkippedCheck(check=what, reason=reason, unanswered=unanswered, open=True))
    requires, unanswered = _requires(lock, checks, asking)
    known = {name: lines for name, lines in requires.items() if lines is not None}
    findings += unmet({"the request": asked, **known}, lock, file)
    findings += _unneeded(lock, asked, known, file)
    findings += check_contents(lock, tag, asked, asking.deadline, file) if asked else ()
    if unread := [name for name in requires if name not in known]:
        what = "does not answer for" if unanswered else "does not serve the metadata of"
        reason = f"the index {what} {some_of(unread, 1)}"
        check = f"{file}: versions that some wheels ask for"
        skipped.append(SkippedCheck(check=check, reason=reason, unanswered=unanswered, open=True))
    return findings, skipped


def _of_hash(check: HashCheck, file: str) -> Iterator[Finding]:
    if check.state is HashState.MISMATCH:
        evidence = (f"locked: {check.locked}", f"{check.source}: {check.found}")
        yield Finding(code=Code.HASH_MISMATCH, file=file, title=f"sha256 of {check.filename}", evidence=evidence)
    if check.state is HashState.MISSING:
        title = f"{check.filename} is not on its index"
        yield Finding(code=Code.NOT_ON_INDEX, file=file, title=title, evidence=(check.source,))


def _of_listed(lock: PipLock, check: HashCheck, asking: Asking, file: str) -> Iterator[Finding]:
    """Size, place and state of a file, as its index lists it."""
    package = next(package for package in lock.packages if package.name == check.package)
    listed = check.listed or check.sdist
    if listed is None:
        return
    yield from check_size(package, check.listed.size if check.listed is not None else None, check.source, file)
    # A mirror has the files elsewhere: their place is judged by the host, and by its form.
    if check.source.startswith(package.index.rstrip("/")):
        yield from check_place(package, listed.url, check.source, file)
    if listed.is_yanked:
        title = f"{check.filename} was withdrawn from its index (yanked)"
        yield Finding(code=Code.YANKED, file=file, title=title, evidence=(check.source,), level=Level.WARNING)


def _unneeded(lock: PipLock, asked: Sequence[str], known: Mapping[str, Sequence[str]], file: str) -> Iterator[Finding]:
    """Packages that nothing asks for, by the metadata of the files themselves as far as it is served."""
    needs = needs_of({"the request": asked, **known}, lock)
    stated = {package.name: package.dependencies for package in lock.packages}
    found = {name: needs.get(name, stated[name]) for name in stated}
    for package in lock.packages:
        if package.name in needs and (strange := set(package.dependencies) - needs[package.name]):
            title = f"{package.name} is said to need {', '.join(sorted(strange))}, which it does not"
            yield Finding(code=Code.NOT_NEEDED, file=file, title=title)
    yield from unneeded((*_COMPANIONS, *needs["the request"]), found, file)


def _requires(
    lock: PipLock, checks: Sequence[HashCheck], asking: Asking
) -> tuple[dict[str, tuple[str, ...] | None], bool]:
    """Package -> its Requires-Dist lines, None where they can't be had; and whether that is for want of an answer."""
    from concurrent.futures import ThreadPoolExecutor

    by_name = {check.package: check for check in checks}
    patience = Patience(deadline=asking.deadline, retry=Retry())

    def read(package: PipPackage) -> tuple[tuple[str, ...] | None, bool]:
        check = by_name[package.name]
        if check.sdist is not None:
            return _stated_by(check.sdist, patience)
        if check.listed is None:  # what the catalog knows is good without an answer of the index
            return None, check.state in (HashState.GOOD, HashState.UNCHECKED)
        site = site_of(package, asking.wheels, asking.pypi)
        try:
            return read_requires(site, check.listed, patience=patience), False
        except (UnreachableError, SourceDataError):
            return None, True

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = dict(zip([p.name for p in lock.packages], pool.map(read, lock.packages), strict=True))
    return {name: lines for name, (lines, _) in answers.items()}, any(silent for _, silent in answers.values())


def _stated_by(sdist: SourceFile, patience: Patience) -> tuple[tuple[str, ...] | None, bool]:
    """What a source distribution asks for; nobody serves that apart from it."""
    try:
        return read_sdist(sdist, patience=patience).requires, False
    except (UnreachableError, SourceDataError):
        return None, True
