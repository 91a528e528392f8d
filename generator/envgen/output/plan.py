"""What a run would change in a folder: file by file, before anything is written."""

from __future__ import annotations

import contextlib
import re
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.escape import ascii_text
from envgen.files.reading import is_untouched, split
from envgen.files.registry import input_option, is_ours, set_of
from envgen.output.errors import OutputEditedError, OutputNotFolderError, OutputNotWritableError

_LARGEST = 1 << 20


class State(StrEnum):
    """What happens to one file."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    EDITED = "edited"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file of a plan. `old` is None when there is none or it is no text of a file, `new` when it is removed."""

    name: str
    state: State
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would change. `torn` is True when the untouched files of a set come from several runs.

    `left` names files of an earlier run that are no longer part of the set, and stay because somebody edited them.
    """

    folder: Path
    changes: tuple[Change, ...]
    torn: bool
    left: tuple[str, ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that would be written or removed."""
        return tuple(change for change in self.changes if change.state is not State.SAME)

    def refusal(self) -> OutputEditedError | None:
        """The error that writing ends with unless it is forced: files that were edited, or are not envgen's."""
        return refusal_of(self.folder, {c.name: c.old for c in self.changes if c.state is State.EDITED})

    def diff(self) -> str:
        """A unified diff in ASCII: the files that come or change by name, then those that go.

        What a terminal could act on is escaped: a file that is there may hold anything.
        """
        return "".join(_diff(change) for change in self.pending)


def _diff(change: Change) -> str:
    from difflib import unified_diff

    before = "/dev/null" if change.state is State.NEW else f"a/{change.name}"
    after = "/dev/null" if change.state is State.STALE else f"b/{change.name}"
    if change.old is None and change.state is not State.NEW:
        return f"--- {before}\n+++ {after}\nwhat is there is no text and would be replaced\n"
    lines = unified_diff(_lines(change.old or ""), _lines(change.new or ""), before, after)
    return "".join(_shown(line) for line in lines)


def _lines(text: str) -> list[str]:
    """Split at `\\n` alone: `str.splitlines` also splits where no diff tool does."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _shown(line: str) -> str:
    body = line.removesuffix("\n")
    return ascii_text(body, keep="\t") + ("\n" if body != line else "\n\\ No newline at end of file\n")


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
        raise OutputNotFolderError(folder.as_posix(), "there is a file of that name") from error
    except OSError as error:
        raise OutputNotWritableError(folder.as_posix(), error.strerror or str(error)) from error
    found: dict[str, str | None] = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # another run removed it just now
            found[name] = read_file(folder / name)
    return found


def read_file(path: Path) -> str | None:
    r"""Return a file's text with `\n` line ends; None when a link, a folder or anything but UTF-8 text is there.

    A text of more than 1 MiB counts as none: the largest lock that is shipped has a twentieth of that.

    Raises: FileNotFoundError when nothing is there.
    """
    if not stat.S_ISREG(path.lstat().st_mode):  # a link leads out of the folder, and a pipe would never end
        return None
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        return data.decode("utf-8").replace("\r\n", "\n") if len(data) <= _LARGEST else None
    except (UnicodeDecodeError, PermissionError):
        return None


def untouched(found: Mapping[str, str | None]) -> dict[str, str]:
    """The files that nobody edited since envgen wrote them: the pins that may be kept."""
    return {name: text for name, text in found.items() if text is not None and is_untouched(text)}


def is_foreign(text: str | None) -> bool:
    """True for the text of a file that envgen never wrote, and for what is no text."""
    return text is None or split(text)[0] is None


def refusal_of(folder: Path, files: Mapping[str, str | None]) -> OutputEditedError | None:
    """The error about those of some files that were edited, or are not envgen's; None when there are none."""
    edited = {name: text for name, text in files.items() if text is None or not is_untouched(text)}
    folders = [name for name, text in edited.items() if text is None and _is_folder(folder / name)]
    reasons = [(name, "a folder" if name in folders else _why(text)) for name, text in edited.items()]
    foreign = {n: input_option(n) if t else "" for n, t in edited.items() if is_foreign(t) and n not in folders}
    return OutputEditedError(folder.as_posix(), reasons, folders, foreign) if edited else None


def make_plan(folder: Path, found: Mapping[str, str | None], files: Mapping[str, str], *, force: bool) -> Plan:
    """Compare what is in a folder (`read_folder`) with what should be; nothing is written.

    Raises: OutputEditedError when a file that would change was edited and `force` is not given.
    """
    changes = [_change(name, name in found, found.get(name), text) for name, text in sorted(files.items())]
    for name in sorted(set(found) - set(files)):
        text = found[name]
        if text is not None and is_untouched(text):
            changes.append(Change(name=name, state=State.STALE, old=text, new=None))
    plan = Plan(folder=folder, changes=tuple(changes), torn=_is_torn(untouched(found)), left=_left(found, files))
    if not force and (refusal := plan.refusal()):
        raise refusal
    return plan


def _is_torn(texts: Mapping[str, str]) -> bool:
    """True when the files of a set state several digests of it."""
    stated: dict[object, set[str]] = {}
    for name, text in texts.items():
        header, _ = split(text)
        if header is not None and (of := set_of(name)) is not None:
            stated.setdefault(of, set()).add(header.set)
    return any(len(digests) > 1 for digests in stated.values())


def _left(found: Mapping[str, str | None], files: Mapping[str, str]) -> tuple[str, ...]:
    edited = (name for name, text in found.items() if text is not None and split(text)[0] and not is_untouched(text))
    return tuple(sorted(set(edited) - set(files)))


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


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _why(old: str | None) -> str:
    if old is None:
        return "a link, or no text that can be read"
    header, _ = split(old)
    return "no envgen header" if header is None else "its body no longer has the digest of its header"
