"""The commands on a project's targets: one run makes all, one that fails costs only itself, nothing is of the host."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main
from envgen.core.locks import PipLock
from envgen.core.sets import PackageSet
from envgen.net.errors import UnreachableError
from envgen.solve.pip import solve as pip_solve
from envgen.solve.pip.query import PipQuery
from equipment.locks import pip_lock

PROJECT = """\
python = "3.12"

[targets.lab]
machines = [{gpu = "GTX 1080 Ti", driver = "550.54.15"}, {gpu = "RTX 4090", driver = "580.95.05"}]
platform = ["linux-64"]

[targets.laptop]
gpu = "GeForce MX450"
driver = "560.94"
platform = ["win-64"]

[targets.orin]
gpu = "Jetson AGX Orin 64GB"
driver = "JetPack 7.2"
platform = "linux-aarch64"
only = "pip"

[targets.h100]
gpu = "H100"
driver = "550.54.15"
platform = "linux-64"
"""
NAMES = ("lab", "laptop", "orin", "h100")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "envgen.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_one_run_makes_every_target_and_a_check_finds_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--offline"]) == 0
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [f"{n} (envs/{n})" for n in NAMES]
    assert err.startswith("note: targets of envgen.toml: lab, laptop, orin, h100\n")
    assert "orin: pylock.toml, requirements.txt, smoke_test.py were written\n" in err
    assert sorted(path.name for path in (project / "envs").iterdir()) == sorted(NAMES)
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_one_option_of_one_target_moves_only_what_belongs_to_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--offline"]) == 0
    before = contents(project / "envs")
    text = PROJECT.replace('driver = "560.94"', 'driver = "580.88"')
    (project / "envgen.toml").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["--check"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("laptop (envs/laptop)\n--- a/")
    assert "laptop: 7 file(s) would change" in err
    assert main(["--offline"]) == 0
    after = contents(project / "envs")
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert moved
    assert {name.split("/")[0] for name in moved} == {"laptop"}


def test_a_folder_below_makes_the_same_bytes_and_names_folders_from_there(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--offline"]) == 0
    before = contents(project / "envs")
    below = project / "src" / "package"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("ENVGEN_PYTHON", "3.13")
    capsys.readouterr()
    assert main(["--offline", "--target", "h100"]) == 0
    assert capsys.readouterr().out.startswith("h100 (../../envs/h100)\n")
    assert contents(project / "envs") == before


@pytest.mark.parametrize("arguments", [["--offline"], ["--check"]])
def test_a_target_that_fails_costs_only_itself(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["--offline"]) == 0
    edited = project / "envs" / "laptop" / "requirements.txt"
    edited.write_text(edited.read_text(encoding="utf-8") + "mine\n", encoding="utf-8")
    text = PROJECT.replace('[targets.h100]\ngpu = "H100"', '[targets.h100]\ngpu = "Tesla K10"')
    (project / "envgen.toml").write_text(text + 'python = "3.13"\n', encoding="utf-8")
    (project / "envs" / "lab" / "pylock.toml").unlink()
    capsys.readouterr()
    status = main(arguments)
    _, err = capsys.readouterr()
    assert "target h100 (envs/h100):\nerror: " in err
    if arguments == ["--offline"]:
        assert status == 4
        assert "target laptop (envs/laptop):\nerror: " in err
        assert "2 of 4 targets failed: laptop, h100; the others are done\n" in err
        assert (project / "envs" / "lab" / "pylock.toml").is_file()
    else:
        assert status == 3
        assert "laptop: 1 file(s) would change: requirements.txt" in err


def test_targets_of_one_pairing_are_solved_once_side_by_side(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = 'driver = "550.54.15"\nplatform = "linux-64"\nonly = "pip"\nwith = ["einops"]\n'
    gpus = {"a": "RTX 4090", "b": "H100", "c": "A100", "old": "GTX 1080 Ti"}
    text = "".join(f'[targets.{name}]\ngpu = "{gpu}"\n{target}' for name, gpu in gpus.items())
    (project / "envgen.toml").write_text(text, encoding="utf-8")
    asked: list[PipQuery] = []
    meeting = threading.Barrier(2, timeout=20)  # passed only when two are solved at the same time

    def solve(query: PipQuery, **_: Any) -> PipLock:
        asked.append(query)
        meeting.wait()
        if query.constraints:
            raise UnreachableError(package_set=PackageSet.PIP, url="https://index.example", reason="it is down")
        return pip_lock("linux-64", "3.12", torch=query.torch_version, torchvision=query.torchvision)

    monkeypatch.setattr(pip_solve, "solve_pip", solve)
    assert main(["lock"]) == 5
    assert len(asked) == 2  # cuDNN is bounded for Pascal: another question
    err = capsys.readouterr().err
    assert "1 of 4 targets failed: old" in err
    assert "b: solving" not in err
    locks = {(project / "envs" / name / "requirements.txt").read_text("utf-8").split("\n\n")[-1] for name in "abc"}
    assert len(locks) == 1
    assert not (project / "envs" / "old").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--target", "lap"], "target-unknown", 'envgen.toml has no target "lap"'),
        (["--driver", "550"], "usage", "--driver would not be read: the targets of envgen.toml state it themselves"),
        (["lock", "--with", "einops", "--output", "x"], "usage", "--with, --output would not be read"),
        (["--gpu", "RTX 4090", "--target", "lab"], "usage", "--gpu and --target exclude each other"),
    ],
)
def test_what_a_target_states_is_not_stated_again(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str, text: str
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert text in err
    assert f"[{code}]" in err
    assert not (project / "envs").exists()


def test_a_target_without_a_project_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["lock", "--target", "lab"]) == 2
    assert "there is no envgen.toml here, and no pyproject.toml with [tool.envgen]" in capsys.readouterr().err


def test_a_gpu_on_the_command_line_is_a_run_beside_the_project(project: Path) -> None:
    command = ["--gpu", "RTX 4090", "--platform", "linux-64", "--offline", "--output", "out"]
    assert main(command) == 0
    assert (project / "out" / "pylock.toml").is_file()
    assert not (project / "envs").exists()


def test_mistakes_are_told_before_anything_is_done(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "envgen.toml").write_text(PROJECT + "drivr = '1'\nwith = 3\n", encoding="utf-8")
    assert main(["--offline"]) == 2
    err = capsys.readouterr().err
    assert "error: envgen.toml has 2 mistakes [targets-file]\n  envgen.toml:22: targets.h100.drivr: no key" in err
    assert not (project / "envs").exists()


def test_verify_without_a_folder_looks_at_the_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 2
    hint = "hint: make them: envgen lock --target lab --target laptop --target orin --target h100"
    assert hint in capsys.readouterr().err
    assert main(["--offline", "--target", "lab", "--target", "orin"]) == 0
    capsys.readouterr()
    assert main(["verify", "--offline", "--target", "orin", "--target", "lab"]) == 0
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.splitlines() if not line.startswith(" ")] == [
        "envs/lab",
        "envs/orin",
        "2 folders, 0 with faults",
    ]
    assert main(["verify", "--target", "lap"]) == 2


def test_audit_without_a_gpu_judges_for_the_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """PyPI's torch 2.15.0 on Linux is a CUDA 13 build, which R550 does not serve (CUDA compatibility guide)."""
    (project / "other.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    assert main(["audit", "other.txt"]) == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("target ")] == [f"target {name}" for name in NAMES]
    assert main(["audit", "other.txt", "--target", "orin"]) == 0
    assert main(["audit", "other.txt", "--target", "h100", "--format", "json"]) == 1
