"""Puts a site where it belongs: whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from envgen.core.errors import quoted
from envgen.output.errors import OutputNotWritableError, OutputOtherError

# A folder with this file was written here before, and may be replaced whole.
MARK = ".envgen-site"


def write_site(folder: Path, files: Iterable[tuple[str, bytes]], *, force: bool) -> int:
    """Write all files into a new folder beside the target and put it in the target's place; return their number.

    Raises: OutputOtherError when something else is there, OutputNotWritableError when the folder can't be written.
    """
    if not force and folder.exists() and not _is_ours(folder):
        raise OutputOtherError(folder.as_posix())
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
