"""What a verification is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum

from envgen.core.dataclass import dataclass
from envgen.core.findings import Level, SkippedCheck, exit_code
from envgen.core.sites import Mirrors
from envgen.net.deadline import Deadline


class Code(StrEnum):
    """Every fault that can be found, in the order in which they are told."""

    FILE_UNREADABLE = "file-unreadable"
    HEADER_MISSING = "header-missing"
    HEADER_STRANGE = "header-strange"
    RELEASE_NEWER = "release-newer"
    REQUEST_UNREADABLE = "request-unreadable"
    FILE_EDITED = "file-edited"
    FILE_LEFT_OVER = "file-left-over"
    SET_TORN = "set-torn"
    FILE_MISSING = "file-missing"
    SET_CHANGED = "set-changed"
    CREDENTIAL = "credential-in-url"
    FILES_DISAGREE = "files-disagree"
    PACKAGE_TWICE = "package-twice"
    CPU_BUILD = "cpu-build"
    BUILD_UNKNOWN = "build-unknown"
    COMPANION_MISMATCH = "companion-mismatch"
    INDEX_WRONG = "index-wrong"
    FIND_LINKS_WRONG = "find-links-wrong"
    HOST_UNKNOWN = "host-unknown"
    WRONG_PLATFORM = "wrong-platform"
    HASH_MISMATCH = "hash-mismatch"
    SIZE_MISMATCH = "size-mismatch"
    NOT_ON_INDEX = "not-on-index"
    YANKED = "file-yanked"
    SOURCE_NOT_ALLOWED = "source-not-allowed"
    TWO_OWNERS = "two-owners"
    CUDA_CLASH = "cuda-clash"
    NOT_NEEDED = "package-not-needed"
    DEPENDENCY_MISSING = "dependency-missing"
    DEPENDENCY_VERSION = "dependency-version"
    CONTENT_HASH = "content-hash"
    GPU_NOT_COVERED = "gpu-not-covered"
    DRIVER_TOO_OLD = "driver-too-old"
    DRIVER_DROPPED_GPU = "driver-dropped-gpu"
    DRIVER_PREDATES_GPU = "driver-predates-gpu"
    CUDNN_UNSUPPORTED = "cudnn-unsupported"
    REQUEST_UNMET = "request-unmet"
    NOT_AS_WRITTEN = "not-as-written"


_ORDER = {code: place for place, code in enumerate(Code)}

_AGAIN = "{again}; --force replaces what was edited"
_UPGRADE = "{again} with --upgrade --force"
_DECIDE = "{again}: by today's catalog it chooses another build"
# What to do about each code, where it is not simply to make the files again.
_REMEDIES = {
    Code.HEADER_MISSING: "make the files with envgen, or leave out this one",
    Code.RELEASE_NEWER: "update envgen: what a newer release wrote can't be checked by this one",
    Code.REQUEST_UNREADABLE: "make the files again with --force, from options of your own",
    Code.FILE_LEFT_OVER: "delete it, or move it out of the folder: envgen removes no file that was edited",
    Code.SET_TORN: "{again}: it completes the set",
    Code.CREDENTIAL: "make the login invalid where it is valid, then make the files again without it",
    Code.CPU_BUILD: _UPGRADE,
    Code.BUILD_UNKNOWN: "run `envgen resolve` for the GPU: it names builds that the catalog knows",
    Code.COMPANION_MISMATCH: _UPGRADE,
    Code.HOST_UNKNOWN: "if it is your mirror, name it: --wheel-mirror or --conda-mirror; else do not install from it",
    Code.HASH_MISMATCH: "do not install; compare with the index, then make the files again with --upgrade --force",
    Code.SIZE_MISMATCH: "do not install; compare with the index, then make the files again with --upgrade --force",
    Code.NOT_ON_INDEX: _UPGRADE,
    Code.YANKED: _UPGRADE,
    Code.TWO_OWNERS: "{again} with --upgrade --force: it takes a build, or a release, that goes together",
    Code.CUDA_CLASH: "{again} with --upgrade --force: it takes a build, or a release, that goes together",
    Code.GPU_NOT_COVERED: _DECIDE,
    Code.DRIVER_TOO_OLD: "update the driver, or {again} with --driver VERSION",
    Code.DRIVER_DROPPED_GPU: "stay on the driver branch that serves the GPU; --driver VERSION states it",
    Code.DRIVER_PREDATES_GPU: "update the driver, or {again} with --driver VERSION",
    Code.CUDNN_UNSUPPORTED: _DECIDE,
    Code.REQUEST_UNMET: _DECIDE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Mirrors):
    """What may be asked over the network, and the mirrors that the user names as his."""

    offline: bool = False
    deadline: Deadline = field(default_factory=lambda: Deadline.after(120.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault of one file. `evidence` are facts, a line each."""

    code: Code
    file: str
    title: str
    evidence: tuple[str, ...] = ()
    level: Level = Level.ERROR

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands among all, for sorting."""
        return _ORDER[self.code], self.file, self.title

    @property
    def line(self) -> str:
        """The finding in one line, the same wherever it is told."""
        return f"{self.level}: {self.file}: {self.title} [{self.code}]"


class Verdict(StrEnum):
    """What is said of a folder: good only when every package and what it needs was held against a source."""

    GOOD = "good"
    NOT_GOOD = "not-good"
    NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found in one folder. `packages` counts the locked packages that were compared.

    `command` makes the files again, empty when the headers state no request that can be read.
    """

    folder: str
    files: tuple[str, ...]
    packages: int
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedCheck, ...]
    command: str = ""

    @property
    def verdict(self) -> Verdict:
        """Good, unless something is wrong or was left open; a warning is no fault."""
        if not has_no_error(self.findings):
            return Verdict.NOT_GOOD
        return Verdict.NOT_CHECKED if any(check.open for check in self.skipped) else Verdict.GOOD

    def remedy(self, finding: Finding) -> str:
        """The one thing to do about a finding. The command is made from the request line, never read from a header."""
        command = f"`{self.command}`" if self.command else "envgen with options of your own"
        return _REMEDIES.get(finding.code, _AGAIN).format(again=f"run {command} again")

    def exit_code(self, *, strict: bool) -> int:
        """1 when something is wrong; with `strict`, a warning counts too."""
        return exit_code((finding.level for finding in self.findings), strict=strict)


def has_no_error(findings: Iterable[Finding]) -> bool:
    """True when no finding is an error."""
    return not exit_code((finding.level for finding in findings), strict=False)
