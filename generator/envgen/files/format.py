"""What a file format of envgen's is made of; `files/formats` has one module for each, `files/registry` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Generic, TypeVar

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.records.request import RequestRecord

Lock = TypeVar("Lock")
Content = TypeVar("Content")
_SUBDIR = "{subdir}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """For which file and which host the use of a file is explained.

    `cuda` is the X.Y that a conda solve needs, `environment` the name of conda's environment; both are empty for pip,
    and `cuda` for a CPU build.
    """

    file: str
    subdir: Subdir
    python: str
    cuda: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What else a file may be made from: the request, and the bodies that were already made for the same locks."""

    request: RequestRecord | None = None
    bodies: Mapping[str, str] = field(default_factory=dict)


def no_lines(use: Use) -> Iterator[str]:
    """The lines of a file that only programs open."""
    del use
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat(Generic[Lock, Content]):
    """One kind of file that a run writes.

    `set` is the set it belongs to, None for what goes with both. With `required` a set is not whole without it; one
    that came later is not missed in what was written before. `one` is its name when one file is for all platforms,
    `each` its name when there is one for each, with `{subdir}` in it: a format without `one` always has the subdir in
    its name, one without `each` never.

    `write` makes the body (no header) for locks that share a file. `read` takes a text, headers may still be on, and
    the name that errors give it. `input_option` is the option that reads such a file of a person's own.
    `use` yields the lines that tell a person what to do with the file.
    """

    set: PackageSet | None
    required: bool = False
    one: str = ""
    each: str = ""
    write: Callable[[Sequence[Lock], Beside], str]
    read: Callable[[str, str], Content]
    input_option: str = ""
    use: Callable[[Use], Iterator[str]] = no_lines

    @property
    def has_two_forms(self) -> bool:
        """True when its names tell whether there is one file for all platforms or one for each."""
        return bool(self.one and self.each)

    def name(self, subdir: Subdir | None, *, many: bool) -> str:
        """The file name for one of `many` platforms, or for the only one or all of them."""
        if subdir is not None and self.each and (many or not self.one):
            return self.each.replace(_SUBDIR, subdir.value)
        return self.one

    def matches(self, name: str) -> bool:
        """True for a file name of this format."""
        return name != "" and (name == self.one or self.subdir_of(name) is not None)

    def subdir_of(self, name: str) -> Subdir | None:
        """The subdir in a file name of this format, None when it carries none."""
        if not self.each:
            return None
        return next((subdir for subdir in Subdir if name == self.each.replace(_SUBDIR, subdir.value)), None)
