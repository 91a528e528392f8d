"""The conda set and its torch are decided together, the whole way: what is said of it, and the ways out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from equipment.conda_channel import Row, for_python_313, pytorch_rows, torch_row, write_channel

CONDA = ["--torch", ">=2.9.1,<2.11", "--only", "conda"]


@pytest.fixture(autouse=True)
def channel(tmp_path: Path, run: Run) -> None:
    """torch for two Pythons, and packages that need one torch, one Python, or not each other."""
    del run
    rows = pytorch_rows()
    further = [
        Row(name="older", version="2.0", depends=("pytorch >=2.9.1,<2.10.0a0",)),
        Row(name="only313", version="1.0", depends=("python >=3.13,<3.14.0a0",)),
        Row(name="left", version="1.0", constrains=("right <0",)),
        Row(name="right", version="1.0"),
    ]
    write_channel(tmp_path / "channels/conda-forge", (*rows, *torch_row("2.9.1"), *for_python_313(rows), *further))


def test_a_package_that_needs_an_older_torch_gets_it(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*CONDA, "--with", "conda:older") == 0
    told = capsys.readouterr()
    assert "/pytorch-2.9.1-cuda129" in (tmp_path / "out/conda-linux-64.lock").read_text(encoding="utf-8")
    need = "older 2.0 needs pytorch >=2.9.1,<2.10.0a0"
    assert f"2.9.1 cuda129 is taken: {need} [held-back-by]" in told.err
    assert f"runs too, but {need}\n" in told.out
    assert run(*CONDA, "--with", "conda:older", "--check") == 0


def test_a_package_of_another_python_names_it(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CONDA, "--with", "conda:only313") == 3
    assert "hint: --python 3.13 has builds of everything" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(*CONDA, "--with", "conda:only313", "--python", "3.13") == 0


def test_of_two_that_clash_one_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CONDA, "--with", "conda:left", "--with", "conda:right") == 3
    assert "hint: without left it locks" in capsys.readouterr().err
    assert run(*CONDA, "--with", "conda:right") == 0


@pytest.mark.parametrize("name", ["cudatoolkit", "pytorch-cuda=11.8", "conda-forge::pytorch-gpu", "cpuonly"])
def test_what_says_which_build_is_meant_is_no_extra(run: Run, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run(*CONDA, "--with", f"conda:{name}") == 2
    assert "is not an extra: it says which build of torch is meant" in capsys.readouterr().err
