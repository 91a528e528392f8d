"""Poetry's versions in the words of PEP 440."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CARET = re.compile(r"\^\s*(\d+(?:\.\d+)*)")
_TILDE = re.compile(r"~(?!=)\s*(\d+(?:\.\d+)*)")


def pep440_of_poetry(version: str) -> str:
    """poetry's `^2.1`, `~2.1.0`, `2.1`, `*` as a PEP 440 specifier, which is empty for any version."""
    return ",".join(_specifiers(version))


def _specifiers(version: str) -> Iterator[str]:
    """`^1.2` is `>=1.2,<2`, `~1.2` is `>=1.2,<1.3`, `1.2` is `==1.2`, `1.*` is `==1.*`; poetry's documentation."""
    for part in filter(None, (part.strip() for part in version.split(","))):
        if part == "*":
            continue
        if caret := _CARET.fullmatch(part):
            yield from (f">={caret[1]}", f"<{_next(caret[1], _first_significant(caret[1]))}")
        elif tilde := _TILDE.fullmatch(part):
            yield from (f">={tilde[1]}", f"<{_next(tilde[1], min(1, tilde[1].count('.')))}")
        else:
            yield part if part[0] in "<>=!~" else f"=={part}"


def _first_significant(version: str) -> int:
    numbers = [int(number) for number in version.split(".")]
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(version: str, place: int) -> str:
    """The first version after all that agree with this one up to a place."""
    numbers = [int(number) for number in version.split(".")][: place + 1]
    return ".".join(str(number) for number in (*numbers[:-1], numbers[-1] + 1))
