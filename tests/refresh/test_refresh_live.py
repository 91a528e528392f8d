"""The tasks against PyPI itself: wheels that are in the tables come out as they are there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envgen.core.releases import release_key
from envgen.core.sites import PYPI
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import data_dir, read_table
from envgen.net.deadline import Deadline, Patience
from envgen.refresh.__main__ import main
from envgen.refresh.index_pages import FAMILY, read_pypi
from envgen.refresh.outcome import Inputs
from refresh.world import write_tables

pytestmark = pytest.mark.network

RELEASES = ("2.15.0", "2.14.1")
# What is read by ranges; the other columns come from the fat binaries, which would cost the whole wheel.
READ = (
    *("file", "sha256", "version_py", "cuda", "wheel_bytes"),
    *("releases_code_cc", "requires_python"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tables."""
    return shutil.copytree(data_dir(), tmp_path / "data")


def linux(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows about Linux wheels of torch of the two releases."""
    names = [WheelName.parse(row["file"]) for row in rows]
    pairs = zip(rows, names, strict=True)
    return [r for r, n in pairs if n.project == "torch" and n.release in RELEASES and "linux" in n.platforms[0]]


def without(rows: list[dict[str, str]], taken: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row not in taken]


@pytest.mark.slow
def test_two_releases_read_anew_are_what_the_tables_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Read as a whole for the table, by ranges here: two readers and four wheels, x86_64 and aarch64."""
    measured, requires = read_table("torch_measured"), read_table("torch_requires")
    known, required = linux(measured), linux(requires)
    assert len(known) == 4
    write_tables(folder, torch_measured=without(measured, known), torch_requires=without(requires, required))
    newest = len({row["torch"] for row in read_table("torch_builds") if release_key(row["torch"]) > (2, 14, 0)})
    assert main(["arch-lists", "--releases", str(newest), "--write"], folder) == 0, capsys.readouterr().err

    again = linux(read_table("torch_measured", folder))
    assert [[row[column] for column in READ] for row in again] == [[row[column] for column in READ] for row in known]
    columns = [column for column in required[0] if column != "source"]
    expected = [[row[c] for c in columns] for row in required if row["file"] in {row["file"] for row in known}]
    assert [[row[c] for c in columns] for row in linux(read_table("torch_requires", folder))] == expected
    assert read_table("torch_builds", folder) == read_table("torch_builds")


def test_every_wheel_that_was_read_is_on_pypi_with_that_hash_and_size() -> None:
    inputs = Inputs(folder=data_dir(), today="", patience=Patience(deadline=Deadline.after(60)), pypi=PYPI)
    listed = {f.name.filename: (f.sha256, str(f.size)) for p in FAMILY for f in read_pypi(inputs, p).files}
    rows = read_table("torch_measured")
    assert {r["file"]: (r["sha256"], r["wheel_bytes"]) for r in rows} == {r["file"]: listed[r["file"]] for r in rows}


def test_no_python_of_an_older_release_has_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What PyPI holds of a release that was followed by another stays as it is; newer ones may be news."""
    assert main(["pypi-torch", "--write"], folder) in (0, 1), capsys.readouterr().err
    before, after = read_table("torch_builds"), read_table("torch_builds", folder)
    newest = before[-1]["torch"]
    assert [row for row in after if row["torch"] != newest] == [row for row in before if row["torch"] != newest]
