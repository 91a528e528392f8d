"""A lock made for a newer glibc is not handed to a host with an older one: its wheels and packages may not install."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName, file_name

K80 = ["--compute-capability", "3.7", "--platform", "linux-64", "--python", "3.11", "--offline"]


def test_a_shipped_lock_for_a_newer_glibc_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped one holds manylinux_2_27 wheels, which PEP 600 keeps from a host with glibc 2.17 (CentOS 7)."""
    assert main([*K80, "--glibc", "2.17", "--output", str(tmp_path / "out")]) == 5
    assert "-unreachable]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pins_for_a_newer_glibc_are_not_kept(tmp_path: Path) -> None:
    assert main([*K80, "--output", str(tmp_path)]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([*K80, "--glibc", "2.17", "--output", str(tmp_path)]) == 5
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("glibc", ["2.28", "2.39"])
def test_a_newer_glibc_takes_what_is_shipped(tmp_path: Path, glibc: str) -> None:
    assert main([*K80, "--glibc", glibc, "--output", str(tmp_path)]) == 0
    lock = tomllib.loads((tmp_path / "pylock.toml").read_text(encoding="utf-8"))
    wheels = [WheelName.parse(file_name(wheel["url"])) for p in lock["packages"] for wheel in p["wheels"]]
    assert all(wheel.fits(python="3.11", subdir=Subdir.LINUX_64, glibc=glibc) for wheel in wheels)


def test_windows_has_no_glibc(tmp_path: Path) -> None:
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    assert main([*arguments, "--glibc", "2.17", "--output", str(tmp_path)]) == 0
