"""Checks a fact table against its schema and the rules that all tables share. Not used at start-up.

A schema describes one row. Cells are text, so a few keywords of JSON Schema 2020-12 are enough; a keyword that is not
on the list is itself an error, because validators ignore what they don't know and a misspelt rule checks nothing.
`x-key` is ours: the leading columns by which rows are sorted and no two rows are alike. Without it rows are sorted by
their first column. `x-order` is "given" for a table whose order means something.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from envgen.facts.errors import FactInvalidError, Violation
from envgen.facts.tables import data_dir, dump_table, read_schema

ROW_KEYWORDS = frozenset(
    {"$schema", "title", "description", "type", "properties", "required", "additionalProperties", "x-key", "x-order"}
)
CELL_KEYWORDS = frozenset({"description", "type", "pattern", "enum", "minLength"})
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def check_table(name: str, data: Path | None = None, schemas: Path | None = None) -> None:
    """Check one table in full.

    Raises: FactInvalidError with every violation, in the order of the file.
    """
    schema = read_schema(name, schemas)
    found = tuple(schema_violations(f"{name}.schema.json", name, schema))
    if not found:
        text = ((data or data_dir()) / f"{name}.csv").read_bytes().decode("utf-8")
        found = tuple(table_violations(name, text, schema))
    if found:
        raise FactInvalidError(found)


def schema_violations(file: str, table: str, schema: Mapping[str, Any]) -> Iterator[Violation]:
    """What is wrong with a schema: keywords that are not on the list, missing descriptions, a row left open."""

    def wrong(column: str, value: object, expected: str) -> Violation:
        return Violation(file=file, line=1, column=column, value=str(value), expected=expected)

    for keyword in sorted(set(schema) - ROW_KEYWORDS):
        yield wrong("", keyword, f"one of {', '.join(sorted(ROW_KEYWORDS))}")
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    expected = {
        "$schema": _DRAFT,
        "title": table,
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
    }
    if schema.get("x-order", "given") != "given":
        yield wrong("x-order", schema["x-order"], "given")
    key = schema.get("x-key")
    if key is not None and key != list(properties)[: len(key)]:
        yield wrong("x-key", key, f"leading columns, such as {list(properties)[:1]}")
    for keyword, value in expected.items():
        if schema.get(keyword) != value:
            yield wrong(keyword, schema.get(keyword), f"{value}")
    if not schema.get("description"):
        yield wrong("description", "", "what one row is")
    for column, rule in properties.items():
        for keyword in sorted(set(rule) - CELL_KEYWORDS):
            yield wrong(column, keyword, f"one of {', '.join(sorted(CELL_KEYWORDS))}")
        if not rule.get("description"):
            yield wrong(column, "", "a description")
        if rule.get("type") != "string":
            yield wrong(column, rule.get("type"), 'type "string", as every cell is text')


def table_violations(name: str, text: str, schema: Mapping[str, Any]) -> Iterator[Violation]:
    """What is wrong with a table's text: its form, its cells, its order."""
    file = f"{name}.csv"
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    header = list(properties)
    lines = list(csv.reader(text.splitlines(keepends=True)))
    if not lines or lines[0] != header:
        found = ",".join(lines[0]) if lines else ""
        yield Violation(file=file, line=1, column="", value=found, expected=f"the columns {','.join(header)}")
        return
    rows = lines[1:]
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            expected = f"{len(header)} cells, found {len(row)}"
            yield Violation(file=file, line=line, column="", value=",".join(row), expected=expected)
            return
        for column, cell in zip(header, row, strict=True):
            for expected in cell_problems(cell, properties[column]):
                yield Violation(file=file, line=line, column=column, value=cell, expected=expected)
    yield from _repeated(file, rows, schema.get("x-key"))
    if schema.get("x-order") != "given":
        yield from _out_of_order(file, rows, len(schema.get("x-key", ["the first"])))
    yield from _form_violations(file, text, dump_table(header, [dict(zip(header, r, strict=True)) for r in rows]))


def cell_problems(cell: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """What was expected of a cell, for each rule that it breaks."""
    if cell != cell.strip():
        yield "no space at either end"
    if "enum" in rule and cell not in rule["enum"]:
        yield f"one of {', '.join(choice or 'nothing' for choice in rule['enum'])}"
    if "pattern" in rule and not re.search(rule["pattern"], cell):
        yield f"the form {rule['pattern']}"
    if len(cell) < rule.get("minLength", 0):
        yield "some text"


def _repeated(file: str, rows: list[list[str]], key: list[str] | None) -> Iterator[Violation]:
    """Rows that repeat an earlier one: in the columns of the key, or as a whole."""
    seen: set[tuple[str, ...]] = set()
    for line, row in enumerate(rows, start=2):
        identity = tuple(row[: len(key)] if key else row)
        if identity in seen:
            yield Violation(file=file, line=line, column="", value=",".join(identity), expected="no row twice")
        seen.add(identity)


def _out_of_order(file: str, rows: list[list[str]], width: int) -> Iterator[Violation]:
    """Rows that should come before the row in front of them, by their first `width` columns."""
    keys = [natural_key(row[:width]) for row in rows]
    for line, ((before, key), row) in enumerate(zip(pairwise(keys), rows[1:], strict=True), start=3):
        if before > key:
            place = next(number for number, one in enumerate(keys, start=2) if one > key)
            expected = f"rows sorted by their leading columns, numbers compared as numbers: its place is line {place}"
            yield Violation(file=file, line=line, column="", value=",".join(row), expected=expected)


def natural_key(row: list[str]) -> list[tuple[tuple[int, int, str], ...]]:
    """The sort key of a row: column by column, digits compared as a number and in front of letters."""
    return [
        tuple(
            (0, int(p), "") if p.isascii() and p.isdigit() else (1, 0, p) for p in re.findall(r"[0-9]+|[^0-9]+", cell)
        )
        for cell in row
    ]


def _form_violations(file: str, text: str, dumped: str) -> Iterator[Violation]:
    """The first line that the writer would write differently: line ends, needless quotes, a missing end of line."""
    if text == dumped:
        return
    pairs = zip(text.splitlines(keepends=True), dumped.splitlines(keepends=True), strict=False)
    line, found, expected = next(
        ((n, a, b) for n, (a, b) in enumerate(pairs, start=1) if a != b), (text.count("\n") + 1, "", "no more lines")
    )
    yield Violation(
        file=file, line=line, column="", value=found, expected=f"as written by the tables' writer: {expected!r}"
    )
