"""Numbers that are too long to be any: Python refuses to read or to write more than 4,300 decimal digits."""

from __future__ import annotations

from envgen.core.patterns import Pattern

# Decimal, hexadecimal, octal, with the marks between digits that TOML, YAML and Python allow; YAML 1.1 counts in 60 by
# colons. The longest run that a file of packages has is a hash of 128.
_ENDLESS = Pattern(r"(?<![0-9a-fA-F_:])[0-9a-fA-F_:]{3000}")


def has_endless_number(text: str) -> bool:
    """True when a text of somebody holds a number, or what could be one, of thousands of digits."""
    return _ENDLESS.search(text) is not None
