"""What a run would change in a folder: file by file, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from envgen.core.errors_output import OutputEditedError, OutputNotFolderError, OutputNotWritableError
from envgen.core.platforms import Subdir
from envgen.render.header import is_untouched, split

_SUBDIRS = "|".join(re.escape(subdir.value) for subdir in Subdir)
# Every file name that envgen writes; a file of ours that is no longer wanted is known by it.
_OURS = re.compile(
    rf"environment(-({_SUBDIRS}))?\.yml|({_SUBDIRS})\.conda-lock\.yml|conda-lock\.yml|conda-({_SUBDIRS})\.lock"
    rf"|virtual-packages\.yml|requirements(-({_SUBDIRS}))?\.txt|pylock(\.({_SUBDIRS}))?\.toml|smoke_test\.py"
)


class State(StrEnum):
    """What happens to one file."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    EDITED = "edited"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file of a plan. `old` is None when there is none (or it is not text), `new` is None when it is removed."""

    name: str
    state: State
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would change. `torn` is True when the files of ours in the folder come from several runs."""

    folder: Path
    changes: tuple[Change, ...]
    torn: bool

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that would be written or removed."""
        return tuple(change for change in self.changes if change.state is not State.SAME)

    def diff(self) -> str:
        """A unified diff of everything that would change, in the order of the file names."""
        from difflib import unified_diff

        parts: list[str] = []
        for change in self.pending:
            old, new = (change.old or "").splitlines(keepends=True), (change.new or "").splitlines(keepends=True)
            before = f"a/{change.name}" if change.old is not None else "/dev/null"
            after = f"b/{change.name}" if change.new is not None else "/dev/null"
            parts += unified_diff(old, new, before, after)
        return "".join(parts)


def is_ours(name: str) -> bool:
    """True for a file name that envgen writes."""
    return _OURS.fullmatch(name) is not None


def read_folder(folder: Path) -> dict[str, str | None]:
    r"""File name -> text (with `\n` line ends) of the files with names of ours; None when one is no UTF-8 text.

    An absent folder is an empty one.

    Raises: OutputNotFolderError when the path or a part of it is a file, OutputNotWritableError when it can't be read.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir() if is_ours(entry.name))
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise OutputNotFolderError(folder.as_posix(), "a file stands there") from error
    except OSError as error:
        raise OutputNotWritableError(folder.as_posix(), error.strerror or str(error)) from error
    return {name: _read(folder / name) for name in names}


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (UnicodeDecodeError, OSError):
        return None


def untouched(found: Mapping[str, str | None]) -> dict[str, str]:
    """The files that nobody edited since envgen wrote them: the pins that may be kept."""
    return {name: text for name, text in found.items() if text is not None and is_untouched(text)}


def make_plan(folder: Path, found: Mapping[str, str | None], files: Mapping[str, str], *, force: bool) -> Plan:
    """Compare what is in a folder (`read_folder`) with what should be; nothing is written.

    Raises: OutputEditedError when a file that would change was edited and `force` is not given.
    """
    changes = [_change(name, name in found, found.get(name), text) for name, text in sorted(files.items())]
    for name in sorted(set(found) - set(files)):
        text = found[name]
        if text is not None and is_untouched(text):
            changes.append(Change(name=name, state=State.STALE, old=text, new=None))
    edited = [(change.name, _why(change.old)) for change in changes if change.state is State.EDITED]
    if edited and not force:
        raise OutputEditedError(folder.as_posix(), edited)
    runs = {header.run for text in found.values() if text is not None and (header := split(text)[0]) is not None}
    return Plan(folder=folder, changes=tuple(changes), torn=len(runs) > 1)


def _change(name: str, exists: bool, old: str | None, new: str) -> Change:
    if not exists:
        state = State.NEW
    elif old == new:
        state = State.SAME
    elif old is not None and is_untouched(old):
        state = State.CHANGED
    else:
        state = State.EDITED
    return Change(name=name, state=state, old=old, new=new)


def _why(old: str | None) -> str:
    if old is None:
        return "not a text file"
    header, _ = split(old)
    return "no envgen header" if header is None else "its body no longer has the digest of its header"
