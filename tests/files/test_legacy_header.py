"""Folders of release 0.1.0, written by it and kept here: read for one release more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.sets import PackageSet
from envgen.files.header import split_header
from envgen.files.reading import is_untouched, split
from envgen.records.errors import RecordError
from equipment.lock_damage import change_text, verify

LEGACY = Path(__file__).parent / "legacy"
ASKED, SHIPPED = sorted(LEGACY.glob("asked/*")), sorted(LEGACY.glob("shipped/*"))


@pytest.mark.parametrize("path", [*ASKED, *SHIPPED], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_its_headers_are_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert split_header(text) is None
    header, _ = split(text)
    assert header is not None
    assert header.is_legacy
    assert is_untouched(text)
    assert not is_untouched(text + "\n")


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.name)
def test_the_request_is_made_from_the_command(path: Path) -> None:
    header, _ = split(path.read_text(encoding="utf-8"))
    assert header is not None
    record = header.record()
    (platform,) = record.platforms
    assert [(gpu.name, str(gpu.capability)) for gpu in platform.gpus] == [
        ("", "8.6"),
        ("GeForce MX450", "7.5"),
        ("GeForce GTX 1650", "7.5"),
    ]
    assert (platform.subdir.value, str(platform.driver), record.python) == ("win-64", "560.94", "3.12")
    assert (record.vision, record.audio, record.asks(PackageSet.PIP)[1]) == (True, False, frozenset())


def test_a_shipped_lock_states_its_codes() -> None:
    header, _ = split(SHIPPED[0].read_text(encoding="utf-8"))
    assert header is not None
    record = header.record()
    assert header.lines[0] == f"for every GPU that runs one of: {' '.join(map(str, record.codes))}"
    assert "sm_75" in [str(code) for code in record.codes]
    assert str(record.floor) == "528.33"


@pytest.mark.parametrize(
    ("old", "new", "packages"),
    [
        ("--python 3.12", '--python 3.12 --with "conda:ffmpeg" --with rich --audio', {"rich"}),
        ("--python 3.12", '--python 3.12 --with "pip:rich" --write-mirror', {"rich"}),
    ],
)
def test_further_packages_are_read(old: str, new: str, packages: set[str]) -> None:
    text = (LEGACY / "asked" / "pylock.toml").read_text(encoding="utf-8")
    header, _ = split(text.replace(old, new, 1))
    assert header is not None
    assert header.record().asks(PackageSet.PIP)[1] == packages


@pytest.mark.parametrize("new", ["--gpu", '--gpu "no end', "--python", '--gpu "RTX 4090"', "--driver x"])
def test_a_command_that_cannot_be_read_states_nothing(new: str) -> None:
    text = (LEGACY / "asked" / "pylock.toml").read_text(encoding="utf-8")
    header, _ = split(text.replace("--python 3.12", f"--python 3.12 {new}", 1))
    assert header is not None
    with pytest.raises(RecordError):
        header.record()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LEGACY / "asked", tmp_path / "asked"))


def test_its_folders_are_verified(folder: Path, tmp_path: Path) -> None:
    found = verify(folder)
    assert found.verdict == "good"
    assert {finding.file for finding in found.findings} <= {"smoke_test.py"}  # of another release: a warning
    assert verify(Path(shutil.copytree(LEGACY / "shipped", tmp_path / "shipped"))).findings == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("pylock.toml", "# run sha256:d", "# run sha256:0", "set-torn"),
        ("environment.yml", "# No CUDA", "# Any CUDA", "set-changed"),
        ("requirements.txt", "filelock==", "filelock== ", "file-edited"),
    ],
)
def test_what_is_wrong_with_them_is_found(folder: Path, name: str, old: str, new: str, code: str) -> None:
    change_text(folder, name, old, new)
    assert code in {str(finding.code) for finding in verify(folder).findings}


def test_a_file_that_is_gone_is_missed(folder: Path) -> None:
    (folder / "smoke_test.py").unlink()
    assert {str(finding.code) for finding in verify(folder).findings} == {"file-missing"}


def test_their_pins_are_kept_under_a_new_header(folder: Path) -> None:
    before = {path.name: split(path.read_text("utf-8"))[1] for path in folder.iterdir()}
    options = ["--compute-capability", "8.6", "--gpu", "MX450", "--gpu", "GTX 1650", "--driver", "560.94"]
    assert main([*options, "--platform", "win-64", "--offline", "--output", str(folder)]) == 0
    after = {path.name: split(path.read_text("utf-8")) for path in folder.iterdir()}
    assert not any(header is None or header.is_legacy for header, _ in after.values())
    same = {name for name in before if before[name] == after[name][1]}
    assert {"requirements.txt", "environment.yml", "conda-lock.yml", "conda-win-64.lock"} <= same
    assert after["pylock.toml"][1].startswith(before["pylock.toml"])
    assert verify(folder).findings == ()
