"""Text from anywhere, made safe to show: nothing in it can act on a terminal or start a line of its own."""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    """The text with everything escaped that is not printable; `keep` names characters that stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in text)


def ascii_text(text: str, *, keep: str = "") -> str:
    """The same in ASCII: what any encoding of a terminal or a file can hold."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" or c in keep else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
