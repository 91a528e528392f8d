"""Each example does what it is an example of, and the documents show it as it is."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from envgen.cli.main import main
from envgen.core.sets import PackageSet
from envgen.targets.read import parse_manifest
from equipment.file_names import SMOKE, names_of

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / ".github" / "examples"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A copy of the example that a test is about, as the current folder."""
    folder: Path = tmp_path / request.param
    shutil.copytree(EXAMPLES / request.param, folder)
    monkeypatch.chdir(folder)
    return folder


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # "on" is no boolean


def test_the_documents_show_every_file_of_every_example() -> None:
    page = (ROOT / "templates" / "docs" / "examples.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)```$", page, re.DOTALL | re.MULTILINE))
    files = {path.relative_to(EXAMPLES).as_posix(): path for path in EXAMPLES.rglob("*") if path.is_file()}
    assert shown == {name: path.read_text(encoding="utf-8") for name, path in files.items()}


@pytest.mark.parametrize("example", ["targets"], indirect=True)
def test_every_target_is_written_and_up_to_date(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (example / "envgen.toml").read_text(encoding="utf-8")
    names = [target.name for target in parse_manifest(text, example / "envgen.toml").targets]
    assert (len(names), names[-1]) == (5, "ci")
    for name in names[:-1]:  # no lock of the last is shipped: it has no GPU
        assert main(["--target", name, "--offline"]) == 0
        assert main(["--target", name, "--check"]) == 0
    assert {path.name for path in (example / "envs" / "laptop").iterdir()} == {*names_of(PackageSet.PIP), SMOKE}
    assert main(["matrix", "--target", "lab"]) == 0
    assert "self-hosted" in capsys.readouterr().out


@pytest.mark.parametrize("example", ["requirements"], indirect=True)
def test_the_audit_finds_what_is_wrong_with_a_file_made_by_hand(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, *arguments = shlex.split(command_in(example / "requirements.txt"))
    assert main(arguments) == 1
    assert "change: take torch==2.14.1+cu126 from https://download.pytorch.org/whl/cu126" in capsys.readouterr().out


@pytest.mark.network
@pytest.mark.parametrize("example", ["requirements"], indirect=True)
def test_a_requirements_file_is_locked_together_with_torch(example: Path) -> None:
    _, *arguments = shlex.split(command_in(example / "requirements.in"))
    assert main(arguments) == 0
    locked = (example / "locked" / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^torch==\d", locked, re.MULTILINE)
    assert re.search(r"^einops==\d", locked, re.MULTILINE)


def command_in(path: Path) -> str:
    (command,) = re.findall(r"^#   (envgen .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return str(command)


@pytest.mark.parametrize("example", ["audit-action"], indirect=True)
def test_the_workflow_asks_the_action_for_what_it_takes(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = read_yaml(example / ".github" / "workflows" / "audit.yml")["jobs"]["audit"]
    (step,) = (step for step in job["steps"] if "actions/audit" in step["uses"])
    assert step["uses"].partition("@")[0] == "cuda-envgen/cuda-envgen/.github/actions/audit"
    action = read_yaml(ROOT / ".github" / "actions" / "audit" / "action.yml")
    assert {*step["with"]} <= {*action["inputs"]}
    asked = step["with"]
    arguments = ["--gpu", asked["gpu"].strip(), "--driver", asked["driver"], "--platform", asked["platform"]]
    assert main(["audit", *arguments, asked["files"]]) == 0
    Path("requirements.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    assert main(["audit", *arguments, asked["files"]]) == 1
    assert "does not run" in capsys.readouterr().out


@pytest.mark.parametrize("example", ["pre-commit"], indirect=True)
def test_the_hook_passes_and_fails_with_the_file(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo,) = read_yaml(example / ".pre-commit-config.yaml")["repos"]
    (hook,) = repo["hooks"]
    (offered,) = read_yaml(ROOT / ".pre-commit-hooks.yaml")
    assert hook["id"] == offered["id"]
    assert re.search(offered["files"], "requirements.txt")
    _, *entry = shlex.split(offered["entry"])
    assert main([*entry, *hook["args"], "requirements.txt"]) == 0
    Path("requirements.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    assert main([*entry, *hook["args"], "requirements.txt"]) == 1
    assert "does not run" in capsys.readouterr().out
