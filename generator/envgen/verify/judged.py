"""What is known when a lock is judged, and what a judgement says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.findings import SkippedCheck
from envgen.core.locks import CondaLock, PipLock
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.sites import Mirrors
from envgen.facts.catalog import Catalog
from envgen.files.formats.smoke import SmokePairing
from envgen.verify.findings import Finding
from envgen.verify.headers.told import LockedBuild
from envgen.verify.known import KnownFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What a folder is held against without a network: the catalog, the shipped locks (a tree), the user's mirrors.

    `catalog` is the revision of the facts.
    """

    builds: Catalog
    catalog: str
    root: Path
    known: KnownFiles
    mirrors: Mirrors


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLock:
    """The lock of one set for one platform, as the file that it is read from holds it.

    `smoke` is what the smoke test must expect of it and `locked` its build, None when it is not known. `unknown` says
    what only its index or channel can tell, empty when the shipped locks tell everything. `asked` are the further
    packages of the request, of conda's those that are not locked; `channels` are further ones of conda.
    """

    package_set: PackageSet
    subdir: Subdir
    file: str
    lock: PipLock | CondaLock
    findings: Sequence[Finding]
    smoke: SmokePairing | None
    locked: LockedBuild | None
    unknown: str
    asked: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What can be said of a folder without a network.

    `opening` is about the files as such (edited, missing, torn, foreign), `content` about what they hold. `command` is
    the one that makes the same again, empty when the headers state no request that can be read.
    """

    files: Sequence[str]
    locks: Sequence[JudgedLock]
    opening: Sequence[Finding]
    content: Sequence[Finding]
    skipped: Sequence[SkippedCheck]
    command: str
