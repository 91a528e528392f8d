"""`envgen verify` through the command line: what the main job writes is good, what a header claims is checked."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.files.reading import split
from equipment.file_names import all_names
from equipment.lock_damage import change, change_text, codes


@pytest.fixture
def mx450(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "out"
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    assert main([*arguments, "--output", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_what_the_main_job_writes_is_good(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--offline", str(mx450.parent)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{mx450.as_posix()}: good ({len(all_names())} files, ")
    assert "skipped: " not in out  # both sets are shipped locks: nothing is left open


def test_two_platforms_are_good(tmp_path: Path) -> None:
    platforms = ["--platform", "win-64", "--platform", "linux-64"]
    assert main(["--gpu", "GTX 1080 Ti", "--driver", "570", *platforms, "--offline", "--output", str(tmp_path)]) == 0
    assert main(["verify", "--offline", str(tmp_path)]) == 0


TWO = ["--gpu", "GTX 1080 Ti", "--driver", "570", "--platform", "win-64", "--platform", "linux-64", "--offline"]


def test_a_requirements_file_of_the_users_own_beside_two_platforms_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The set has one for each platform, with the platform in its name: envgen neither wrote it nor would."""
    assert main([*TWO, "--output", str(tmp_path)]) == 0
    (tmp_path / "requirements.txt").write_text("--index-url https://me:secret@host.example/simple\nmine\n")
    capsys.readouterr()
    assert main(["verify", "--offline", "--strict", str(tmp_path)]) == 0
    said = "  skipped: requirements.txt: no header of envgen's, and no part of the set beside it\n"
    assert said in capsys.readouterr().out


def test_files_of_the_set_that_lost_their_headers_are_found(tmp_path: Path) -> None:
    assert main([*TWO, "--output", str(tmp_path)]) == 0
    for name in ("requirements-win-64.txt", "pylock.win-64.toml"):
        (tmp_path / name).write_text(split((tmp_path / name).read_text("utf-8"))[1], "utf-8")
    assert codes(tmp_path) == {"header-missing"}


def test_an_edited_file_of_a_platform_that_was_dropped_is_told_how_to_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TWO, "--output", str(tmp_path)]) == 0
    left = tmp_path / "requirements-win-64.txt"
    left.write_text(left.read_text("utf-8") + "mine\n", "utf-8")
    capsys.readouterr()
    assert main([*TWO[:4], *TWO[6:], "--output", str(tmp_path)]) == 0
    said = f"note: {left.name} is of an earlier environment, and kept because it was edited"
    assert said in capsys.readouterr().err
    assert codes(tmp_path) == {"file-left-over"}
    left.unlink()
    assert codes(tmp_path) == set()


def test_a_fault_is_exit_1_and_json_tells_it(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(mx450, "requirements.txt", "0.29.1+cu126", "0.29.0+cu126")
    assert main(["verify", "--offline", "--format", "json", str(mx450)]) == 1
    (folder,) = json.loads(capsys.readouterr().out)["folders"]
    assert folder["good"] is False
    assert [finding["code"] for finding in folder["findings"]] == ["files-disagree"]


def test_a_gpu_that_the_build_has_no_code_for_is_found(mx450: Path) -> None:
    for path in mx450.iterdir():
        change_text(mx450, path.name, '"capability":"7.5"', '"capability":"3.5"')
    assert "gpu-not-covered" in codes(mx450)


def test_a_driver_below_the_floor_is_found(mx450: Path) -> None:
    for path in mx450.iterdir():
        change_text(mx450, path.name, '"driver":"560.94"', '"driver":"512.95"')
    assert "driver-too-old" in codes(mx450)


def test_a_smoke_test_that_expects_another_build_is_found(mx450: Path) -> None:
    change(mx450, "smoke_test.py", "'2.14.1'", "'2.13.0'")
    assert codes(mx450) == {"files-disagree"}


def test_a_folder_without_files_of_ours_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert "no file of envgen's in" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["file", "nothing"])
def test_what_is_no_folder_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["verify", str(tmp_path / name)]) == 2
    assert "is not a folder [usage]" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pylock.toml", "conda-win-64.lock"])
def test_a_byte_order_mark_that_the_reader_refuses_is_found_and_goes_with_the_next_run(mx450: Path, name: str) -> None:
    """tomllib takes none, and conda reads the line as a package; everything else of the set is as it was."""
    path = mx450 / name
    before = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + before)
    if name.endswith(".toml"):
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(path.read_text("utf-8"))
    assert codes(mx450) == {"file-edited"}
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    assert main([*arguments, "--output", str(mx450)]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["requirements.txt", "environment.yml", "conda-lock.yml", "smoke_test.py"])
def test_a_byte_order_mark_that_the_reader_skips_is_no_fault(mx450: Path, name: str) -> None:
    path = mx450 / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert codes(mx450) == set()
