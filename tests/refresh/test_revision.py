"""The refresh command: prints what would change, writes only when asked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from envgen.facts.tables import tables_digest
from envgen.refresh.__main__ import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gpus.csv").write_text("name\nGTX 960\n", encoding="utf-8")
    (tmp_path / "REVISION").write_text("2026-11-24.00000000\n", encoding="utf-8")
    return tmp_path


def test_difference_is_printed_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revision"], folder) == 1
    revision = f"{datetime.now(UTC).date()}.{tables_digest(folder)}"
    assert capsys.readouterr().out == (
        f"--- a/REVISION\n+++ b/REVISION\n@@ -1 +1 @@\n-2026-11-24.00000000\n+{revision}\n"
    )
    assert (folder / "REVISION").read_text(encoding="utf-8") == "2026-11-24.00000000\n"


def test_write_makes_the_next_run_silent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revision", "--write"], folder) == 0
    revision = f"{datetime.now(UTC).date()}.{tables_digest(folder)}\n"
    assert (folder / "REVISION").read_bytes() == revision.encode()
    capsys.readouterr()
    assert main(["revision"], folder) == 0
    assert capsys.readouterr().out == ""


def test_the_day_stays_while_the_tables_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Remade on another day from the same tables, it is the same revision."""
    revision = f"2026-11-24.{tables_digest(folder)}\n"
    (folder / "REVISION").write_text(revision, encoding="utf-8")
    assert main(["revision", "--write"], folder) == 0
    assert (folder / "REVISION").read_text(encoding="utf-8") == revision
    assert capsys.readouterr().out == ""


def test_an_unknown_task_is_a_usage_error(folder: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["wheel"], folder)
    assert caught.value.code == 2
