"""`envgen verify` as a command: exit statuses, both formats, and text that a terminal can't be hurt with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.findings import SkippedCheck
from envgen.verify import folder as folders
from envgen.verify.findings import Report
from equipment.lock_damage import SHIPPED, change, copy_of
from equipment.loopback import refused_url

pytestmark = pytest.mark.usefixtures("few_retries")

PIP = "win-64/py3.12/pip-torch-2.14.1-cu126"
CONDA = "linux-64/py3.12/conda-pytorch-2.10.0-cuda129"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_of(PIP, tmp_path)


def test_one_finding_in_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pylock.toml").unlink()
    assert main(["verify", "--offline", str(folder)]) == 1
    first, fault, hint, *_ = capsys.readouterr().out.splitlines()
    assert first == f"{folder.as_posix()}: not good (1 files, 0 packages)"
    assert fault == "  error: pylock.toml: requirements.txt is there without it [file-missing]"
    assert hint.startswith("    hint: run `envgen lock --all` again")


def test_every_finding_in_json_has_a_remedy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder, "requirements.txt", "jinja2==", "jinja3==")
    assert main(["verify", "--offline", "--format", "json", str(folder)]) == 1
    document = json.loads(capsys.readouterr().out)
    (one,) = document["folders"]
    assert document["schema_version"] == 1
    assert {"code", "level", "file", "title", "evidence", "remedy"} == set(one["findings"][0])
    assert all(finding["remedy"] for finding in one["findings"])


def test_a_warning_counts_only_with_strict(tmp_path: Path) -> None:
    """Another conda-lock may spell the same in another way."""
    folder = copy_of(CONDA, tmp_path)
    change(folder, "conda-lock.yml", "manager: conda", "manager: 'conda'")
    assert main(["verify", "--offline", str(folder)]) == 0
    assert main(["verify", "--offline", "--strict", str(folder)]) == 1


def test_no_answer_is_5_when_an_answer_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = ["--conda-mirror", refused_url(), "--timeout", "10", str(copy_of(CONDA, tmp_path))]
    assert main(["verify", "--online", *silent]) == 5
    assert main(["verify", *silent]) == 0
    assert "skipped: conda-lock.yml: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "words"), [(["--offline"], "not checked offline"), ([], "not checked"), (["--online"], "not checked")]
)
def test_only_what_ran_offline_is_said_to_be_not_checked_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: list[str], words: str
) -> None:
    """An index may answer and not serve metadata by itself: PEP 658 is optional."""
    left = SkippedCheck(check="pylock.toml", reason="the index does not serve the metadata of numpy", open=True)
    report = Report(folder="out", files=("pylock.toml",), packages=3, findings=(), skipped=(left,))
    monkeypatch.setattr(folders, "verify_folder", lambda *_: report)
    assert main(["verify", *option, str(copy_of(CONDA, tmp_path))]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"out: {words} (1 files, 3 packages)"


def test_a_fault_is_1_even_when_no_answer_came(tmp_path: Path) -> None:
    copy = copy_of(CONDA, tmp_path)
    (copy / "conda-linux-64.lock").unlink()
    assert main(["verify", "--online", "--conda-mirror", refused_url(), "--timeout", "10", str(copy)]) == 1


def test_what_a_file_holds_cannot_move_the_cursor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "requirements.txt"
    path.write_text(path.read_text("utf-8") + "\x1b[2J\x1b]0;owned\x07\n", "utf-8")
    assert main(["verify", "--offline", str(folder)]) == 1
    captured = capsys.readouterr()
    assert "\\x1b[2J" in captured.out
    assert "\x1b" not in captured.out + captured.err


def test_a_tree_is_verified_with_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy_of(PIP, tmp_path / "a")
    copy_of(CONDA, tmp_path / "b")
    assert main(["verify", "--offline", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("2 folders, 0 with faults\n")
    assert captured.err.count("checking ") == 2


@pytest.mark.slow
def test_no_shipped_lock_has_an_error_or_a_warning() -> None:
    assert main(["verify", "--offline", "--strict", str(SHIPPED)]) == 0
