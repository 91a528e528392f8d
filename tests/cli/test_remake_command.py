"""The command in every header makes the same request again, whatever was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from envgen.cli.main import main
from envgen.cli.remake import mirror_words, record_of
from envgen.core.request import Request
from envgen.files.commands import request_command
from envgen.files.reading import split
from envgen.request.settings import WriteOptions
from equipment.lock_damage import verify
from equipment.requests import ask
from files.hostile import ANY_TEXT


def remake_command(requests: Sequence[Request], writing: WriteOptions) -> str:
    return request_command(record_of(requests, writing), mirror_words(writing))


def test_every_choice_is_in_the_command() -> None:
    requests = [
        ask("7.5 8.9", subdir, "560.94", torch=">=2.6,<2.9", cuda="cu126", vision=False)
        for subdir in ("linux-64", "win-64")
    ]
    assert remake_command(requests, WriteOptions()) == (
        'envgen --gpu "GPU 7.5" --gpu "GPU 8.9" --platform linux-64 --platform win-64 --driver 560.94 --python 3.12'
        ' --glibc 2.28 --torch ">=2.6,<2.9" --cuda cu126 --no-vision'
    )


def test_an_assumed_driver_is_no_wish() -> None:
    assert remake_command([ask("7.5", "win-64")], WriteOptions()) == (
        'envgen --gpu "GPU 7.5" --platform win-64 --python 3.12'
    )


@pytest.mark.parametrize(
    ("package", "again"),
    [
        ('tqdm>=4; python_version < "3.13"', "tqdm>=4; python_version < '3.13'"),
        ("pandas[excel,plot]~=2.2", "pandas[excel,plot]~=2.2"),
        ("numpy", "numpy"),
    ],
)
def test_a_requirement_comes_back(package: str, again: str) -> None:
    command = remake_command([ask("7.5", "win-64")], WriteOptions(with_packages=(package,)))
    assert shlex.split(command)[-2:] == ["--with", again]


@given(ANY_TEXT)
def test_no_option_can_add_another(package: str) -> None:
    command = remake_command([ask("7.5", "win-64")], WriteOptions(with_packages=(package,)))
    assert len(shlex.split(command)) == 9
    assert command.isprintable()


def test_mirrors_are_named_when_the_files_name_them_and_never_a_login() -> None:
    mirrors = WriteOptions(conda_mirror="https://me:secret@m.example/conda/", wheel_mirror="https://m.example/whl")
    plain = 'envgen --gpu "GPU 7.5" --platform win-64 --python 3.12'
    assert remake_command([ask("7.5", "win-64")], mirrors) == plain
    assert remake_command([ask("7.5", "win-64")], replace(mirrors, write_mirror=True)) == (
        f"{plain} --conda-mirror https://m.example/conda --wheel-mirror https://m.example/whl --write-mirror"
    )


@pytest.mark.parametrize(
    "command",
    [
        (
            'envgen --machine "GeForce GTX 1080 Ti;550.54.15;linux-64" --machine "GeForce RTX 4090;580.95.05;linux-64"'
            " --platform linux-64 --python 3.12 --glibc 2.28"
        ),
        (
            'envgen --gpu "GeForce RTX 3060" --platform linux-64 --driver 550.54.15 --driver 570.86.15 --python 3.12'
            " --glibc 2.28"
        ),
        (
            'envgen --gpu "GeForce RTX 3060" --platform linux-64 --platform win-64 --driver "win-64=560.94"'
            " --python 3.12 --glibc 2.28 --only pip"
        ),
        (
            'envgen --gpu "GeForce RTX 3060" --platform linux-64 --platform win-64 --python 3.12 --glibc 2.35'
            ' --only "win-64=pip"'
        ),
        (
            'envgen --gpu "GeForce RTX 3060" --gpu "Jetson AGX Orin 64GB" --platform linux-64 --platform linux-aarch64'
            ' --python 3.12 --glibc "linux-64=2.31" --glibc "linux-aarch64=2.35" --only "linux-aarch64=pip"'
        ),
    ],
    ids=["machines", "drivers", "one-platform-has-a-driver", "a-set-on-one-platform", "a-glibc-a-platform"],
)
def test_the_command_in_a_header_makes_the_same_header(tmp_path: Path, command: str) -> None:
    out = ["--offline", "--output", str(tmp_path)]
    assert main([*shlex.split(command)[1:], *out]) == 0
    header, _ = split(next(tmp_path.glob("pylock*")).read_text(encoding="utf-8"))
    assert header is not None
    assert header.command == command
    assert verify(tmp_path).findings == ()
