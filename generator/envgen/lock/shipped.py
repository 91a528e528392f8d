"""The shipped locks on disk: what `lockfiles/` holds, and the bodies of one lock."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from envgen.core.shipped import Shipped, parse_shipped


def shipped_locks(root: Path) -> tuple[Shipped, ...]:
    """Every lock below `root` (the `lockfiles` tree), sorted by folder name."""
    found = []
    for folder in sorted(root.glob("*/py*/*-*")):
        lock = parse_shipped(PurePosixPath(folder.relative_to(root).as_posix()))
        if lock is not None:
            found.append(lock)
    return tuple(found)


def shipped_files(root: Path, lock: Shipped) -> dict[str, str]:
    """File name -> text of one shipped lock, headers included."""
    folder = root / lock.folder
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
