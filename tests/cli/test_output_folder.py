"""Where a run writes: a file that envgen never wrote is not replaced, and what it says is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from equipment.file_names import all_names

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
MINE = {"requirements.txt": "timm>=1.0\n", "environment.yml": "dependencies: [scipy]\n"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", MINE)
def test_a_name_that_is_taken_here_leads_to_a_folder_of_its_own(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (here / name).write_text(MINE[name], encoding="utf-8")
    assert main(MX450) == 0
    told = capsys.readouterr()
    assert f"note: {name} here is not envgen's: the files are for envs/geforce-mx450/" in told.err
    assert "cd envs\\geforce-mx450" in told.out
    assert contents(here) == {name: MINE[name].encode()}
    written = contents(here / "envs/geforce-mx450")
    assert written.keys() == all_names(Subdir.WIN_64)
    assert main([*MX450, "--check"]) == 0
    assert main(MX450) == 0
    assert contents(here / "envs/geforce-mx450") == written


@pytest.mark.parametrize(
    ("name", "option"), [("requirements.txt", "--requirements"), ("environment.yml", "--environment")]
)
def test_with_an_output_the_way_out_reads_the_file(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, option: str
) -> None:
    (here / name).write_text(MINE[name], encoding="utf-8")
    assert main([*MX450, "--output", "."]) == 4
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"error: {name} was edited since envgen wrote it, or not written by envgen: not overwritten [output-edited]",
        f"  {name}: no envgen header",
        f"  hint: {option} {name} reads it as what you ask for; pass another --output for the lock",
    ]
    assert contents(here) == {name: MINE[name].encode()}


def test_a_file_of_the_other_set_is_not_in_the_way(here: Path) -> None:
    (here / "requirements.txt").write_text(MINE["requirements.txt"], encoding="utf-8")
    assert main([*MX450, "--only", "conda"]) == 0
    assert (here / "conda-win-64.lock").exists()
    assert (here / "requirements.txt").read_text(encoding="utf-8") == MINE["requirements.txt"]


def test_an_edited_file_is_told_before_anything_is_solved(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens where the mirrors are: a solve would fall back, and say so."""
    assert main(MX450) == 0
    path = here / "pylock.toml"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8", newline="\n")
    capsys.readouterr()
    asked = [*MX450[:-1], "--upgrade", "--wheel-mirror", "http://127.0.0.1:9/whl"]
    assert main(asked) == 4
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == "  hint: pass --force to replace, or --output to write elsewhere"
    assert "solving" not in told
