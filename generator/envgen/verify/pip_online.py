"""Asks the indexes of a pip lock: their hashes and sizes of its files, and what the files themselves ask for."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.findings import SkippedCheck
from envgen.core.locks import PipLock, PipPackage
from envgen.net.deadline import Patience, Retry
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.pip_index import read_requires
from envgen.verify.findings import Asking, Code, Finding
from envgen.verify.pip_hashes import HashCheck, HashState, check_hashes, site_of
from envgen.verify.pip_requires import unmet


def check_on_indexes(lock: PipLock, asking: Asking, file: str) -> tuple[list[Finding], list[SkippedCheck]]:
    """Compare every hash with its index (or, offline, with the catalog), and every requirement with what is locked.

    Raises: UsageError when a mirror is not a URL.
    """
    checks = check_hashes(
        lock,
        wheel_mirror=asking.wheel_mirror,
        pypi=asking.pypi,
        offline=asking.offline,
        deadline=asking.deadline,
    )
    findings = [finding for check in checks if (finding := _of_hash(check, file))]
    findings += _sizes(lock, checks, file)
    skipped: list[SkippedCheck] = []
    open_ = [check for check in checks if check.state in (HashState.UNCHECKED, HashState.UNSTATED)]
    if open_:
        what = f"{file}: {len(open_)} of {len(checks)} hashes"
        reason = "offline, and the catalog knows no hash of them" if asking.offline else open_[0].detail
        unanswered = not asking.offline and any(check.state is HashState.UNCHECKED for check in open_)
        skipped.append(SkippedCheck(check=what, reason=reason or "not stated", unanswered=unanswered))
    if asking.offline:
        skipped.append(SkippedCheck(check=f"{file}: versions that the wheels ask for", reason="offline"))
        return findings, skipped
    requires, unanswered = _requires(lock, checks, asking)
    asked = {name: lines for name, lines in requires.items() if lines is not None}
    findings += unmet(asked, lock, file)
    if unread := [name for name in requires if name not in asked]:
        what = "does not answer for" if unanswered else "does not serve the metadata of"
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        reason = f"the index {what} {unread[0]}{more}"
        check = f"{file}: versions that some wheels ask for"
        skipped.append(SkippedCheck(check=check, reason=reason, unanswered=unanswered))
    return findings, skipped


def _of_hash(check: HashCheck, file: str) -> Finding | None:
    if check.state is HashState.MISMATCH:
        evidence = (f"locked: {check.locked}", f"{check.source}: {check.found}")
        return Finding(code=Code.HASH_MISMATCH, file=file, title=f"sha256 of {check.filename}", evidence=evidence)
    if check.state is HashState.MISSING:
        title = f"{check.filename} is not on its index"
        return Finding(code=Code.NOT_ON_INDEX, file=file, title=title, evidence=(check.source,))
    return None


def _sizes(lock: PipLock, checks: Sequence[HashCheck], file: str) -> list[Finding]:
    locked = {package.name: package.size for package in lock.packages}
    found = []
    for check in checks:
        size, listed = locked[check.package], check.listed.size if check.listed else None
        if size is not None and listed is not None and size != listed:
            evidence = (f"locked: {size} bytes", f"{check.source}: {listed} bytes")
            title = f"size of {check.filename}"
            found.append(Finding(code=Code.SIZE_MISMATCH, file=file, title=title, evidence=evidence))
    return found


def _requires(
    lock: PipLock, checks: Sequence[HashCheck], asking: Asking
) -> tuple[dict[str, tuple[str, ...] | None], bool]:
    """Package -> its Requires-Dist lines, None where they can't be had; and whether that is for want of an answer."""
    from concurrent.futures import ThreadPoolExecutor

    by_name = {check.package: check for check in checks}
    patience = Patience(deadline=asking.deadline, retry=Retry())

    def read(package: PipPackage) -> tuple[tuple[str, ...] | None, bool]:
        check = by_name[package.name]
        if check.listed is None:  # what the catalog knows is good without an answer of the index
            return None, check.state in (HashState.GOOD, HashState.UNCHECKED)
        site = site_of(package, asking.wheel_mirror, asking.pypi)
        try:
            return read_requires(site, check.listed, patience=patience), False
        except (UnreachableError, SourceDataError):
            return None, True

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = dict(zip([p.name for p in lock.packages], pool.map(read, lock.packages), strict=True))
    return {name: lines for name, (lines, _) in answers.items()}, any(silent for _, silent in answers.values())
