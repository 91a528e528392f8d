"""`envgen init`: a project's file from options, from this computer, from a list of machines; what is there stays."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.request import read
from envgen.request.requests import Requests
from envgen.targets.read import read_manifest
from equipment.requests import ask


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stated(folder: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((folder / "envgen.toml").read_text(encoding="utf-8"))
    return found


def test_options_become_a_target_and_a_second_one_leaves_the_first_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["init", "--target", "laptop", "--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
    assert main([*command, "--only", "pip", "--no-vision"]) == 0
    assert stated(folder) == {
        "python": "3.12",
        "targets": {
            "laptop": {
                "gpu": "GeForce MX450",
                "driver": "560.94",
                "platform": "win-64",
                "only": "pip",
                "vision": False,
            }
        },
    }
    before = (folder / "envgen.toml").read_text(encoding="utf-8") + "\n# mine\n"
    (folder / "envgen.toml").write_text(before, encoding="utf-8")
    lab = ["--machine", "GTX 1080 Ti;550.54.15", "--machine", "RTX 4090;580.95.05", "--platform", "linux-64"]
    assert main(["init", "--target", "lab.1", *lab, "--glibc", "linux-64=2.35", "--channel", "pyg"]) == 0
    text = (folder / "envgen.toml").read_text(encoding="utf-8")
    assert text.startswith(before)
    assert text.endswith(
        """\

[targets."lab.1"]
machines = [
    {gpu = "GTX 1080 Ti", driver = "550.54.15"},
    {gpu = "RTX 4090", driver = "580.95.05"},
]
platform = "linux-64"
python = "3.12"
glibc = {linux-64 = "2.35"}
channel = "pyg"
"""
    )
    capsys.readouterr()
    assert main(["init", *command[1:]]) == 2
    assert 'the project\'s file has a target "laptop" already [usage]' in capsys.readouterr().err
    assert (folder / "envgen.toml").read_text(encoding="utf-8") == text


def test_without_a_gpu_the_target_is_this_computer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(base: object, subdirs: object, builds: object) -> object:
        request = ask("8.9", "linux-64", "550.54.15")
        return Requests(requests=(request,), notices=())

    monkeypatch.setattr(read, "_from_host", found)
    monkeypatch.setattr("envgen.targets.check._read", lambda options: None)
    monkeypatch.setattr("envgen.targets.check._decide", lambda options: None)
    assert main(["init"]) == 0
    assert stated(folder) == {
        "python": "3.12",
        "targets": {"gpu-89": {"gpu": "GPU 8.9", "driver": "550.54.15", "platform": "linux-64"}},
    }


def test_pyproject_with_the_table_is_where_a_target_goes(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text(
        '[project]\nname = "x"\n[tool.envgen]\npython = "3.11"\n'
        '[tool.envgen.targets.a]\ncuda = "cpu"\nplatform = "win-64"\n',
        encoding="utf-8",
    )
    assert main(["init", "--gpu", "H100", "--platform", "linux-64"]) == 0
    assert [target.name for target in read_manifest(path).targets] == ["a", "h100"]
    assert not (folder / "envgen.toml").exists()


def test_machines_become_the_fewest_targets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "machines.csv").write_text(
        "name,gpu,driver,platform\n"
        "b1,RTX 5090,580.95.05,linux-64\nb2,RTX 5090,580.95.05,linux-64\n"
        "a1,A100,470.82.01,linux-64\nw1,GeForce MX450,560.94,win-64\nx1,Radeon RX 580,,linux-64\n",
        encoding="utf-8",
    )
    assert main(["init", "--machines", "machines.csv", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert not (folder / "envgen.toml").exists()
    assert main(["init", "--machines", "machines.csv"]) == 0
    assert (folder / "envgen.toml").read_text(encoding="utf-8") == text
    out = capsys.readouterr().out
    assert out.startswith("2 targets for 4 of 5 machines; fewer can't serve them\n")
    assert "left out: 1 machine: x1: " in out
    assert "with driver 525.60.13 or newer on 1 machine: a1 (A100 with driver 470.82.01) 1 target would do\n" in out
    first, second = read_manifest(folder / "envgen.toml").targets
    assert first.wanted.machines == ("RTX 5090;580.95.05;linux-64", "GeForce MX450;560.94;win-64")
    assert second.wanted.machines == ("A100;470.82.01",)
    assert main(["--offline", "--target", first.name]) == 0
    assert main(["verify", "--offline", "--target", first.name]) == 0


@pytest.mark.parametrize(
    ("text", "arguments", "status", "message"),
    [
        ("name,gpu,driver,platform\na,RTX 4900,,linux-64\n", [], 2, "machines.csv:2: gpu: no GPU named"),
        ("name,gpu,driver,platform\na,Radeon RX 580,,linux-64\n", [], 3, "none of the machines can be served"),
        ("name,gpu,driver,platform\na,T4,,linux-64\n", ["--gpu", "T4"], 2, "--machines names the machines already"),
        ("name,gpu,driver,platform\na,T4,,linux-64\n", ["--only", "win-64=pip"], 2, "--only for one platform"),
        (None, [], 2, "machines.csv:1: it can't be read: No such file or directory"),
    ],
)
def test_a_list_that_leads_nowhere(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str | None, arguments: list[str], status: int, message: str
) -> None:
    if text is not None:
        (folder / "machines.csv").write_text(text, encoding="utf-8")
    assert main(["init", "--machines", "machines.csv", *arguments]) == status
    assert message in capsys.readouterr().err
    assert not (folder / "envgen.toml").exists()


def test_a_further_target_keeps_to_the_python_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stated = 'python = "3.11"\n\n[targets.a]\ngpu = "T4"\nplatform = "linux-64"\n'
    (tmp_path / "envgen.toml").write_text(stated, encoding="utf-8")
    command = ["init", "--gpu", "H100", "--platform", "linux-64", "--target"]
    assert main([*command, "b"]) == 0
    assert main([*command, "c", "--python", "3.13"]) == 0
    pythons = {one.name: one.wanted.python for one in read_manifest(tmp_path / "envgen.toml").targets}
    assert pythons == {"a": "3.11", "b": "3.11", "c": "3.13"}
    del capsys
