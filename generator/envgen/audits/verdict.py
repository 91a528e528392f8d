"""What is said of one torch in one file."""

from __future__ import annotations

from enum import StrEnum

from envgen.core.dataclass import dataclass
from envgen.readers.mention import Mention

CPU_BUILD = "cpu-build"


class Outcome(StrEnum):
    """Whether it runs."""

    RUNS = "runs"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer for one build, or for what can't be a build: the reason is a whole sentence, `code` its kind.

    `driver` says which driver alone would make it run, as a person does it, and is empty when none would.
    """

    outcome: Outcome
    reason: str
    code: str = ""
    label: str = ""
    notes: tuple[str, ...] = ()
    driver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One torch on one platform. `change` is the smallest that makes it run, as a person does it."""

    mention: Mention
    platform: str
    judgement: Judgement
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """All verdicts on one file; `remarks` are what else was seen, `error` why it could not be read.

    `target` is that of the project that it was judged for; empty for the command line.
    """

    file: str
    format: str
    verdicts: tuple[Verdict, ...] = ()
    remarks: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    target: str = ""
