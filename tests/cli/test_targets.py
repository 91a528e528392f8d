"""The commands on a project's targets: one run makes all, one that fails costs only itself, nothing is of the host."""

from __future__ import annotations

import json
import threading
import venv
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main
from envgen.core.locks import PipLock
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.net.errors import UnreachableError
from envgen.solve.pip import solve as pip_solve
from envgen.solve.pip.query import PipQuery
from envgen.verify import folder as folders
from envgen.verify.findings import Asking, Report
from equipment.file_names import SMOKE, all_names, names_of
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
    assert f"orin: {', '.join(sorted({*names_of(PackageSet.PIP), SMOKE}))} were written\n" in err
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
    assert f"laptop: {len(all_names())} file(s) would change" in err
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
        if any(bound.startswith("nvidia-cudnn") for bound in query.constraints):
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


def test_verify_asks_the_mirrors_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run does: those of the command line come before, a folder is one beside the project's file."""
    mirrors = 'conda-mirror = "channels"\nwheel-mirror = "https://mirror.example/whl"\n'
    (project / "envgen.toml").write_text(mirrors + PROJECT, encoding="utf-8")
    (project / "channels").mkdir()
    assert main(["--offline", "--target", "orin"]) == 0
    asked = []

    def look(folder: Path, builds: Catalog, asking: Asking) -> Report:
        del builds
        asked.append((asking.wheels, asking.conda))
        return Report(folder=folder.as_posix(), files=(), packages=0, findings=(), skipped=())

    monkeypatch.setattr(folders, "verify_folder", look)
    monkeypatch.chdir(project / "envs")
    assert main(["--check", "--target", "orin"]) == 0
    assert main(["verify", "--target", "orin"]) == 0
    assert main(["verify", "--target", "orin", "--conda-mirror", "https://channels.example"]) == 0
    assert main(["verify", str(project / "envs" / "orin")]) == 0
    root = project.resolve()
    assert asked == [
        ("https://mirror.example/whl", str(root / "channels")),
        ("https://mirror.example/whl", "https://channels.example"),
        ("", ""),
    ]


def test_audit_without_a_gpu_judges_for_the_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """PyPI's torch 2.15.0 on Linux is a CUDA 13 build, which R550 does not serve (CUDA compatibility guide)."""
    (project / "other.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    assert main(["audit", "other.txt"]) == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("target ")] == [f"target {name}" for name in NAMES]
    assert main(["audit", "other.txt", "--target", "orin"]) == 0
    assert main(["audit", "other.txt", "--target", "h100", "--format", "json"]) == 1


CPU_TARGET = PROJECT + '[targets.ci]\ncuda = "cpu"\nplatform = ["linux-64", "osx-arm64"]\n'


def test_resolve_answers_for_the_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last release with code for Pascal and Turing under CUDA 12.6 is 2.14.1 (pytorch/pytorch#190385)."""
    (project / "envgen.toml").write_text(CPU_TARGET, encoding="utf-8")
    assert main(["resolve", "--format", "json"]) == 0
    found = {(one["target"], one["request"]["platform"]): one for one in json.loads(capsys.readouterr().out)}
    assert {name for name, _ in found} == {*NAMES, "ci"}
    assert found["lab", "linux-64"]["pip"]["torch"] == "2.14.1"
    assert found["ci", "osx-arm64"]["request"]["driver"] is None
    assert main(["resolve", "--target", "laptop", "--target", "ci"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("target ")] == ["target laptop", "target ci"]
    assert "\nlocked, with hashes: envgen --target laptop\n" in out
    assert main(["resolve", "--driver", "580.95.05"]) == 2


def test_resolve_answers_for_the_targets_that_have_a_build(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Tesla K10 is 3.0: no wheel of PyTorch's has code for it (pytorch/pytorch#30532)."""
    text = PROJECT.replace('[targets.h100]\ngpu = "H100"', '[targets.h100]\ngpu = "Tesla K10"')
    (project / "envgen.toml").write_text(text, encoding="utf-8")
    assert main(["resolve", "--target", "laptop", "--target", "h100"]) == 3
    out, err = capsys.readouterr()
    assert out.startswith("target laptop\n")
    assert "target h100" not in out
    assert "Tesla K10" in err


def test_why_not_answers_for_the_targets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "envgen.toml").write_text(CPU_TARGET, encoding="utf-8")
    assert main(["why-not", "cu130", "--target", "lab", "--target", "ci"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("target lab\nlinux-64: no build of cu130 runs\n")
    assert out.endswith(
        "target ci\nlinux-64: no build for the CPU is cu130\nosx-arm64: no build for the CPU is cu130\n"
    )
    assert main(["why-not", "2.15.0+cu130", "--target", "h100", "--format", "json"]) == 0
    assert {one["target"] for one in json.loads(capsys.readouterr().out)["answers"]} == {"h100"}


def test_audit_judges_for_targets_with_a_gpu(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "envgen.toml").write_text(CPU_TARGET, encoding="utf-8")
    (project / "other.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    assert main(["audit", "other.txt", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert [file["target"] for file in json.loads(out)["files"]] == [*NAMES]
    assert "note: not judged for ci: without a GPU there is no CUDA that could fail" in err
    assert main(["audit", "other.txt", "--target", "lab", "--format", "github"]) == 1
    assert "on linux-64 (target lab) does not run" in capsys.readouterr().out
    for asked in (["--target", "ci"], ["--gpu", "cpu", "--platform", "linux-64"]):
        assert main(["audit", "other.txt", *asked]) == 2
        assert "the CPU has none [usage]" in capsys.readouterr().err


def test_a_projects_own_files_are_of_one_target(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "uv"]) == 2
    assert "are several targets, and a file of uv has the pairing of one" in capsys.readouterr().err
    assert main(["project", "uv", "--target", "h100"]) == 0
    assert "download.pytorch.org" in capsys.readouterr().out
    for text in ("was written", "up to date"):
        assert main(["project", "docker", "--target", "h100", "--write"]) == 0
        assert text in capsys.readouterr().err
    written = (project / "envs" / "h100" / "Dockerfile").read_text(encoding="utf-8")
    assert "# Made by: envgen --target h100\n" in written
    assert main(["project", "docker", "--target", "laptop"]) == 3  # Windows


def test_doctor_examines_the_environment_of_a_target(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--target", "lab"]) == 2
    assert '"envs/lab/.venv" is no environment (from --target)' in capsys.readouterr().err
    venv.create(project / "envs" / "lab" / ".venv", with_pip=False)
    assert main(["doctor", "--target", "lab", "--format", "json"]) in (0, 1)
    assert str(project / "envs" / "lab" / ".venv") in capsys.readouterr().out
    assert main(["doctor", "--target", "lab", "--python", "python3"]) == 2
    assert main(["doctor", "--target", "nobody"]) == 2
