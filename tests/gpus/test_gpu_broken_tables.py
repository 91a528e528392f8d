"""A catalog whose files are wrong: an error that names the place, never a traceback and never a wrong answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envgen.core.errors import DataError
from envgen.facts.errors import FactInvalidError
from envgen.facts.tables import data_dir
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.index import GpuTables

HINT = "\n  hint: correct the row, then run `pytest tests/facts`"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for table in data_dir().glob("*.csv"):
        shutil.copy(table, tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> int:
    """Replace the first occurrence in a file, and return its line."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")
    return text[: text.index(old)].count("\n") + 1


def test_a_wrong_capability_is_reported_with_every_other_violation(folder: Path) -> None:
    first = replace(folder / "gpus.csv", "GeForce MX450,7.5,,Turing", "GeForce MX450,7.x,,Turing")
    second = replace(folder / "gpus.csv", "Ampere,GA102,geforce-desktop,2020", "Ampere,GA102,desktop,2020")
    with pytest.raises(FactInvalidError) as caught:
        GpuCatalog(GpuTables(folder)).match("GeForce MX450")
    assert isinstance(caught.value, DataError)
    assert [(v.file, v.line, v.column, v.value) for v in caught.value.violations] == [
        ("gpus.csv", first, "compute_capability", "7.x"),
        ("gpus.csv", second, "segment", "desktop"),
    ]
    assert str(caught.value).startswith(f'gpus.csv:{first}: compute_capability: "7.x", expected the form ')


def test_a_reference_to_no_gpu_is_reported(folder: Path) -> None:
    line = replace(folder / "spellings.csv", "RTX TITAN,TITAN RTX,7.5", "RTX TITAN,TITAN RTX,7.0")
    with pytest.raises(FactInvalidError) as caught:
        GpuCatalog(GpuTables(folder)).match("RTX TITAN")
    expected = f'spellings.csv:{line}: gpu: "TITAN RTX,7.0", expected a name and capability of gpus.csv [fact-invalid]'
    assert str(caught.value) == expected + HINT


def test_a_table_that_is_not_needed_is_not_read(folder: Path) -> None:
    (folder / "vgpu_boards.csv").unlink()
    (folder / "spellings.csv").unlink()
    gpu = GpuCatalog(GpuTables(folder)).match("GeForce RTX 4090").gpu
    assert gpu is not None
    assert str(gpu.capability) == "8.9"
