"""What a person's files ask for, file by file and all together."""

from __future__ import annotations

from dataclasses import field

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError

# Requirements in all files of a run: each takes time, and nobody's environment is of so many.
_MOST = 5000


class RequirementsFileError(UsageError):
    """A file of requirements can't be read, or has not what was asked of it."""

    code = "input-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """Something in a file that a lock can't hold: `where` is `FILE:LINE` or a table's name, `text` has no login."""

    where: str
    text: str
    reason: str


@dataclass(slots=True)
class Asked:
    """Requirements and constraints (PEP 508, as packaging writes them), torch's own family apart.

    `requirements` are for both sets, `pip` and `conda` for one. `python` (X.Y) is empty when none is asked for.
    `channels` are conda's, in the order of the files. `inputs` maps the name of each file that was given to its lines,
    as far as they were taken. `seen` are the files that were read, each with whether it was for constraints; `read` is
    how many requirements they hold.
    """

    requirements: list[str] = field(default_factory=list)
    pip: list[str] = field(default_factory=list)
    conda: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    family: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    not_taken: list[NotTaken] = field(default_factory=list)
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    python: str = ""
    seen: set[tuple[str, bool]] = field(default_factory=set)
    read: int = 0

    def count(self, where: str) -> None:
        """Count one more requirement.

        Raises: RequirementsFileError when they are more than any files hold.
        """
        self.read += 1
        if self.read > _MOST:
            raise RequirementsFileError(f"{where} can't be read", fact=f"it is past the {_MOST:,}th requirement")

    def lines(self) -> tuple[str, ...]:
        """Everything that was taken, in one order."""
        bounds = (f"-c {line}" for line in self.constraints)
        return tuple(sorted({*self.with_texts(), *self.family, *bounds}))

    def with_texts(self) -> tuple[str, ...]:
        """The packages as values of `--with`."""
        return (*self.requirements, *(f"pip:{line}" for line in self.pip), *(f"conda:{line}" for line in self.conda))
