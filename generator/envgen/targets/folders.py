"""Where a target's files go: below the project's file, each target in a folder of its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from envgen.core.errors import quoted
from envgen.core.patterns import Pattern
from envgen.core.text_files import system_reason
from envgen.targets.manifest import FOLDERS, Target

# What a folder's name can be on every system (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
_PART = Pattern(r"[^<>:\"|?*\\\x00-\x1f\x7f/]{0,200}[^<>:\"|?*\\\x00-\x1f\x7f/ .]")
_RESERVED = Pattern(r"(?:con|conin\$|conout\$|prn|aux|nul|(?:com|lpt)[\d¹²³])(?:\..*)?|\.git|[~-].*", re.IGNORECASE)


def folder_of(name: str, output: str | None) -> PurePosixPath:
    """The folder of a target, relative to the project's file."""
    return PurePosixPath(output if output is not None else f"{FOLDERS}/{name}")


def folder_mistake(root: Path, folder: PurePosixPath) -> str | None:
    """Why a target's files can't go to a folder, or None."""
    text = quoted(str(folder))
    if folder.is_absolute() or "\\" in str(folder) or str(folder)[1:2] == ":" or ".." in folder.parts:
        return f"{text} is outside: a folder below the project's file, relative to it, with /"
    for part in folder.parts:
        if not _PART.fullmatch(part) or _RESERVED.fullmatch(part):
            return f"{text} is no name of a folder that every system leaves to a project"
    try:
        place, top = (root / folder).resolve(), root.resolve()
    except (OSError, RuntimeError) as error:
        return f"{text} leads nowhere: {system_reason(error)}"
    if place != top and top not in place.parents:
        return f"{text} is outside: a link leads it to another place"
    for path in reversed((folder, *folder.parents)):
        if (root / path).exists() and not (root / path).is_dir():
            return f"{quoted(str(path))} is a file"
    return None


def shared_folders(root: Path, targets: Sequence[Target]) -> Iterator[tuple[Target, Target]]:
    """The targets whose folder an earlier one has already, with that one; a link leads to the folder that it names.

    Not every system tells `Lab` from `lab`, or an `é` of one character from one of two.
    """
    taken: dict[str, Target] = {}
    for target in targets:
        first = taken.setdefault(_on_every_system(root, target.folder), target)
        if first is not target:
            yield target, first


def _on_every_system(root: Path, folder: PurePosixPath) -> str:
    """The place that a folder is, spelled so that two spellings which one system takes for one are the same."""
    try:
        place = (root / folder).resolve()
    except (OSError, RuntimeError, ValueError):
        place = root / folder  # told as a mistake of its own
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(place)).casefold())
