"""Files that a person names: each may be a pipe that never ends, of any size and encoding, or no text at all."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from envgen.core.patterns import Pattern

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
_UTF16 = "utf-16"
# Decimal, hexadecimal, octal, with the marks between digits that TOML, YAML and Python allow; YAML 1.1 counts in 60 by
# colons. The longest run that a file of packages has is a hash of 128.
_ENDLESS = Pattern(r"(?<![0-9a-fA-F_:])[0-9a-fA-F_:]{3000}")


def read_regular(path: Path, most: int = -1) -> bytes:
    """Return the first bytes of a file, all by default; a pipe, a device or a socket is not opened.

    Raises: OSError, whose `strerror` says what else is there; ValueError for what is no path.
    """
    kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}, and only files are read: save what comes out of it as one")
    with path.open("rb") as file:
        return file.read(most)


def encoding_of(data: bytes) -> str:
    """UTF-16 by its byte order mark, which PowerShell's `>` and Excel's "Unicode Text" write; else UTF-8."""
    return _UTF16 if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def read_text_file(path: Path, *, largest: int, with_utf16: bool = True) -> str:
    """Return the text of a file of at most `largest` bytes, without a byte order mark.

    Raises: OSError; ValueError, with the reason, for what is no such text.
    """
    data = read_regular(path, largest + 1)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest >> 20} MiB, as no such file is")
    encoding = encoding_of(data)
    if encoding == _UTF16 and not with_utf16:
        raise ValueError("it is in UTF-16, and TOML is in UTF-8: save it so")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        known = "UTF-8 or UTF-16 with a byte order mark" if with_utf16 else "UTF-8"
        raise ValueError(f"it is no text in {known}: {error.reason} at byte {error.start}, line {line}") from error
    if "\0" in text:
        raise ValueError(f"it is no text: a NUL at byte {text.index(chr(0))}")
    return text


def system_reason(error: Exception) -> str:
    """Why a file can't be read or written, without its name."""
    return getattr(error, "strerror", None) or str(error)


def has_endless_number(text: str) -> bool:
    """True when a text holds a number, or what could be one, of more digits than Python reads or writes (4,300)."""
    return _ENDLESS.search(text) is not None
