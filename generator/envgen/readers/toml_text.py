"""TOML that anybody wrote, parsed once, with errors that name the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from envgen.core.toml_text import parse_toml as parse
from envgen.readers.mention import FileUnreadableError

Table = Mapping[str, Any]
_WHERE = re.compile(r"at line (\d+)")


def parse_toml(text: str, *, name: str) -> Table:
    """Return the tables of a TOML text.

    Raises: FileUnreadableError when it is not TOML, with the line.
    """
    try:
        return parse(text)
    except tomllib.TOMLDecodeError as error:
        where = _WHERE.search(str(error))
        raise FileUnreadableError(
            name=name, reason=f"it is not TOML: {str(error)[:200]}", line=int(where[1]) if where else 0
        ) from error


def tables(value: object) -> list[Table]:
    """The tables of an array of tables; what is none is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def table(value: object, *keys: str) -> Table:
    """The table below some keys; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> list[str]:
    """The strings of an array; a single string counts as one."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, Iterable) else []


def text_of(value: object) -> str:
    """A string, or an empty one for anything else."""
    return value if isinstance(value, str) else ""
