"""A project of five targets, one of them for the CPU, locked for real: a change of one target moves what is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from envgen.cli.main import main
from equipment.conda_channel import pytorch_rows, write_channel
from equipment.wheel_index import WheelIndex, make_wheel

PROJECT = """\
python = "3.12"
torch = ">=2.9.1,<2.11"

[targets.lab]
machines = [{gpu = "GTX 1080 Ti", driver = "550.54.15"}, {gpu = "RTX 4090", driver = "580.95.05"}]
platform = "linux-64"

[targets.laptop]
gpu = "GeForce MX450"
driver = "560.94"
platform = "win-64"
only = "pip"

[targets.arm]
gpu = "GH200"
driver = "550.54.15"
torch = "==2.9.1"
platform = "linux-aarch64"

[targets.h100]
gpu = "H100"
driver = "550.54.15"
platform = "linux-64"

[targets.ci]
cuda = "cpu"
torch = "==2.5.0"
platform = "linux-64"
only = "pip"
"""
NAMES = ["lab", "laptop", "arm", "h100", "ci"]
Lock = list[str]


@pytest.fixture
def lock(tmp_path: Path, torch_index: WheelIndex, run: Run, monkeypatch: pytest.MonkeyPatch) -> Lock:
    """The command that locks the project over mirrors; their conda channel has nothing for Arm."""
    del run
    hosts = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64")
    wheels = [
        wheel
        for host in hosts
        for wheel in (
            make_wheel(f"torch-2.9.1+cu126-cp312-cp312-{host}.whl", ("filelock",)),
            make_wheel(f"torchvision-0.24.1+cu126-cp312-cp312-{host}.whl", ("numpy", "torch==2.9.1")),
        )
    ]
    # No hash of a CPU wheel of 2.5.0 is known, so the test may make its own.
    cpu = [
        make_wheel("torch-2.5.0+cpu-cp312-cp312-linux_x86_64.whl", ("filelock",)),
        make_wheel("torchvision-0.20.0+cpu-cp312-cp312-linux_x86_64.whl", ("numpy", "torch==2.5.0")),
    ]
    torch_index.wheels = {"/whl/cu126": wheels, "/whl/cpu": cpu}
    rows = [row for row in pytorch_rows() if row.subdir != "linux-aarch64"]
    write_channel(tmp_path / "channels" / "conda-forge", rows)
    (tmp_path / ".git").mkdir()
    (tmp_path / "envgen.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return ["lock", "--wheel-mirror", torch_index.url("/whl"), "--conda-mirror", str(tmp_path / "channels")]


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_one_change_of_one_target_moves_its_own_files(
    tmp_path: Path, lock: Lock, capsys: pytest.CaptureFixture[str]
) -> None:
    envs = tmp_path / "envs"
    assert main(lock) == 0
    assert sorted(path.name for path in envs.iterdir()) == sorted(NAMES)
    assert "pip, linux-64: torch 2.5.0+cpu + torchvision 0.20.0+cpu; runs on the CPU" in capsys.readouterr().out
    told = (envs / "arm" / "smoke_test.py").read_text(encoding="utf-8")
    assert "note [set-not-locked]: the conda files are not written" in told
    first = contents(envs)
    # A set that could not be had before is not asked for again, and its file says the same of it.
    assert main(lock) == 0
    assert contents(envs) == first
    assert main(["--check"]) == 0
    assert main(["verify", "--offline"]) == 0
    assert main(["matrix", "--format", "json", "--set", "pip"]) == 0
    for old, new, name in (
        ('gpu = "H100"', 'gpu = "H100"\nwith = ["einops"]', "h100"),
        ('cuda = "cpu"', 'cuda = "cpu"\nvision = false', "ci"),
    ):
        text = (tmp_path / "envgen.toml").read_text(encoding="utf-8")
        (tmp_path / "envgen.toml").write_text(text.replace(old, new), encoding="utf-8")
        before = contents(envs)
        assert main(["--check"]) != 0
        assert main(lock) == 0
        after = contents(envs)
        moved = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert moved
        assert {path.split("/")[0] for path in moved} == {name}
        assert main(["--check"]) == 0
