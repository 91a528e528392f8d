"""A platform that gets neither set: the others are written, and the run does not end as if all had been had."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.cli.main import main

LINUX = ["--machine", "RTX 4090;550.54.15;linux-64"]
# No pip wheel runs with JetPack 6's CUDA 12.6, and no lock of conda-forge's Tegra builds is shipped.
JETSON = ["--machine", "Jetson AGX Orin;JetPack 6.2;linux-aarch64"]
# R456 is older than the card.
OLD_WINDOWS = ["--machine", "RTX 5090;456.38;win-64"]


@pytest.mark.parametrize(
    ("machine", "status", "code"),
    [pytest.param(JETSON, 5, "channel-unreachable", id="jetson"), pytest.param(OLD_WINDOWS, 3, "no-pairing", id="old")],
)
def test_the_rest_is_written_and_the_status_says_what_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: list[str], status: int, code: str
) -> None:
    command = [*LINUX, *machine, "--offline", "--output", str(tmp_path)]
    assert main(command) == status
    assert f"[{code}]" in capsys.readouterr().err
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"requirements-linux-64.txt", "conda-linux-64.lock", "smoke_test.py"} <= set(written)
    assert main(["verify", "--offline", str(tmp_path)]) == 0


@pytest.mark.parametrize("machine", [JETSON, OLD_WINDOWS])
def test_the_next_run_leaves_the_same_bytes(tmp_path: Path, machine: list[str]) -> None:
    """conda-lock.yml is one file for all platforms: it is not held for one that it says it lacks."""
    command = [*LINUX, *machine, "--offline", "--output", str(tmp_path)]
    status = main(command)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(command) == status
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
