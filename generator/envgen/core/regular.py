"""Reads what a person names: a pipe, a device or a socket may never end, or be somebody's, so none is opened."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def read_regular(path: Path, most: int = -1) -> bytes:
    """Return the first bytes of a file, all by default.

    Raises: OSError, whose `strerror` says what else is there; ValueError for what is no path.
    """
    kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}, and only files are read: save what comes out of it as one")
    with path.open("rb") as file:
        return file.read(most)
