"""How the text of a file that a person made is encoded, as far as its first bytes say it."""

from __future__ import annotations

UTF16 = "utf-16"
UTF8 = "utf-8-sig"


def encoding_of(data: bytes) -> str:
    """UTF-16 by its byte order mark, which PowerShell's `>` and Excel's "Unicode Text" write; else UTF-8."""
    return UTF16 if data[:2] in (b"\xff\xfe", b"\xfe\xff") else UTF8
