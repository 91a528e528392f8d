"""A folder that verify calls not good is used by no command, and each says so in verify's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.cli.main import main
from equipment.lock_damage import change, verify

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """An untouched folder in a repository, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    assert main([*MX450, "--offline", "--output", "env"]) == 0
    capsys.readouterr()
    return Path("env")


def other_digit(folder: Path) -> None:
    """One digit of a hash, in both files."""
    text = (folder / "pylock.toml").read_text("utf-8")
    digest = text.partition('sha256 = "')[2][:64]
    for name in ("pylock.toml", "requirements.txt"):
        change(folder, name, digest, ("0" if digest[0] != "0" else "1") + digest[1:])


def other_smoke_test(folder: Path) -> None:
    change(folder, "smoke_test.py", "def main():", "def main():\n    return 0\n\n\ndef other():")


def other_conda_package(folder: Path) -> None:
    for name in ("conda-lock.yml", "conda-win-64.lock"):
        change(folder, name, "conda-forge/", "elsewhere/")


COMMANDS = {
    "envgen": ([*MX450, "--offline", "--output", "env"], 4),
    "envgen --upgrade": ([*MX450, "--offline", "--upgrade", "--output", "env"], 4),
    "envgen --check": ([*MX450, "--check", "--output", "env"], 1),
    "envgen lock": (["lock", *MX450, "--output", "env"], 4),
    "envgen ci": (["ci", "env"], 4),
    "envgen audit DIR": (["audit", "env", *MX450], 3),
    "envgen audit FILE": (["audit", "env/requirements.txt", *MX450], 3),
}


@pytest.mark.parametrize("damage", [other_digit, other_smoke_test, other_conda_package])
def test_what_verify_calls_bad_is_refused_by_every_command(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    damage(folder)
    lines = [finding.line for finding in verify(folder).findings]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert lines
    for name, (arguments, status) in COMMANDS.items():
        assert main(arguments) == status, name
        said = capsys.readouterr().err
        assert "env is not good by `envgen verify`" in said, name
        assert lines[0] in said, name
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_matrix_refuses_a_lock_of_a_tree_of_the_users_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from equipment.lock_damage import SHIPPED, copy_of

    place = "win-64/py3.12/pip-torch-2.14.1-cu126"
    copy = copy_of(place, tmp_path)
    (tmp_path / "tree" / place).parent.mkdir(parents=True)
    folder = copy.rename(tmp_path / "tree" / place)
    assert (SHIPPED / place).is_dir()
    assert main(["matrix", "--lockfiles", str(tmp_path / "tree")]) == 0
    other_digit(folder)
    capsys.readouterr()
    assert main(["matrix", "--lockfiles", str(tmp_path / "tree")]) == 4
    assert verify(folder).findings[0].line in capsys.readouterr().err


def test_forced_it_is_made_anew_and_nothing_of_it_is_kept(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other_digit(folder)
    other_conda_package(folder)
    assert main([*MX450, "--offline", "--force", "--output", "env"]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
