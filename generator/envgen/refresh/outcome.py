"""What a task is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.findings import Level
from envgen.net.deadline import Patience

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person has to decide. `evidence` are facts, a line each; `remedy` is what to do next.

    With an error nothing is written.
    """

    code: str
    title: str
    evidence: tuple[str, ...] = ()
    remedy: str
    level: Level = Level.WARNING

    def __str__(self) -> str:
        lines = [f"{self.level}: {self.title} [{self.code}]", *(f"  {fact}" for fact in self.evidence)]
        return "\n".join([*lines, f"  hint: {self.remedy}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a task reads: the tables in `folder`, and indexes. `today` is the day that new rows are dated with.

    `wheel_mirror` stands for `https://download.pytorch.org/whl`, empty for that itself; `pypi` is a simple index;
    `releases` is how many of the newest are looked at; `source` stands for the URL that a task reads by itself, or is
    the file that it reads.
    """

    folder: Path
    today: str
    patience: Patience
    wheel_mirror: str = ""
    pypi: str = ""
    releases: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`files` maps the name of a file in the data folder to its new text (it may be the old one)."""

    files: Mapping[str, str]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def is_refused(self) -> bool:
        """True when a finding forbids writing."""
        return any(finding.level is Level.ERROR for finding in self.findings)
