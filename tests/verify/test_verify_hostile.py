"""Files that may come from anybody: every changed character is found, and nothing ends in a traceback."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envgen.output.errors import OutputNotWritableError
from envgen.verify.folder import folders_below
from equipment.examples import examples
from equipment.lock_damage import SHIPPED, change, change_text, codes, copy_of, sign

PIP = "linux-64/py3.12/pip-torch-2.14.1-cu126"
CONDA = "linux-64/py3.12/conda-pytorch-2.10.0-cuda129"
FILES = [(folder, path.name) for folder in (PIP, CONDA) for path in sorted((SHIPPED / folder).iterdir())]
ONE_BY_ONE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))


def body_of(path: Path) -> tuple[bytes, bytes]:
    top, end, body = path.read_bytes().partition(b"\n#\n")
    return top + end, body


@ONE_BY_ONE
@given(file=st.sampled_from(FILES), at=st.integers(min_value=0), new=st.integers(min_value=32, max_value=126))
def test_one_changed_character_anywhere_in_a_body_is_found(
    tmp_path: Path, file: tuple[str, str], at: int, new: int
) -> None:
    folder, name = file
    header, body = body_of(SHIPPED / folder / name)
    at %= len(body)
    changed = body[:at] + bytes([new]) + body[at + 1 :]
    copy = Path(shutil.copytree(SHIPPED / folder, tmp_path / folder, dirs_exist_ok=True))
    (copy / name).write_bytes(header + changed)
    assert ("file-edited" in codes(copy)) == (changed != body)


WORDS = [
    "&a",
    "*a",
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "'",
    '"',
    "\\",
    "\n",
    "\t",
    "#",
    "null",
    "7",
    "^(a+)+$",
    "٧",
    "\x1b",
    "",
]


@ONE_BY_ONE
@given(file=st.sampled_from(FILES), at=st.integers(min_value=0), cut=st.integers(0, 40), word=st.sampled_from(WORDS))
def test_a_file_that_is_signed_again_never_ends_in_a_traceback(
    tmp_path: Path, file: tuple[str, str], at: int, cut: int, word: str
) -> None:
    folder, name = file
    copy = Path(shutil.copytree(SHIPPED / folder, tmp_path / folder, dirs_exist_ok=True))
    header, body = body_of(copy / name)
    text = body.decode()
    at %= len(text)
    (copy / name).write_bytes(header + (text[:at] + word + text[at + cut :]).encode())
    sign(copy)
    codes(copy)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
CONTENTS = {
    "empty": b"",
    "binary": bytes(range(256)) * 9,
    "nul": b"\0" * 99,
    "number": b"7",
    "list": b"[1, 2]",
    "deep": b"[" * 50_000,
    "deep-toml": b"a=" + b"[" * 50_000,
    "deep-python": b"EXPECTED = " + b"(" * 50_000,
    "bomb": BOMB.encode() + b"subdirs: *i\ndependencies: *i\nversion: *i\n",
    "huge": b"#" * ((32 << 20) + 1),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize(("folder", "name"), FILES)
def test_a_file_of_something_else_is_found(tmp_path: Path, folder: str, name: str, content: str) -> None:
    copy = copy_of(folder, tmp_path)
    (copy / name).write_bytes(CONTENTS[content])
    assert codes(copy) & {"header-missing", "file-unreadable"}


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("conda-lock.yml", "  content_hash:\n    linux-64: ", "  content_hash:\n  - ", "content-hash"),
        ("conda-lock.yml", "  url: https", "  url: 7\n  url2: https", "file-unreadable"),
        ("conda-lock.yml", "    sha256: ", "    sha256: z", "file-unreadable"),
        ("conda-lock.yml", "  platforms:\n  - linux-64", "  platforms:\n  - win-64", "file-unreadable"),
        ("conda-lock.yml", "  manager: conda", "  manager: pip", "file-unreadable"),
        ("conda-lock.yml", ": '>=14'", ": '>=14,,<>'", "dependency-version"),
        ("conda-lock.yml", ": '>=14'", ": '^(a+)+$'", "dependency-version"),
        ("conda-lock.yml", ": '>=14'", ": [1]", "file-unreadable"),
        ("virtual-packages.yml", '__cuda: "12.0"', "__cuda: [1]", "file-unreadable"),
        ("virtual-packages.yml", '__cuda: "12.0"', '__cuda: ""', "file-unreadable"),
        ("environment.yml", '"libcudnn<9.11"', '"libcudnn<<<<"', "file-unreadable"),
        ("environment.yml", '"libcudnn<9.11"', '""', "content-hash"),
        ("environment.yml", '"libcudnn<9.11"', "pip: [x]", "file-unreadable"),
    ],
)
def test_a_conda_value_of_another_kind_is_found(tmp_path: Path, name: str, old: str, new: str, code: str) -> None:
    copy = copy_of(CONDA, tmp_path)
    change(copy, name, old, new)
    assert code in codes(copy)


def test_nothing_is_written_where_a_subdir_of_a_file_says(tmp_path: Path) -> None:
    """conda-lock makes a folder of each subdir's name before it hashes virtual-packages.yml."""
    folder, elsewhere = copy_of(CONDA, tmp_path), tmp_path / "elsewhere"
    change(folder, "virtual-packages.yml", "subdirs:", f'subdirs:\n  "{elsewhere}":\n    packages:\n      __cuda: "1"')
    assert "file-unreadable" in codes(folder)
    assert not elsewhere.exists()


def test_reading_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even until the process ends: one that is killed would leave it for good."""
    folder, scratch = copy_of(CONDA, tmp_path), tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.delenv("RUNNER_TEMP", raising=False)
    assert codes(folder) == set()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('python = "3.12"', 'python = "abc"'),
        ('glibc = "2.28"', 'glibc = "abc"'),
        ("https://files.pythonhosted.org/", "https://[::/"),
        ('index = "https://pypi.org/simple"', 'index = "https://[::"'),
        ('{ name = "cuda-pathfinder" }', "3"),
        ('version = "12.9.7"', 'version = "x.y"'),
    ],
)
def test_a_pip_value_of_another_kind_is_found(tmp_path: Path, old: str, new: str) -> None:
    copy = copy_of(PIP, tmp_path)
    change(copy, "pylock.toml", old, new)
    assert "file-unreadable" in codes(copy)


def test_digits_of_another_script_in_a_header_are_no_traceback(tmp_path: Path) -> None:
    copy = copy_of(PIP, tmp_path)
    change_text(copy, "pylock.toml", "linux-64, Python 3.12", "x (compute capability ٧.٥)")
    codes(copy)


def test_a_link_to_the_folder_above_is_not_followed(tmp_path: Path) -> None:
    copy = copy_of(PIP, tmp_path)
    (copy / "up").symlink_to(tmp_path, target_is_directory=True)
    assert folders_below(tmp_path) == [copy]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows may read every folder")
def test_a_folder_that_may_not_be_read_is_a_clear_error(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(OutputNotWritableError):
        folders_below(tmp_path)
    closed.chmod(0o700)
