"""Puts a site where it belongs: whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from envgen.core.errors import quoted
from envgen.core.stop import unstopped
from envgen.output.errors import OutputNotWritableError, OutputOtherError

# A folder with this file was written here before, and may be replaced whole.
MARK = ".envgen-site"


def check_place(folder: Path, *, force: bool) -> None:
    """Refuse a place that a site can't be put into; to be asked before one is made, which takes its time.

    Raises: OutputOtherError when something else is there, OutputNotWritableError when it can't be replaced.
    """
    try:
        if folder.name in ("", ".."):
            raise OutputNotWritableError(folder.as_posix(), "the folder is replaced whole, so it needs a name")
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise OutputNotWritableError(folder.as_posix(), f"{there.as_posix()} is no folder")
        if not force and folder.exists() and not _is_ours(folder):
            raise OutputOtherError(folder.as_posix())
    except OSError as error:
        raise OutputNotWritableError(folder.as_posix(), error.strerror or str(error)) from error


def write_site(folder: Path, files: Iterable[tuple[str, bytes]], *, force: bool) -> int:
    """Write all files into a new folder beside the target and put it in the target's place; return their number.

    Raises: OutputOtherError when something else is there, OutputNotWritableError when the folder can't be written.
    """
    check_place(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise OutputNotWritableError(folder.as_posix(), error.strerror or str(error)) from error
    try:
        count = 0
        for name, data in files:
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            count += 1
        (made / MARK).write_bytes(b"")
        made.chmod(0o755)
        old = made.with_name(f"{made.name}-old")
        with unstopped():  # between the two renames there is no site
            if folder.exists():
                folder.rename(old)
            made.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputNotWritableError(folder.as_posix(), error.strerror or quoted(str(error))) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return count


def _is_ours(folder: Path) -> bool:
    """True for an empty folder, and for one that holds a site."""
    return folder.is_dir() and ((folder / MARK).exists() or not any(folder.iterdir()))
