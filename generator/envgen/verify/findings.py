"""What a verification is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envgen.core.findings import Level, SkippedCheck


class Code(StrEnum):
    """Every fault that can be found, in the order in which they are told."""

    FILE_UNREADABLE = "file-unreadable"
    HEADER_MISSING = "header-missing"
    FILE_EDITED = "file-edited"
    SET_TORN = "set-torn"
    FILE_MISSING = "file-missing"
    FILES_DISAGREE = "files-disagree"
    CPU_BUILD = "cpu-build"
    BUILD_UNKNOWN = "build-unknown"
    COMPANION_MISMATCH = "companion-mismatch"
    INDEX_WRONG = "index-wrong"
    WRONG_PLATFORM = "wrong-platform"
    HASH_MISMATCH = "hash-mismatch"
    NOT_ON_INDEX = "not-on-index"
    DEPENDENCY_MISSING = "dependency-missing"
    DEPENDENCY_VERSION = "dependency-version"
    CONTENT_HASH = "content-hash"
    GPU_NOT_COVERED = "gpu-not-covered"
    DRIVER_TOO_OLD = "driver-too-old"
    CUDNN_UNSUPPORTED = "cudnn-unsupported"


_ORDER = {code: place for place, code in enumerate(Code)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What may be asked over the network; a mirror is an empty string when there is none. `pypi` stands for PyPI."""

    offline: bool = False
    wheel_mirror: str = ""
    pypi: str = ""
    conda_mirror: str = ""
    timeout_s: float = 120.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found in one folder. `packages` counts the locked packages that were compared."""

    folder: str
    files: tuple[str, ...]
    packages: int
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedCheck, ...]

    @property
    def is_good(self) -> bool:
        """True when nothing is wrong; a warning is no fault."""
        return not any(finding.level is Level.ERROR for finding in self.findings)
