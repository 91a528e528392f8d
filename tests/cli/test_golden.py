"""Whole folders, byte by byte: `pytest --update-golden` writes them anew, and the difference is read in review."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cli.conftest import Run
from envgen.cli import finish
from envgen.cli.main import main
from equipment.lock_damage import verify

GOLDEN = Path(__file__).parent.parent / "golden"
REQUEST = "request.yaml"
CASES = sorted(path.parent.name for path in GOLDEN.glob(f"*/{REQUEST}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked for; with `mirrors` of small indexes and channels instead of the shipped locks."""

    why: str
    arguments: list[str]
    mirrors: bool = False


ANEW = "where the change is meant, `poe golden` writes the folders anew; the difference is part of the review"


@pytest.mark.parametrize("name", CASES)
def test_a_whole_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # A row more in the catalog is no reason to write every file anew.
    monkeypatch.setattr(finish, "catalog_revision", lambda: "2026-01-01.00000000")
    folder, case = GOLDEN / name, Case(**yaml.safe_load((GOLDEN / name / REQUEST).read_text(encoding="utf-8")))
    out = tmp_path / "out"
    if case.mirrors:
        run: Run = request.getfixturevalue("run")
        assert run(*case.arguments) == 0
    else:
        assert main([*case.arguments, "--output", str(out)]) == 0
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    if request.config.getoption("update_golden"):
        _replace(folder, out)
    expected = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != REQUEST}
    assert written.keys() == expected.keys(), ANEW
    for file, text in expected.items():
        assert written[file].decode() == text.decode(), f"{file}: {ANEW}"
    assert case.mirrors or verify(out).findings == ()


def _replace(folder: Path, out: Path) -> None:
    for path in folder.iterdir():
        if path.name != REQUEST:
            path.unlink()
    for path in out.iterdir():
        shutil.copyfile(path, folder / path.name)


def test_there_are_cases() -> None:
    assert len(CASES) >= 6
