"""Every fact table against its schema and the rules all tables share, and each rule against a file that breaks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envgen.facts.catalog import Catalog
from envgen.facts.errors import FactInvalidError, Violation
from envgen.facts.requires import RequiresCatalog
from envgen.facts.schema_checks import check_table, natural_key, table_violations
from envgen.facts.tables import (
    catalog_revision,
    data_dir,
    dump_table,
    read_table,
    schema_dir,
    tables_digest,
)
from envgen.facts.wheels import TorchPins, WheelCatalog
from envgen.gpus.catalog import GpuCatalog

INVALID = Path(__file__).parent / "invalid"
TABLES = sorted(path.stem for path in data_dir().glob("*.csv"))
CASES = sorted(path.name for path in INVALID.iterdir())


def schema_of(table: str, folder: Path | None = None) -> dict[str, Any]:
    path = (folder or schema_dir()) / f"{table}.schema.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("table", TABLES)
def test_table_keeps_every_rule(table: str) -> None:
    check_table(table)


@pytest.mark.parametrize("table", TABLES)
def test_jsonschema_finds_every_row_valid(table: str) -> None:
    schema = schema_of(table)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = [
        (line, error.message) for line, row in enumerate(read_table(table), 2) for error in validator.iter_errors(row)
    ]
    assert wrong == []


@pytest.mark.parametrize("table", TABLES)
def test_dump_is_the_inverse_of_load(table: str) -> None:
    text = (data_dir() / f"{table}.csv").read_bytes().decode("utf-8")
    rows = read_table(table)
    assert dump_table(list(rows[0]), rows) == text


@pytest.mark.parametrize(
    ("table", "column", "at_least"),
    [("gpus", "name", 1003), ("gpus", "pci_ids", 1014), ("vgpu_boards", "profiles", 1571)],
)
def test_no_table_loses_rows_unnoticed(table: str, column: str, at_least: int) -> None:
    """The one place that counts: what is added raises nothing here, what is lost does."""
    words = [word for row in read_table(table) for word in ([row[column]] if column == "name" else row[column].split())]
    assert (len(words) if column == "profiles" else len(set(words))) >= at_least


def test_every_schema_has_its_table() -> None:
    assert {path.name.removesuffix(".schema.json") for path in schema_dir().iterdir()} == set(TABLES)


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_breaks_one_rule_is_reported_with_its_place(case: str) -> None:
    folder = INVALID / case
    with pytest.raises(FactInvalidError) as caught:
        check_table("sample", folder, folder)
    assert str(caught.value) + "\n" == (folder / "message.txt").read_text(encoding="utf-8")
    assert len(caught.value.violations) == 1
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("case", ["pattern", "enum", "min-length"])
def test_jsonschema_rejects_the_same_cell(case: str) -> None:
    validator = jsonschema.Draft202012Validator(schema_of("sample", INVALID / case))
    bad = [line for line, row in enumerate(read_table("sample", INVALID / case), 2) if not validator.is_valid(row)]
    expected = int((INVALID / case / "message.txt").read_text(encoding="utf-8").split(":")[1])
    assert bad == [expected]


def test_windows_line_ends_are_a_violation() -> None:
    """Not a file in `invalid/`: git would make its line ends plain."""
    text = "name,capability,kind\r\nGTX 960,5.2,\r\n"
    found = [str(v) for v in table_violations("sample", text, schema_of("sample", INVALID / "enum"))]
    expected = "expected as written by the tables' writer: 'name,capability,kind\\n'"
    assert found == [f'sample.csv:1: "name,capability,kind\\r\\n", {expected}']


def test_a_table_may_keep_an_order_of_its_own() -> None:
    schema = schema_of("sample", INVALID / "unsorted")
    text = (INVALID / "unsorted" / "sample.csv").read_text(encoding="utf-8")
    assert len(list(table_violations("sample", text, schema))) == 1
    assert list(table_violations("sample", text, {**schema, "x-order": "given"})) == []


def test_all_violations_are_collected() -> None:
    rows = "name,capability,kind\nGTX 960,5,\nGTX 1060,6.1,mobile\n"
    found = [(v.line, v.column) for v in table_violations("sample", rows, schema_of("sample", INVALID / "enum"))]
    assert found == [(2, "capability"), (3, "kind")]


def test_the_error_lists_every_violation() -> None:
    first = Violation(file="a.csv", line=2, column="x", value="5", expected="the form X.Y")
    second = Violation(file="a.csv", line=9, column="y", value="", expected="some text")
    assert str(FactInvalidError((first, second))) == (
        'a.csv:2: x: "5", expected the form X.Y (and 1 more) [fact-invalid]\n'
        '  a.csv:9: y: "", expected some text\n'
        "  hint: correct the row, then run `pytest tests/facts`"
    )


def test_a_ragged_table_is_refused_at_run_time(tmp_path: Path) -> None:
    (tmp_path / "gpus.csv").write_text("name,chip\nGTX 960,GM206\nGTX 970\nGTX 980,GM204,5.2\n", encoding="utf-8")
    with pytest.raises(FactInvalidError) as caught:
        read_table("gpus", tmp_path)
    assert [(v.line, v.expected) for v in caught.value.violations] == [
        (3, "2 cells, found 1"),
        (4, "2 cells, found 3"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "a header row", id="empty"),
        pytest.param(b"name\n\xff\xfe\n", "UTF-8 text in CSV form", id="not-utf-8"),
        pytest.param(b'name\n"GTX\n', "UTF-8 text in CSV form", id="open-quote"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "gpus.csv").write_bytes(content)
    with pytest.raises(FactInvalidError) as caught:
        read_table("gpus", tmp_path)
    assert [v.expected for v in caught.value.violations] == [expected]


def test_numbers_are_compared_as_numbers() -> None:
    names = ["A2", "A10", "A100", "GTX 960", "GTX 1060"]
    assert sorted(names, key=lambda name: natural_key([name])) == names


def test_revision_is_that_of_the_tables() -> None:
    assert catalog_revision().split(".")[1:] == [tables_digest()], "run: python -m envgen.refresh revision --write"


def test_revision_ignores_the_line_ends_of_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n1\n")
    unix = tables_digest(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"x\r\n1\r\n")
    assert tables_digest(tmp_path) == unix
    (tmp_path / "b.csv").write_bytes(b"x\n1\n")
    assert tables_digest(tmp_path) != unix


@pytest.mark.parametrize("kind", [Catalog, GpuCatalog, RequiresCatalog, TorchPins, WheelCatalog])
def test_a_process_reads_the_tables_of_the_package_once(kind: Any) -> None:
    assert kind.load() is kind.load()
