"""Every kind of damage to a conda lock is found without a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from equipment.lock_damage import change, codes, copy_of

LOCK = "conda-lock.yml"
EXPLICIT = "conda-linux-64.lock"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = copy_of("linux-64/py3.12/conda-pytorch-2.10.0-cuda129", tmp_path)
    assert codes(copy) == set()
    return copy


def entry(folder: Path, name: str) -> str:
    text = (folder / LOCK).read_text(encoding="utf-8")
    return next(
        part for part in re.split(r"(?=^- name: )", text, flags=re.MULTILINE) if part.startswith(f"- name: {name}\n")
    )


def line(folder: Path, name: str) -> str:
    text = (folder / EXPLICIT).read_text(encoding="utf-8")
    return next(line for line in text.splitlines(keepends=True) if f"/{name}-" in line)


def url(folder: Path, name: str) -> str:
    return line(folder, name).partition("#")[0]


def test_one_digit_of_an_md5_is_found(folder: Path) -> None:
    whole = line(folder, "libcudnn")
    change(folder, EXPLICIT, whole, whole[:-2] + ("0" if whole[-2] != "0" else "1") + "\n")
    assert codes(folder) == {"files-disagree"}


def test_a_package_dropped_from_one_file_is_found(folder: Path) -> None:
    change(folder, EXPLICIT, line(folder, "libcudnn"), "")
    assert codes(folder) == {"files-disagree"}


def test_a_package_dropped_from_both_files_is_found(folder: Path) -> None:
    change(folder, EXPLICIT, line(folder, "mpmath"), "")
    change(folder, LOCK, entry(folder, "mpmath"), "")
    assert codes(folder) == {"dependency-missing"}


def test_a_cpu_build_is_found(folder: Path) -> None:
    for name in (EXPLICIT, LOCK):
        change(folder, name, "/pytorch-2.10.0-cuda129", "/pytorch-2.10.0-cpu")
    assert "cpu-build" in codes(folder)


def test_a_package_for_another_platform_is_found(folder: Path) -> None:
    good = url(folder, "libcudnn")
    for name in (EXPLICIT, LOCK):
        change(folder, name, good, good.replace("/linux-64/", "/win-64/"))
    # The shipped locks know the file, and another place.
    assert codes(folder) == {"wrong-platform", "hash-mismatch"}


def test_another_channel_is_found(folder: Path) -> None:
    good = url(folder, "libcudnn")
    for name in (EXPLICIT, LOCK):
        change(folder, name, good, good.replace("/conda-forge/", "/somebody/"))
    assert codes(folder) == {"index-wrong"}


def test_a_torchvision_compiled_for_another_pytorch_is_found(folder: Path) -> None:
    good = entry(folder, "torchvision")
    assert "2.10.0,<2.11.0a0" in good
    change(folder, LOCK, good, good.replace("2.10.0,<2.11.0a0", "2.9.0,<2.10.0a0"))
    assert "companion-mismatch" in codes(folder)


def test_an_environment_file_that_it_was_not_locked_from_is_found(folder: Path) -> None:
    change(folder, "environment.yml", "libcudnn<9.11", "libcudnn<9.9")
    assert "content-hash" in codes(folder)


def test_a_claim_that_it_was_not_locked_with_is_found(folder: Path) -> None:
    change(folder, "virtual-packages.yml", '__glibc: "2.28"', '__glibc: "2.17"')
    assert "content-hash" in codes(folder)


@pytest.mark.parametrize("name", ["environment.yml", "virtual-packages.yml"])
def test_a_missing_file_is_found(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert "file-unreadable" in codes(folder) or "file-missing" in codes(folder)


def test_a_missing_explicit_lock_is_found(folder: Path) -> None:
    (folder / EXPLICIT).unlink()
    assert codes(folder) == {"file-missing", "set-changed"}
