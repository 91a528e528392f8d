"""What is said after writing: one block to paste that works where the reader stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.environments.reader import Reader

MX450 = ("--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94")


def stands(monkeypatch: pytest.MonkeyPatch, **reader: object) -> None:
    """Let the reader stand where the test says, whatever this computer has."""
    monkeypatch.setattr(Reader, "of", lambda folder: Reader(folder=folder, **reader))  # type: ignore[arg-type]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main([*arguments, "--offline"]) == 0
    return capsys.readouterr().out.splitlines()


def pasted(lines: list[str]) -> list[str]:
    """The commands of the blocks to paste."""
    return [line.removeprefix("  ") for line in lines if line.startswith("  ")]


def test_a_beginner_gets_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands(monkeypatch)
    monkeypatch.chdir(tmp_path)
    lines = said(capsys, *MX450, "--output", "out")
    assert pasted(lines) == [
        "cd out",
        "py -3.12 -m venv .venv",
        r".venv\Scripts\python -m pip install --require-hashes -r requirements.txt",
        r".venv\Scripts\python smoke_test.py",
    ]
    # The wheel on download.pytorch.org has 2,602,768,778 bytes, the others a few megabytes.
    assert "Paste this (about 2.6 GB to download):" in lines
    rest = "\n".join(line for line in lines if not line.startswith("  "))
    for part in (
        "GeForce MX450: compute capability 7.5",
        "torch 2.14.1+cu126 + torchvision 0.29.1+cu126; runs as sm_75 (SASS), driver 528.33 or newer",
        "fine as it is; driver 580.88 or newer would give torch 2.15.0+cu130",
        "No Python 3.12 there, or no py? In place of venv: uv venv --seed --python 3.12 .venv",
        "With conda instead: conda create --name pytorch-2.10.0-cuda128 --file conda-win-64.lock",
        r'VS Code: Ctrl+Shift+P, "Python: Select Interpreter", out\.venv\Scripts\python.exe',
        "A CUDA Toolkit or cuDNN that you installed may stay: it isn't used.",
    ):
        assert part in rest
    assert "nothing newer" not in rest
    assert len(lines) <= 16


def test_in_an_anaconda_prompt_the_block_is_condas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands(monkeypatch, in_conda=True)
    monkeypatch.chdir(tmp_path)
    lines = said(capsys, *MX450)
    assert pasted(lines) == [
        "conda create --name pytorch-2.10.0-cuda128 --file conda-win-64.lock",
        "conda run --name pytorch-2.10.0-cuda128 python smoke_test.py",
    ]
    assert any(line.startswith("With pip instead: py -3.12 -m venv .venv, then ") for line in lines)


def test_every_platform_has_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many platforms: which files there are to install from tells what must be named."""
    stands(monkeypatch)
    monkeypatch.chdir(tmp_path)
    platforms = ("win-64", "linux-64", "linux-aarch64")
    asked = [argument for platform in platforms for argument in ("--platform", platform)]
    lines = said(capsys, "--gpu", "RTX 3060", *asked, "--output", "my envs")
    assert len([line for line in lines if line.startswith("  cd ")]) == 3
    for platform in platforms:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"Paste this on {platform}"))
        quoted = '"my envs"' if platform == "win-64" else "'my envs'"
        assert lines[at + 1] == f"  cd {quoted}"
        assert lines[at + 3].endswith(f"-r requirements-{platform}.txt")
        assert lines[at + 4].endswith("python smoke_test.py")
        assert any(line.endswith(f" --file conda-{platform}.lock") for line in lines[at:])


