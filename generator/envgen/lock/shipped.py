"""The shipped locks on disk: what `lockfiles/` holds, and the bodies of one lock."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from envgen.core.shipped import Shipped, parse_shipped


def shipped_locks(root: Path) -> tuple[Shipped, ...]:
    """Every lock below `root` (the `lockfiles` tree), sorted by folder name."""
    places = (
        PurePosixPath(subdir, python, name)
        for subdir in _folders(root)
        for python in _folders(root / subdir)
        for name in _folders(root / subdir / python)
    )
    locks = (parse_shipped(place) for place in places)
    return tuple(lock for lock in locks if lock is not None)


def _folders(place: Path) -> list[str]:
    """The names of the folders in a folder, sorted."""
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def shipped_files(root: Path, lock: Shipped) -> dict[str, str]:
    """File name -> text of one shipped lock, headers included."""
    folder = root / lock.folder
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
