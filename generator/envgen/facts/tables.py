"""Fact tables: CSV files in `facts/data`, read as text, cell by cell, so that a version never becomes a float.

A table with a schema of its name in `facts/schema` is checked in full by the tests; at run time only its shape is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from envgen.facts.errors import FactInvalidError, Violation

P = ParamSpec("P")
T = TypeVar("T")


def once(load: Callable[P, T]) -> Callable[P, T]:
    """Load a table of the package once a process: neither the files nor what is made of them change under it."""
    return cast("Callable[P, T]", cache(load))


def data_dir() -> Path:
    """The folder of the tables."""
    return Path(__file__).parent / "data"


def read_schema(table: str, folder: Path | None = None) -> dict[str, Any]:
    """The JSON Schema of the rows of a table."""
    from envgen.core.json_text import parse_json_object

    return parse_json_object(((folder or schema_dir()) / f"{table}.schema.json").read_text(encoding="utf-8"))


def schema_dir() -> Path:
    """The folder of the JSON Schemas, `<table>.schema.json`, each describing one row of its table."""
    return Path(__file__).parent / "schema"


def read_table(name: str, folder: Path | None = None) -> list[dict[str, str]]:
    """Return the rows of `<name>.csv` in the file's order; an empty cell is an empty string.

    `folder` replaces the package's own data folder.

    Raises: FactInvalidError when a row has more or fewer cells than the header, or the file is not UTF-8 CSV.
    """
    path = (folder or data_dir()) / f"{name}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        where = Violation(file=f"{name}.csv", line=1, column="", value=str(error), expected="UTF-8 text in CSV form")
        raise FactInvalidError((where,)) from error
    if not lines:
        where = Violation(file=f"{name}.csv", line=1, column="", value="", expected="a header row")
        raise FactInvalidError((where,))
    header, rows = lines[0], lines[1:]
    if set(map(len, rows)) - {len(header)}:
        raise FactInvalidError(_ragged(name, header, rows))
    return [dict(zip(header, row)) for row in rows]  # noqa: B905 -- just checked, once for all rows


def _ragged(name: str, header: list[str], rows: list[list[str]]) -> tuple[Violation, ...]:
    """One violation for each row whose number of cells is not the header's."""
    return tuple(
        Violation(
            file=f"{name}.csv",
            line=number,
            column="",
            value=",".join(row),
            expected=f"{len(header)} cells, found {len(row)}",
        )
        for number, row in enumerate(rows, start=2)
        if len(row) != len(header)
    )


def dump_table(header: list[str], rows: list[dict[str, str]]) -> str:
    """Return the text of a table file: the inverse of `read_table`."""
    from io import StringIO

    out = StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def catalog_revision() -> str:
    """The revision of all tables, such as `2026-11-24.1a2b3c4d`, as the file REVISION states it."""
    return (data_dir() / "REVISION").read_text(encoding="utf-8").strip()


def tables_digest(folder: Path | None = None) -> str:
    """The first 8 hex digits of a SHA-256 over every table: its name, a newline, its text with `\\n` line ends.

    It is not computed at start-up: REVISION holds it, and a test compares the two.
    """
    import hashlib

    digest = hashlib.sha256()
    for path in sorted((folder or data_dir()).glob("*.csv")):
        digest.update(path.name.encode() + b"\n" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:8]
