"""What a file says about torch, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError, quoted
from envgen.core.sets import PackageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One torch that a file names.

    `line` is 1-based and `text` what stands there. `version` is an exact release without its local part, `specifier` a
    range when there is none (PEP 440 for pip, conda's own for conda); both are empty for a bare name. `cuda` is a CUDA
    tag (`cu128`), `cpu`, or empty when the file does not say. `sources` are index URLs or channels, the first that a
    resolver asks first. `platforms` (`linux-64`, also `osx-arm64`) and `pythons` (X.Y) are empty for any. `variant`
    names the extra, group, environment or stage; `locked` says that exactly one build is meant. `unclear` is a reason
    why it can't be judged, as a sentence, or empty. `image` is the tag of a container image that brings it.
    `beside_pypi`: `cuda` is only that of an index beside PyPI, and the highest version of both is taken, as by pip.
    """

    line: int
    text: str
    package_set: PackageSet
    version: str = ""
    specifier: str = ""
    cuda: str = ""
    sources: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    variant: str = ""
    build: str = ""
    image: str = ""
    locked: bool = False
    unclear: str = ""
    beside_pypi: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOption:
    """An index that pip is told to ask. `kind` is the option's long name without dashes."""

    kind: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """A requirements file that another file names, and the indexes that are asked for what is in it."""

    path: str
    options: tuple[IndexOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one file holds: its torch mentions in the order of their lines, and remarks on what is no torch."""

    format: str
    mentions: tuple[Mention, ...]
    remarks: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()


class FileUnreadableError(DataError):
    """A file that was to be audited can't be read (exit 3, unlike every other data error)."""

    code = "file-unreadable"
    exit_code = 3

    def __init__(self, *, name: str, reason: str, line: int = 0) -> None:
        where = f"{name}:{line}" if line else name
        super().__init__(f"{quoted(where, 200)} can't be read", reason)
        self.name, self.reason, self.line = name, reason, line


class Lines:
    """The lines of a text, and on which of them something stands. A parser's values have no line numbers."""

    def __init__(self, text: str) -> None:
        self._lines: Sequence[str] = text.split("\n")

    def numbers(self, *starts: str) -> list[int]:
        """The numbers (1-based) of the lines that begin with one of the texts, leading space and dashes apart."""
        return [n for n, line in enumerate(self._lines, 1) if line.lstrip(" \t-").startswith(starts)]

    def first(self, *parts: str, after: int = 0) -> int:
        """The number of the first line behind `after` that holds every part, else 1."""
        found = enumerate(self._lines[after:], after + 1)
        return next((number for number, line in found if all(part in line for part in parts)), 1)

    def at(self, number: int) -> str:
        """The text of a line, without the space around it."""
        return self._lines[number - 1].strip() if 0 < number <= len(self._lines) else ""
