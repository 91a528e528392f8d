"""A pasted text as plain lines: without quoting, fences, colours and the marks of a web page."""

from __future__ import annotations

import html
import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A quoted line begins with `>`; Python's own prompt has three of them.
_QUOTE = re.compile(r"^(?:\s*>(?!>>) ?)+")
_FENCE = re.compile(r"^\s*(```|~~~)\w*\s*$")
# What torch and Python break over several lines when a terminal or a mail wraps them.
_BEGINS = re.compile(r"UserWarning:(?: |$)|Found GPU\d+ |CUDA initialization: |^\w*(Error|Exception): ")
_NEW_STATEMENT = re.compile(
    r"^\s*$|^\s*(File |Traceback|>>>|\||\+[-=]|\$ |echo |\[(?:pip3?|conda)\]|\d+x )"
    r"|^\s*(?:torch|pytorch|driver|python|cuda|gpu)\b[ \t:=]|^[A-Z][\w ]+ ?: |^\w*(Error|Exception|Warning): "
)
# What of a report and of each of its lines is read: nobody writes more by hand, and no program prints more.
_LIMIT, _LINE, _LINES = 2 << 20, 4000, 20_000


def plain_lines(text: str) -> list[str]:
    """Return the lines of a pasted text."""
    return [line for _, line in numbered_lines(text)]


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines of a pasted text, each with its number (1-based) there: fences are left out."""
    lines = []
    for number, raw in enumerate(text[:_LIMIT].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_LINES], 1):
        line = _COLOUR.sub("", html.unescape(raw[:_LINE])).replace("\u00a0", " ").lstrip("\ufeff\u200b")
        line = _QUOTE.sub("", line)
        if not _FENCE.fullmatch(line):
            lines.append((number, line.rstrip()))
    return lines


def joined(lines: list[str]) -> list[str]:
    """Return the lines with the rest of each message that was wrapped put back behind its beginning."""
    whole: list[str] = []
    room = 0
    for line in lines:
        if room and whole and not _NEW_STATEMENT.match(line):
            whole[-1] += " " + line.strip()
            room -= 1
            continue
        whole.append(line)
        room = 3 if _BEGINS.search(line) else 0
    return whole
