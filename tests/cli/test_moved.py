"""What moved, as text, JSON and Markdown: name, before, after and why, and an empty table when nothing did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import envgen
from cli.conftest import CP312, Run
from envgen.core.sets import PackageSet
from envgen.output.moved import MovedSet, moved_markdown
from envgen.output.package_changes import PackageChange
from equipment.wheel_index import WheelIndex, make_wheel

SCHEMA = json.loads((Path(envgen.__file__).parent / "schemas/lock.schema.json").read_text(encoding="utf-8"))
# No hash of the files of these releases on cu126 is known, so the test may make its own.
OLD = ["--torch", "2.9.1", "--cuda", "cu126", "--only", "pip"]
NEW = ["--torch", ">=2.9.1,<2.12", "--cuda", "cu126", "--only", "pip", "--no-vision", "--with", "pip:triton"]
WHY = "--torch ==2.9.1 -> >=2.9.1,<2.12; other packages were asked for; new release"
EMPTY = "| set | platform | package | before | after | why |\n| --- | --- | --- | --- | --- | --- |\n\nNothing moved.\n"


def publish(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    """PyTorch's index and PyPI get a release more than the folder was locked with."""
    more = [
        make_wheel(f"torch-2.11.0+cu126-{CP312}.whl", ("filelock", "sympy")),
    ]
    torch_index.wheels = {"/whl/cu126": [*torch_index.wheels["/whl/cu126"], *more]}
    names = ("filelock-3.21.0", "sympy-1.14.0", "triton-3.6.0")
    further = [make_wheel(f"{name}-py3-none-any.whl") for name in names]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


def moved(out: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(out)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_an_upgrade_says_what_moved_and_why(
    run: Run, torch_index: WheelIndex, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*OLD) == 0
    publish(torch_index, pypi)
    capsys.readouterr()
    assert run(*NEW, "--upgrade", "--format", "json") == 0
    (one,) = moved(capsys.readouterr().out)["moved"]
    assert (one["set"], one["platform"], one["file"]) == ("pip", "linux-64", "requirements.txt")
    assert {p["name"]: (p["old"], p["new"], p["why"]) for p in one["packages"]} == {
        "filelock": ("3.20.0", "3.21.0", "new release"),
        "numpy": ("2.3.0", None, "no longer needed"),
        "sympy": (None, "1.14.0", "needed now"),
        "torch": ("2.9.1+cu126", "2.11.0+cu126", WHY),
        "torchvision": ("0.24.1+cu126", None, "no longer needed"),
        "triton": (None, "3.6.0", "goes with torch 2.11.0+cu126"),
    }


def test_nothing_moved_is_an_empty_table(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*OLD) == 0
    capsys.readouterr()
    assert run(*OLD, "--upgrade", "--format", "markdown") == 0
    assert capsys.readouterr().out == EMPTY
    assert run(*OLD, "--check", "--format", "json") == 0
    assert moved(capsys.readouterr().out)["moved"] == []
    assert run(*OLD, "--format", "markdown", command="lock") == 0
    assert capsys.readouterr().out == EMPTY


def test_check_says_what_would_move(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*OLD, "--with", "pip:einops") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()
    assert run(*OLD, "--with", "pip:einops", "--no-vision", "--dry-run", "--format", "markdown") == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows == [
        "| pip | linux-64 | numpy | 2.3.0 |  | no longer needed |",
        "| pip | linux-64 | torchvision | 0.24.1+cu126 |  | no longer needed |",
    ]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_another_format_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*OLD, "--format", "yaml") == 2
    assert "text, json or markdown" in capsys.readouterr().err


def test_a_cell_is_no_markup() -> None:
    package = PackageChange(name="a_b", old="1|2", new="<b>", why="new\nrelease")
    one = MovedSet(target="lab", package_set=PackageSet.PIP, platform="linux-64", file="f", packages=(package,))
    row = moved_markdown([one]).splitlines()[2]
    assert row == r"| lab | pip | linux-64 | a\_b | 1\|2 | \<b\> | new release |"
