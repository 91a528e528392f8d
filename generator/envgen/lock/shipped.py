"""The shipped locks on disk: what `lockfiles/` holds, and the files of one lock."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.shipped import Shipped, parse_shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLocks:
    """A tree of shipped locks (`lockfiles`), sorted by folder name."""

    root: Path
    locks: tuple[Shipped, ...] = ()

    @classmethod
    def read(cls, root: Path, subdir: Subdir | None = None, python: str = "") -> ShippedLocks:
        """Every lock below `root`, or those for one platform and Python (X.Y)."""
        places = (
            PurePosixPath(platform, version, name)
            for platform in ([subdir.value] if subdir else _folders(root))
            for version in ([f"py{python}"] if python else _folders(root / platform))
            for name in _folders(root / platform / version)
        )
        locks = (parse_shipped(place) for place in places)
        return cls(root=root, locks=tuple(lock for lock in locks if lock is not None))

    def files(self, lock: Shipped) -> dict[str, str]:
        """File name -> text of one lock, headers included; empty when it isn't there."""
        folder = self.root / lock.folder
        if not folder.is_dir():
            return {}
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}


def _folders(place: Path) -> list[str]:
    """The names of the folders in a folder, sorted; none where it isn't there."""
    try:
        with os.scandir(place) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []
