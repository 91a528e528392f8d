"""Verifies one folder: what its files say by themselves, then what their indexes and channels say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from envgen.core.errors import UsageError
from envgen.core.findings import SkippedCheck
from envgen.core.locks import PipLock
from envgen.core.paths import tree
from envgen.core.sites import Mirrors
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.net.sites import Site
from envgen.output.errors import OutputNotWritableError
from envgen.output.plan import read_folder
from envgen.solve.conda.source import ChannelSource
from envgen.verify.core import judge, sorted_findings
from envgen.verify.findings import Asking, Code, Finding, Report
from envgen.verify.judged import JudgedLock, Judgement, Knowledge
from envgen.verify.known import known_files
from envgen.verify.online.conda import check_on_channels
from envgen.verify.online.pip import check_on_indexes
from envgen.verify.places import without_logins


def folders_below(root: Path) -> list[Path]:
    """The folders with files of envgen's at and below a path, sorted; hidden ones and links are left out.

    Raises: OutputNotWritableError when one can't be read.
    """
    here = [root] if read_folder(root) else []
    try:
        entries = sorted(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise OutputNotWritableError(root.as_posix(), error.strerror or str(error)) from error
    # A link may lead back up, and what it leads to is found where it is.
    below = [path for path in entries if not path.name.startswith(".") and not path.is_symlink() and path.is_dir()]
    return here + [found for path in below for found in folders_below(path)]


def judge_files(found: Mapping[str, str | None], builds: Catalog, mirrors: Mirrors | None = None) -> Judgement:
    """What is wrong with the files of a folder (`read_folder`), held against the catalog and the shipped locks."""
    root, known = tree("lockfiles"), known_files(tree("lockfiles"))
    mirrors = mirrors or Mirrors()
    return judge(found, Knowledge(builds=builds, catalog=catalog_revision(), root=root, known=known, mirrors=mirrors))


def verify_folder(folder: Path, builds: Catalog, asking: Asking) -> Report:
    """Return what is wrong with the files of a folder. Nothing is written.

    Raises: UsageError for a mirror that is none, OutputNotFolderError and OutputNotWritableError as `read_folder`.
    """
    ChannelSource.parse(asking.conda)
    for mirror in filter(None, (asking.wheels, asking.pypi)):
        Site.parse(mirror)
    judgement = judge_files(read_folder(folder), builds, asking)
    findings = [*judgement.opening, *judgement.content]
    skipped = [*judgement.skipped]
    for one in judgement.locks:
        found, open_ = _ask(one, asking)
        findings += found
        skipped += open_
    return Report(
        folder=folder.as_posix(),
        files=tuple(judgement.files),
        packages=sum(len(one.lock.packages) for one in judgement.locks),
        findings=sorted_findings(findings),
        skipped=tuple(replace(check, reason=without_logins(check.reason)) for check in skipped),
        command=judgement.command,
    )


def _ask(one: JudgedLock, asking: Asking) -> tuple[list[Finding], list[SkippedCheck]]:
    """What the index or channel of a lock says of it; offline what is left open for want of it."""
    if asking.offline:
        check = f"{one.file}: packages of {one.subdir} and what they need"
        return [], [SkippedCheck(check=check, reason=f"offline, and {one.unknown}", open=True)] if one.unknown else []
    try:
        if isinstance(one.lock, PipLock):
            tag = one.locked.build.cuda_tag if one.locked is not None else ""
            return check_on_indexes(one.lock, tag, one.asked, asking, one.file)
        return check_on_channels(one.lock, one.asked, asking, one.file, one.channels)
    except UsageError as error:  # the mirrors are such: it is an index or a channel that the lock names
        title = f"nobody can be asked where it says: {error.headline()}"
        return [Finding(code=Code.INDEX_WRONG, file=one.file, title=title, evidence=error.facts()[:1])], []
