"""Every kind of damage to a pip lock is found, without a network where the files and the catalog tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from equipment.lock_damage import SHIPPED, change, change_text, codes, copy_of, verify

WIN = "win-64/py3.12/pip-torch-2.14.1-cu126"
LINUX = "linux-64/py3.12/pip-torch-2.14.1-cu126"


@pytest.fixture
def win(tmp_path: Path) -> Path:
    return copy_of(WIN, tmp_path)


def sha256_of(folder: Path, name: str) -> str:
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}==\S+ --hash=sha256:([0-9a-f]{{64}})$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def other_digit(digest: str) -> str:
    return ("0" if digest[0] != "0" else "1") + digest[1:]


def entry_of(folder: Path, name: str) -> str:
    """The whole [[packages]] entry of a package."""
    text = (folder / "pylock.toml").read_text(encoding="utf-8")
    return next(part for part in re.split(r"(?=\[\[packages\]\]|\[tool\.)", text) if f'\nname = "{name}"\n' in part)


def pin_of(folder: Path, name: str) -> str:
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}==.*\n(    #.*\n)?", text, re.MULTILINE)
    assert found is not None
    return found[0]


def both(folder: Path, old: str, new: str) -> None:
    change(folder, "requirements.txt", old, new)
    change(folder, "pylock.toml", old, new)


def one_digit_in_one_file(folder: Path) -> None:
    digest = sha256_of(folder, "jinja2")
    change(folder, "requirements.txt", digest, other_digit(digest))


def one_digit_in_both_files(folder: Path) -> None:
    digest = sha256_of(folder, "torch")
    both(folder, digest, other_digit(digest))


def another_index_in_one_file(folder: Path) -> None:
    change(
        folder,
        "requirements.txt",
        "--index-url https://download.pytorch.org/whl/cu126",
        "--index-url https://download.pytorch.org/whl/cu130",
    )


def another_index_in_both_files(folder: Path) -> None:
    another_index_in_one_file(folder)
    change(
        folder,
        "pylock.toml",
        'index = "https://download.pytorch.org/whl/cu126"',
        'index = "https://download.pytorch.org/whl/cu130"',
        count=9,
    )


def torch_from_pypi(folder: Path) -> None:
    change(
        folder,
        "requirements.txt",
        "--index-url https://download.pytorch.org/whl/cu126",
        "--index-url https://pypi.org/simple",
    )
    change(
        folder,
        "pylock.toml",
        'index = "https://download.pytorch.org/whl/cu126"',
        'index = "https://pypi.org/simple"',
        count=9,
    )


def a_package_dropped_from_one_file(folder: Path) -> None:
    change(folder, "requirements.txt", pin_of(folder, "sympy"), "")


def a_package_dropped_from_both_files(folder: Path) -> None:
    change(folder, "requirements.txt", pin_of(folder, "mpmath"), "")
    change(folder, "pylock.toml", entry_of(folder, "mpmath"), "")


def a_cpu_build(folder: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        change(folder, name, "cu126", "cpu", count=99)


def another_torchvision(folder: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        change(folder, name, "0.29.1", "0.28.0", count=9)


def a_torchvision_of_another_build(folder: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        change(folder, name, "0.29.1+cu126", "0.29.1+cu130", count=9)


def a_wheel_for_linux(folder: Path) -> None:
    change(folder, "pylock.toml", "cp312-cp312-win_amd64.whl", "cp312-cp312-manylinux_2_28_x86_64.whl")


def a_wheel_for_another_python(folder: Path) -> None:
    change(folder, "pylock.toml", "cp312-cp312-win_amd64.whl", "cp313-cp313-win_amd64.whl")


def a_file_from_elsewhere(folder: Path) -> None:
    change(folder, "pylock.toml", "https://files.pythonhosted.org/", "https://files.example.org/")


def a_line_without_a_hash(folder: Path) -> None:
    change(folder, "requirements.txt", f" --hash=sha256:{sha256_of(folder, 'jinja2')}", "")


def an_edited_body(folder: Path) -> None:
    change_text(folder, "requirements.txt", "    # via torch", "    # via torch and me")


def a_file_of_another_run(folder: Path) -> None:
    path = folder / "pylock.toml"
    path.write_text(re.sub("set sha256:[0-9a-f]{64}", f"set sha256:{'1' * 64}", path.read_text("utf-8")), "utf-8")


def no_header(folder: Path) -> None:
    path = folder / "pylock.toml"
    path.write_text(path.read_text("utf-8").split("\n#\n", 1)[1], "utf-8")


def no_pylock(folder: Path) -> None:
    (folder / "pylock.toml").unlink()


def no_toml(folder: Path) -> None:
    change(folder, "pylock.toml", 'lock-version = "1.0"', "lock-version = ")


DAMAGES: list[tuple[Callable[[Path], None], str]] = [
    (one_digit_in_one_file, "files-disagree"),
    (one_digit_in_both_files, "hash-mismatch"),
    (another_index_in_one_file, "index-wrong"),
    (another_index_in_both_files, "index-wrong"),
    (torch_from_pypi, "index-wrong"),
    (a_package_dropped_from_one_file, "files-disagree"),
    (a_package_dropped_from_both_files, "dependency-missing"),
    (a_cpu_build, "cpu-build"),
    (another_torchvision, "companion-mismatch"),
    (a_torchvision_of_another_build, "companion-mismatch"),
    (a_wheel_for_linux, "wrong-platform"),
    (a_wheel_for_another_python, "wrong-platform"),
    (a_file_from_elsewhere, "index-wrong"),
    (a_line_without_a_hash, "files-disagree"),
    (an_edited_body, "file-edited"),
    (a_file_of_another_run, "set-torn"),
    (no_header, "header-missing"),
    (no_pylock, "file-missing"),
    (no_toml, "file-unreadable"),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES])
def test_each_damage_is_found(win: Path, damage: Callable[[Path], None], code: str) -> None:
    assert codes(win) == set()
    damage(win)
    assert code in codes(win)
    assert verify(win).verdict == "not-good"


def test_a_finding_shows_both_sides(win: Path) -> None:
    digest = sha256_of(win, "torch")
    both(win, digest, other_digit(digest))
    (finding,) = verify(win).findings
    assert finding.title == "sha256 of torch-2.14.1+cu126-cp312-cp312-win_amd64.whl"
    assert finding.evidence[0] == f"locked: {other_digit(digest)}"
    assert finding.evidence[1].endswith(f": {digest}")


def test_a_cudnn_that_dropped_the_gpu_is_found(tmp_path: Path) -> None:
    """The shipped cu126 lock serves Maxwell; cuDNN 9.11 has nothing for it (NVIDIA's cuDNN support matrix)."""
    folder = copy_of(LINUX, tmp_path)
    pin = pin_of(folder, "nvidia-cudnn-cu12").split("==")[1].split()[0]
    for name in ("requirements.txt", "pylock.toml"):
        change(folder, name, pin, "9.11.0.98", count=9)
    assert "cudnn-unsupported" in codes(folder)


def test_a_build_that_the_catalog_does_not_know_is_a_warning(win: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        change(win, name, "cu126", "cu199", count=99)
    assert "build-unknown" in codes(win)


def test_windows_line_ends_are_no_edit(win: Path) -> None:
    for path in win.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert codes(win) == set()


def test_no_shipped_lock_gives_a_finding() -> None:
    folders = sorted({path.parent for path in SHIPPED.glob("*/py*/*/*")})
    assert len(folders) >= 40
    assert {str(folder): codes(folder) for folder in folders if codes(folder)} == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('lock-version = "1.0"\n', 'lock-version = "2.0"\n'),
        ("[[packages]]\n", '[[packages]]\nmarker = "no marker"\n'),
        ("[[packages]]\n", "[[packages]]\nrequires-python = 3\n"),
    ],
    ids=["another-lock-version", "a-marker-that-is-none", "a-number"],
)
def test_what_the_standards_own_reader_refuses_is_an_error(tmp_path: Path, old: str, new: str) -> None:
    folder = copy_of("linux-64/py3.12/pip-torch-2.14.1-cu126", tmp_path)
    change(folder, "pylock.toml", old, new)
    assert "file-unreadable" in codes(folder)
