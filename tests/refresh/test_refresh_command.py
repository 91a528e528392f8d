"""The command itself: its help, its exit statuses, and how it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import envgen.refresh
from envgen.core.findings import Level
from envgen.facts.errors import FactInvalidError
from envgen.facts.tables import data_dir, read_table
from envgen.refresh.__main__ import TASKS, main, report
from envgen.refresh.outcome import Finding, Outcome
from envgen.refresh.rewrite import FactsNotWritableError, table_file, write_files
from refresh.world import SHA, wheel, write_tables

WARNING = Finding(code="unknown-release", level=Level.WARNING, title="torch 9 is unknown", remedy="add rows by hand")
ERROR = Finding(code="hash-changed", level=Level.ERROR, title="it changed", evidence=("a", "b"), remedy="look")


def test_help_lists_every_task_in_a_line_of_its_own() -> None:
    command = [sys.executable, "-m", "envgen.refresh", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.split()[:1] and line.split()[0] in TASKS] == [
        f"  {name:<12}{task.title}" for name, task in TASKS.items()
    ]


def test_the_room_says_what_each_task_is_for() -> None:
    said = envgen.refresh.__doc__ or ""
    documented = [line.split("`")[1] for line in said.splitlines() if line.startswith("| `")]
    assert documented == list(TASKS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["hashes"],
        ["revision", "--pypi", "https://pypi.org/simple"],
        ["arch-lists", "--releases", "0"],
        ["arch-lists", "--releases", "all"],
        ["pypi-torch", "--timeout", "-1"],
    ],
)
def test_usage(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments, tmp_path)
    assert caught.value.code == 2


def test_a_mistyped_index_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(tmp_path, torch_builds=[], wheels=[])
    assert main(["pypi-torch", "--pypi", "pypi.org/simple"], tmp_path) == 2
    assert capsys.readouterr().err.startswith('error: "pypi.org/simple" is not an http or https URL [usage]')


def test_a_broken_table_is_bad_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "torch_builds.csv").write_text("torch\n2.15.0,cu132\n", encoding="utf-8")
    assert main(["pypi-torch"], tmp_path) == 4
    assert "torch_builds.csv:2:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "findings", "write", "status", "after"),
    [
        pytest.param("old\n", (), False, 0, "old\n", id="nothing-changed"),
        pytest.param("new\n", (), False, 1, "old\n", id="a-difference-is-only-shown"),
        pytest.param("new\n", (), True, 0, "new\n", id="written"),
        pytest.param("old\n", (WARNING,), True, 1, "old\n", id="a-finding-alone"),
        pytest.param("new\n", (WARNING,), True, 1, "new\n", id="a-warning-lets-write"),
        pytest.param("new\n", (WARNING, ERROR), True, 1, "old\n", id="an-error-does-not"),
    ],
)
def test_status_and_file(
    tmp_path: Path, text: str, findings: tuple[Finding, ...], write: bool, status: int, after: str
) -> None:
    (tmp_path / "a.csv").write_text("old\n", encoding="utf-8")
    assert report(Outcome(files={"a.csv": text}, findings=findings), tmp_path, write=write) == status
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == after


def test_the_diff_is_stdout_and_the_findings_are_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("x\nold\n", encoding="utf-8")
    report(Outcome(files={"a.csv": "x\nnew\n"}, findings=(WARNING, ERROR)), tmp_path, write=False)
    out, err = capsys.readouterr()
    assert out == "--- a/a.csv\n+++ b/a.csv\n@@ -1,2 +1,2 @@\n x\n-old\n+new\n"
    assert err == (
        "warning: torch 9 is unknown [unknown-release]\n  hint: add rows by hand\n"
        "error: it changed [hash-changed]\n  a\n  b\n  hint: look\n"
    )


def test_windows_line_ends_of_a_checkout_are_no_difference(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\r\n1\r\n")
    assert report(Outcome(files={"a.csv": "x\n1\n"}), tmp_path, write=True) == 0
    assert (tmp_path / "a.csv").read_bytes() == b"x\r\n1\r\n"


@pytest.mark.parametrize("table", sorted(path.stem for path in data_dir().glob("*.csv")))
def test_a_table_that_did_not_change_is_written_as_it_is(table: str) -> None:
    assert table_file(table, read_table(table)) == {
        f"{table}.csv": (data_dir() / f"{table}.csv").read_text(encoding="utf-8")
    }


def test_a_row_out_of_form_is_never_written() -> None:
    with pytest.raises(FactInvalidError) as caught:
        table_file("wheels", [wheel("cuda12", "torch-2.15.0-py3-none-any.whl", SHA["a"])])
    assert [violation.column for violation in caught.value.violations] == ["index"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old\n", encoding="utf-8")
    (tmp_path / "a.csv").chmod(0o664)
    write_files(tmp_path, {"a.csv": "new\n"})
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o664


def test_no_table_is_replaced_when_one_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old\n", encoding="utf-8")
    with pytest.raises(FactsNotWritableError) as caught:
        write_files(tmp_path, {"a.csv": "new\n", "a.csv/b.csv": "new\n"})
    assert str(caught.value).startswith(f"the tables in {tmp_path} cannot be written [facts-not-writable]\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "old\n"