def test_no_environment_that_is_there_is_named(tmp_path: Path) -> None:
    """Neither a folder .venv, be it a file or a broken link, nor conda's environments, noted or in its folder."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".venv").symlink_to("gone")
    (tmp_path / "out" / ".venv-2").mkdir()
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "environments.txt").write_text("/opt/conda\n/data/envs/pytorch-2.10.0-cuda128\n")
    (tmp_path / "conda" / "envs" / "pytorch-2.10.0-cuda128-2").mkdir(parents=True)
    reader = Reader.of(str(tmp_path / "out"), {"CONDA_PREFIX": str(tmp_path / "conda")}, tmp_path)
    assert reader.venv == ".venv-3"
    assert reader.in_conda
    assert reader.conda_name("pytorch-2.10.0-cuda128") == "pytorch-2.10.0-cuda128-3"
    assert reader.conda_name("pytorch-2.13.0-cuda128") == "pytorch-2.13.0-cuda128"
    assert not Reader.of(str(tmp_path), {}, tmp_path).in_conda


@pytest.mark.parametrize(
    ("subdir", "there", "make"),
    [
        (Subdir.LINUX_64, {"python3.12"}, "python3.12 -m venv .venv"),
        (Subdir.LINUX_64, {"python3.11"}, "/e/bin/uv venv --seed --python 3.12 .venv"),
        (Subdir.LINUX_AARCH64, set(), "python3.12 -m venv .venv"),  # another computer's
    ],
)
def test_uv_fetches_a_python_that_this_computer_lacks(subdir: Subdir, there: set[str], make: str) -> None:
    reader = Reader(subdir=Subdir.LINUX_64, uv="/e/bin/uv", which=lambda name: name if name in there else None)
    assert reader.make_venv("3.12", subdir) == make


@pytest.mark.parametrize(("works", "begins"), [(True, "python3.12 -m venv"), (False, "uv venv --seed")])
def test_a_shim_counts_when_it_runs(works: bool, begins: str) -> None:
    """pyenv has a shim for every Python that is installed, also where another one is chosen."""
    shims = "/home/me/.pyenv/shims/"
    reader = Reader(subdir=Subdir.LINUX_64, which=lambda name: shims + name, runs=lambda _: works)
    assert reader.make_venv("3.12", Subdir.LINUX_64).startswith(begins)


@pytest.mark.parametrize(("works", "begins"), [(True, "py -3.12 -m venv"), (False, "uv venv --seed")])
def test_windows_launcher_is_asked_for_that_python(works: bool, begins: str) -> None:
    asked: list[tuple[str, ...]] = []

    def runs(command: tuple[str, ...]) -> bool:
        asked.append(command)
        return works

    reader = Reader(subdir=Subdir.WIN_64, which=lambda name: rf"C:\Windows\{name}.exe", runs=runs)
    assert reader.make_venv("3.12", Subdir.WIN_64).startswith(begins)
    assert asked == [(r"C:\Windows\py.exe", "-3.12", "-c", "")]


def test_a_windows_computer_without_py_gets_uv() -> None:
    reader = Reader(subdir=Subdir.WIN_64, which=lambda _: None)
    assert reader.make_venv("3.12", Subdir.WIN_64) == "uv venv --seed --python 3.12 .venv"


@pytest.mark.parametrize(
    ("folder", "subdir", "command"),
    [
        (".", Subdir.LINUX_64, ()),
        ("./", Subdir.WIN_64, ()),
        ("out", Subdir.LINUX_64, ("cd out",)),
        ("envs/gpu 1", Subdir.LINUX_64, ("cd 'envs/gpu 1'",)),
        ("envs/gpu 1", Subdir.WIN_64, (r'cd "envs\gpu 1"',)),
        ("$(reboot)", Subdir.LINUX_64, ("cd '$(reboot)'",)),
        ("-x", Subdir.LINUX_64, ("cd ./-x",)),
    ],
)
def test_commands_begin_in_the_folder_of_the_files(folder: str, subdir: Subdir, command: tuple[str, ...]) -> None:
    assert Reader(folder=folder).change_folder(subdir) == command


def test_an_upgrade_does_not_recommend_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert "conda 2.13.0 cuda128 should run too: --upgrade looks whether it is there" in said(capsys, *MX450)
    lines = said(capsys, *MX450, "--upgrade")
    assert "conda 2.13.0 cuda128 should run too, but could not be locked now" in lines
    assert not any("--upgrade" in line for line in lines)


def test_condas_environment_has_one_name_in_every_file_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands(monkeypatch, in_conda=True)
    monkeypatch.chdir(tmp_path)
    lines = said(capsys, *MX450)
    texts = ["\n".join(lines), *(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())]
    names = {name for text in texts for name in re.findall(r"--name (\S+)", text)}
    assert names == {re.findall(r'^name: "(\S+)"$', (tmp_path / "environment.yml").read_text(), re.MULTILINE)[0]}
