"""CI of a project's targets: each on its own runner, held against what is asked for, solved anew each week."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from ci.local_run import commit
from envgen.ci.locks import CiLock
from envgen.ci.matrix import target_entries
from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog

WORKFLOW = Path(".github/workflows/environments.yml")
PROJECT = """\
requirements = ["requirements.in"]
[targets.t4]
gpu = "Tesla T4"
driver = "550.54.15"
platform = ["linux-64", "win-64"]
only = "pip"
requirements = []
runner = {linux-64 = "gpu-t4-4-core", win-64 = "self-hosted,windows,gpu"}
[targets.h100]
gpu = "H100"
driver = "550.54.15"
platform = "linux-64"
requirements = []
runner = "self-hosted,h100"
[targets.laptop]
gpu = "GeForce MX450"
driver = "560.94"
platform = "win-64"
only = "pip"
requirements = ["empty.in"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "envgen.toml").write_text(PROJECT, encoding="utf-8")
    for name in ("requirements.in", "empty.in"):
        (tmp_path / name).write_text("# nothing yet\n", encoding="utf-8")
    commit(tmp_path, "a project")
    monkeypatch.chdir(tmp_path)
    assert main(["--offline"]) == 0
    capsys.readouterr()
    return tmp_path


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    return found


def rows(job: str) -> list[tuple[str, Any]]:
    return [(row["lock"], row["runner"]) for row in jobs()[job]["strategy"]["matrix"]["include"]]


def test_a_runner_runs_the_locks_of_its_target_and_no_others(project: Path) -> None:
    assert main(["ci"]) == 0
    assert rows("gpu") == [
        ("envs/t4/requirements-linux-64.txt", "gpu-t4-4-core"),
        ("envs/t4/requirements-win-64.txt", ["self-hosted", "windows", "gpu"]),
        ("envs/h100/conda-linux-64.lock", ["self-hosted", "h100"]),
        ("envs/h100/requirements.txt", ["self-hosted", "h100"]),
    ]
    assert {lock for lock, _ in rows("build")} == {lock for lock, _ in rows("gpu")} | {"envs/laptop/requirements.txt"}


def test_what_waits_what_is_watched_and_what_is_not_kept(project: Path) -> None:
    assert main(["ci", "--output", "ci/gpu.yml"]) == 0
    text = Path("ci/gpu.yml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    assert {name: job.get("needs") for name, job in document["jobs"].items()} == {
        "verify": None,
        "build": "verify",
        "gpu": "build",
        "upgrade": None,
        "propose": "upgrade",
    }
    paths = document[True]["pull_request"]["paths"]
    watched = ["ci/gpu.yml", "envgen.toml", "empty.in", "envs/t4/smoke_test.py", "envs/h100/conda-linux-64.lock"]
    assert [name for name in watched if not any(fnmatch(name, path) for path in paths)] == []
    # Three gigabytes of torch would push out what a repository's other caches hold.
    options = [name for job in document["jobs"].values() for step in job["steps"] for name in step.get("with", {})]
    assert [name for name in options if "cache" in name] == []
    assert "GITHUB_STEP_SUMMARY" in text
    assert main(["ci", "--output", "ci/gpu.yml", "--check"]) == 0


def test_without_a_project_all_folders_below_are_found(project: Path) -> None:
    (project / "envgen.toml").unlink()
    (project / ".venv").mkdir()
    (project / ".venv" / "requirements.txt").write_text("", encoding="utf-8")
    assert main(["ci"]) == 0
    assert {lock.split("/")[1] for lock, _ in rows("build")} == {"t4", "h100", "laptop"}
    assert not {"gpu", "upgrade"} & {*jobs()}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--gpu-runner", "x"], "folders and --gpu-runner are not read beside the targets"),
        (["envs/t4", "--target", "t4"], "folders and --gpu-runner are not read beside the targets"),
        (["--output", "../ci.yml"], '"../ci.yml" cannot be a workflow'),
    ],
)
def test_what_cannot_be_both(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert main(["ci", *arguments]) == 2
    assert text in capsys.readouterr().err
    assert not WORKFLOW.exists()


def test_a_workflow_is_written_at_the_root_alone(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "envs")
    assert main(["ci"]) == 2
    assert "a workflow belongs to the repository's root" in capsys.readouterr().err


def test_the_matrix_of_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "--format", "json", "--set", "pip", "--target", "t4", "--target", "laptop"]) == 0
    found = json.loads(capsys.readouterr().out)["environments"]
    assert [(one["id"], one["target"], one["tag"], one["runner"]) for one in found] == [
        ("t4-linux-64-pip", "t4", "cu126", "gpu-t4-4-core"),
        ("t4-win-64-pip", "t4", "cu130", ["self-hosted", "windows", "gpu"]),
        ("laptop-win-64-pip", "laptop", "cu126", "windows-2025"),
    ]
    commit(project, "locks")
    (project / "envs" / "laptop" / "mine.txt").write_text("x", encoding="utf-8")
    commit(project, "one folder")
    assert main(["matrix", "--format", "github", "--changed-since", "HEAD~1"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["include"]
    assert (entry["lock"], entry["path"]) == ("envs/laptop/requirements.txt", "envs/laptop")
    assert main(["matrix", "--gpu-runner", "x"]) == 2
    assert main(["matrix", "--set", "conda", "--platform", "win-64"]) == 0
    assert capsys.readouterr().out.endswith("0 environments\n")


def test_a_build_without_cuda_says_so_in_the_matrix(project: Path) -> None:
    folder = PurePosixPath("envs")
    lock = CiLock(
        package_set=PackageSet.PIP,
        subdir=Subdir.OSX_ARM64,
        python="3.12",
        folder=folder,
        lock=folder / "requirements.txt",
        is_cpu=True,
    )
    (entry,) = target_entries([lock], {folder: "ci"}, [], project, Catalog.load())
    assert (entry["id"], entry["tag"], entry["runner"]) == ("ci-osx-arm64-pip", "cpu", "macos-15")
