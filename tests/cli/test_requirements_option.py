"""`--requirements`: a person's own file is read, locked together with torch, and never written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from envgen.cli.main import main

MINE = "torch>=2.9.1,<2.11\ntorchvision\neinops>=0.8\nfsspec[http]; python_version >= '3.11'\n-e .\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_persons_file_is_locked(here: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--requirements", "requirements.txt", "--cuda", "cu126"]
    assert run(*wanted) == 0
    told = capsys.readouterr()
    out = tmp_path / "out"
    locked = (out / "requirements.txt").read_text(encoding="utf-8")
    assert all(f"\n{pin} " in locked for pin in ("torch==2.9.1+cu126", "einops==0.8.1", "aiohttp==3.13.0"))
    assert 'note: requirements.txt:5: "-e ." is not taken: an editable install' in told.err
    assert "--requirements requirements.txt" in locked.splitlines()[1]
    before = contents(out)
    assert run(*wanted, "--check") == 0
    assert run(*wanted) == 0
    assert contents(out) == before
    (here / "requirements.txt").write_text(MINE.replace("einops>=0.8\n", ""), encoding="utf-8")
    assert run(*wanted) == 0
    assert b"einops" not in contents(out)["requirements.txt"]


def test_an_input_of_the_run_is_not_written_over(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mx450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    (here / "requirements.txt").write_text("torch\ntorchvision\n", encoding="utf-8")
    assert main([*mx450, "--requirements", "requirements.txt"]) == 0
    assert "the files are for envs/geforce-mx450/" in capsys.readouterr().err
    assert (here / "requirements.txt").read_text(encoding="utf-8") == "torch\ntorchvision\n"
    assert (here / "envs/geforce-mx450/pylock.toml").exists()


def test_a_file_is_no_package(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del here
    assert main(["--gpu", "RTX 3060", "--with", "requirements.txt", "--offline"]) == 2
    told = capsys.readouterr().err
    assert told.startswith('error: "requirements.txt" is a file (from --with) [usage]')
    assert "hint: pass --requirements requirements.txt" in told


def test_an_environment_file_is_locked(here: Path, tmp_path: Path, run: Run) -> None:
    (here / "environment.yml").write_text(
        "dependencies:\n  - pytorch<2.11\n  - scipy=1.16\n  - pip:\n    - einops\n", encoding="utf-8"
    )
    assert run("--environment", "environment.yml", "--torch", ">=2.9.1") == 0
    out = tmp_path / "out"
    assert "/scipy-1.16.2" in (out / "conda-linux-64.lock").read_text(encoding="utf-8")
    assert "scipy" not in (out / "requirements.txt").read_text(encoding="utf-8").partition("\n#\n")[2]
    assert "\neinops==0.8.1 " in (out / "requirements.txt").read_text(encoding="utf-8")
    assert run("--environment", "environment.yml", "--torch", ">=2.9.1", "--check") == 0
