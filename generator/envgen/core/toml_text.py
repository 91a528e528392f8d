"""TOML that anybody may have written, parsed in a time that goes with its length."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from envgen.core.text_files import has_endless_number

# An end that is missing is no reason to look at every later quote anew.
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*+(\"?)|'[^'\n]*+('?)")
_MOST_DOTS = 100  # a second for a megabyte of keys; lock files have keys of four parts


def parse_toml(text: str) -> dict[str, Any]:
    """Return what a TOML text holds.

    tomllib walks a dotted key part by part, anew for each of its parts: one of 10,000 takes minutes.

    Raises: tomllib.TOMLDecodeError, also for a text that is nested too deeply, has a line of very many dots, or a
    number that Python could not write again.
    """
    if has_endless_number(text):
        raise tomllib.TOMLDecodeError("A number of thousands of digits")
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > _MOST_DOTS and _without_strings(line).count(".") > _MOST_DOTS:
            raise tomllib.TOMLDecodeError(
                f"More than {_MOST_DOTS} dots outside of strings (at line {number}, column 1)"
            )
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("Nested too deeply") from error


def _without_strings(line: str) -> str:
    return _STRING.sub(lambda found: "s" if found[1] or found[2] else found[0], line)
