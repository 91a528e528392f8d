"""What a release is made of: the same bytes each time, a recipe that needs what the wheel needs, a dated version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from envgen import __version__

ROOT = Path(__file__).parent.parent


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_the_recipe_needs_what_the_wheel_needs() -> None:
    recipe = yaml.safe_load((ROOT / ".github/recipe/recipe.yaml").read_text(encoding="utf-8"))
    run = [line.replace(" ", "") for line in recipe["requirements"]["run"] if not line.startswith("python ")]
    assert sorted(run) == sorted(project()["dependencies"])
    scripts = [f"{name} = {target}" for name, target in project()["scripts"].items()]
    assert sorted(recipe["build"]["python"]["entry_points"]) == sorted(scripts)
    assert recipe["context"]["version"] == __version__
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert {line.replace(" ", "") for line in recipe["requirements"]["host"]} >= {*build}


def test_the_version_has_a_dated_section() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", text, re.M)
    assert text.count("## Unreleased") <= 1


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    names = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    )
    for name in filter(None, names):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    for folder in ("one", "two"):
        command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path / folder)]
        subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=300)
        for path in source.rglob("*.py"):  # another checkout, later
            path.touch()
    held = [{path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")]
    assert len(held[0]) == 2
    assert held[0] == held[1]
