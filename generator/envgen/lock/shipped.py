"""The shipped locks on disk: what `lockfiles/` holds, and the files of one lock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envgen.core.resolution import Pairing
from envgen.core.shipped import Shipped, parse_shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLocks:
    """A tree of shipped locks (`lockfiles`), sorted by folder name."""

    root: Path
    locks: tuple[Shipped, ...] = ()

    @classmethod
    def read(cls, root: Path) -> ShippedLocks:
        """Every lock below `root`."""
        places = (
            PurePosixPath(subdir, python, name)
            for subdir in _folders(root)
            for python in _folders(root / subdir)
            for name in _folders(root / subdir / python)
        )
        locks = (parse_shipped(place) for place in places)
        return cls(root=root, locks=tuple(lock for lock in locks if lock is not None))

    def files(self, lock: Shipped) -> dict[str, str]:
        """File name -> text of one lock, headers included; empty when it isn't there."""
        folder = self.root / lock.folder
        if not folder.is_dir():
            return {}
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}


def shipped_of(pairing: Pairing, python: str) -> Shipped:
    """The place of a pairing's lock in the tree."""
    package_set, torch, cuda_tag = pairing.build.key
    return Shipped(package_set=package_set, subdir=pairing.build.subdir, python=python, torch=torch, cuda_tag=cuda_tag)


def _folders(place: Path) -> list[str]:
    """The names of the folders in a folder, sorted."""
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())
