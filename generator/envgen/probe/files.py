"""The one way to the host's files: read-only, below one root, absent files are no errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

_LIMIT = 16 << 20  # bytes; the largest file of interest is the RECORD of torch with 1.3 MB


class HostFiles(Protocol):
    """Read-only access to a host's files by absolute path."""

    def read(self, path: str, /) -> str | None:
        """The text of a file (bytes that are no UTF-8 are replaced), or None when it can't be read."""
        ...

    def names(self, path: str, /) -> tuple[str, ...]:
        """The sorted names in a folder; empty when it can't be read."""
        ...

    def target(self, path: str, /) -> str:
        """The path after following links, or an empty text when nothing is there."""
        ...

    def access(self, path: str, /) -> bool | None:
        """True when this user may read and write the file, False when not, None when nothing is there."""
        ...


class DirectoryFiles:
    """The files below a real folder; `Path("/")` is the host itself."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _at(self, path: str) -> Path:
        if self._root == Path(self._root.anchor):
            return Path(path)
        return self._root / path.lstrip("/\\").replace(":", "")

    def read(self, path: str, /) -> str | None:
        try:
            with self._at(path).open("rb") as file:
                return file.read(_LIMIT).decode("utf-8", "replace")
        except OSError:
            return None

    def names(self, path: str, /) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in self._at(path).iterdir()))
        except OSError:
            return ()

    def target(self, path: str, /) -> str:
        at = self._at(path)
        try:
            return str(at.resolve(strict=True))
        except (OSError, RuntimeError):
            return ""

    def access(self, path: str, /) -> bool | None:
        at = self._at(path)
        if not at.exists():
            return None
        return os.access(at, os.R_OK | os.W_OK)
