"""Torch and the packages that were asked for are decided together; what is not at its newest is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import CP312, Run, known_torch
from equipment.wheel_index import WheelIndex, make_wheel

CP313 = CP312.replace("312", "313")
EITHER = ["--torch", ">=2.9.0,<2.9.2", "--cuda", "cu126", "--no-vision", "--only", "pip"]


@pytest.fixture(autouse=True)
def world(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    """Two releases of torch on both indexes, and engines that pin one of them, as vllm's releases do."""
    releases = ("2.9.0", "2.9.1")
    newest = make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",))
    newer = make_wheel(f"torch-2.9.1+cu126-{CP313}.whl", ("filelock",))
    torch_index.wheels = {"/whl/cu126": [known_torch("2.9.0", "cu126"), newest, newer]}
    further = [
        *(make_wheel(f"torch-{one}-{CP312}.whl", ("filelock",)) for one in releases),
        make_wheel(f"torch-2.9.1-{CP313}.whl", ("filelock",)),
        make_wheel("engine-2.0-py3-none-any.whl", ("torch==2.9.0",)),
        make_wheel("engine-1.0-py3-none-any.whl"),
        make_wheel("plum-2.0-cp312-cp312-manylinux_2_34_x86_64.whl"),
        make_wheel("plum-1.0-py3-none-any.whl"),
        make_wheel("quince-2.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
        make_wheel("quince-1.0-py3-none-any.whl"),
        make_wheel("damson-2.0-py3-none-any.whl", requires_python=">=3.13"),
        make_wheel("damson-1.0-py3-none-any.whl"),
        make_wheel("sloe-2.0-py3-none-any.whl", ("damson>=2",)),
        make_wheel("sloe-1.0-py3-none-any.whl"),
        make_wheel("berry-2.0-py3-none-any.whl", ("torch==2.9.0", "plum>=2")),
        make_wheel("berry-1.0-py3-none-any.whl"),
        make_wheel("medlar-1.0.dev3-py3-none-any.whl"),
        make_wheel("medlar-2.0-cp313-cp313-win_amd64.whl"),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


def pins(folder: Path) -> set[str]:
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    return {line.split(" ")[0] for line in text.splitlines() if "==" in line and line[0].isalpha()}


def test_a_package_that_needs_an_older_torch_gets_it(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*EITHER) == 0
    assert "torch==2.9.1+cu126" in pins(tmp_path / "out")
    capsys.readouterr()
    assert run(*EITHER, "--with", "pip:engine", to="engine") == 0
    told = capsys.readouterr()
    assert {"engine==2.0", "torch==2.9.0+cu126"} <= pins(tmp_path / "engine")
    assert "engine 2.0 needs torch==2.9.0 [held-back-by]" in told.err
    assert "2.9.1+cu126 runs too, but engine 2.0 needs torch==2.9.0\n" in told.out
    assert run(*EITHER, "--with", "pip:engine", "--check", to="engine") == 0


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for explaining is over when the lock is there."""
    monkeypatch.setattr("envgen.solve.pip.behind._SHORTEST_S", 0.0)
    monkeypatch.setattr("envgen.solve.pip.behind._TIMES", 0.0)


@pytest.mark.usefixtures("no_time")
def test_what_there_is_no_time_to_explain_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--torch", "2.9.1", *EITHER[2:], "--with", "pip:plum", "--with", "pip:quince"]
    assert run(*wanted) == 0
    told = capsys.readouterr().err
    for name in ("plum", "quince"):
        assert f"asking why {name} is not at 2.0" in told
        why = f"why was not found in the time that explaining may take; ask for {name}==2.0 to be told [passed-over]"
        assert f"{name} is locked at 1.0, 2.0 was passed over: {why}" in told


@pytest.mark.usefixtures("no_time")
def test_what_is_too_old_is_refused_whatever_time_it_takes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--torch", "2.9.1", *EITHER[2:], "--with", "pip:plum", "--with", "pip:medlar") == 3
    assert "only medlar 1.0.dev3 could be had in place of 2.0" in capsys.readouterr().err


def test_a_torch_that_was_asked_for_stays(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pinned = ["--torch", "2.9.1", *EITHER[2:]]
    assert run(*pinned, "--with", "pip:engine") == 0
    assert {"engine==1.0", "torch==2.9.1+cu126"} <= pins(tmp_path / "out")
    told = "engine is locked at 1.0, 2.0 was passed over: engine 2.0 needs torch==2.9.0, the lock has 2.9.1+cu126; "
    told += "--torch ==2.9.0 gives engine 2.0 with torch 2.9.0+cu126 [passed-over]"
    assert told in capsys.readouterr().err


def test_two_reasons_are_both_named_with_no_more_than_is_needed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """No other glibc is named than the wheels need, also where there is no time to ask for each."""
    assert run("--torch", "2.9.1", *EITHER[2:], "--with", "pip:berry") == 0
    told = (
        "berry is locked at 1.0, 2.0 was passed over: berry 2.0 needs torch==2.9.0, the lock has 2.9.1+cu126; and the "
    )
    told += "wheels of plum, which it needs, need glibc 2.34, the target has 2.28; --torch ==2.9.0 --glibc 2.34 gives"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "told"),
    [
        pytest.param(
            "plum",
            "plum is locked at 1.0, 2.0 was passed over: its wheels need glibc 2.34, the target has 2.28; "
            "--glibc 2.34 gives plum 2.0 with torch 2.9.1+cu126 [passed-over]",
            id="glibc",
        ),
        pytest.param(
            "quince",
            "quince is locked at 1.0, 2.0 was passed over: its wheels are not for linux-64, Python 3.12, glibc 2.28; "
            "--python 3.13 gives quince 2.0 with torch 2.9.1+cu126 [passed-over]",
            id="Python",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "damson",
            "damson is locked at 1.0, 2.0 was passed over: it needs Python >=3.13, the target has 3.12; "
            "--python 3.13 gives damson 2.0 with torch 2.9.1+cu126 [passed-over]",
            id="Requires-Python",
        ),
    ],
)
def test_an_older_release_for_want_of_a_wheel_is_said(
    run: Run, capsys: pytest.CaptureFixture[str], package: str, told: str
) -> None:
    assert run(*EITHER, "--with", f"pip:{package}") == 0
    assert told in capsys.readouterr().err


def test_a_release_that_needs_what_is_not_allowed_says_what(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """opencv-python 5 needs numpy>=2, where the requirements of Wan2.1 ask for numpy<2."""
    assert run(*EITHER, "--with", "pip:sloe", "--with", "pip:damson<2") == 0
    told = "sloe is locked at 1.0, 2.0 was passed over: it needs damson>=2, not damson<2 [passed-over]"
    assert told in capsys.readouterr().err


def test_a_pre_release_is_not_taken_for_want_of_a_wheel(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """deepspeed publishes no wheels but those of a development release of 2020."""
    assert run(*EITHER, "--with", "pip:medlar") == 3
    told = capsys.readouterr().err
    assert "only medlar 1.0.dev3 could be had in place of 2.0" in told
    assert "hint: ask for medlar==1.0.dev3, the newest that is all wheels" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "package", "way_out"),
    [
        pytest.param(EITHER, "plum==2.0", ["--glibc", "2.34"], id="a newer glibc"),
        pytest.param(["--torch", "2.9.1", *EITHER[2:]], "engine==2.0", ["--torch", "==2.9.0"], id="another torch"),
        pytest.param(EITHER, "quince==2.0", ["--python", "3.13"], id="another Python", marks=pytest.mark.slow),
    ],
)
def test_a_pin_that_makes_no_build_possible_names_what_does(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], options: list[str], package: str, way_out: list[str]
) -> None:
    """The change was asked for before it is named, and locks when it is followed."""
    asked = [*options, "--with", f"pip:{package}"]
    assert run(*asked) == 3
    told = capsys.readouterr().err
    assert f"hint: {' '.join(way_out)} locks it, with torch 2.9" in told
    assert "the request asks for torch==2.9.1" not in told
    assert not (tmp_path / "out").exists()
    assert run(*asked, *way_out) == 0
    assert package in pins(tmp_path / "out")


def test_a_clash_with_the_libraries_of_a_build_costs_no_release_of_torch(
    tmp_path: Path, run: Run, torch_index: WheelIndex, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """cuml-cu12 needs cuda-toolkit 12, PyPI's torch 13: a build for CUDA 12 of the next release that has one."""
    twelve = make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock", "toolkit==12.*"))
    torch_index.wheels = {"/whl/cu126": [twelve]}
    own = (f"torch-2.8.0-{CP312}.whl", f"torch-2.9.1-{CP312}.whl")
    further = [
        make_wheel(own[0], ("filelock",)),
        make_wheel(own[1], ("filelock", "toolkit==13.*")),
        make_wheel("toolkit-12.0-py3-none-any.whl"),
        make_wheel("toolkit-13.0-py3-none-any.whl"),
        make_wheel("grape-1.0-py3-none-any.whl", ("toolkit==12.*",)),
    ]
    pypi.wheels = {"/simple": [*(one for one in pypi.wheels["/simple"] if one.filename not in own), *further]}
    assert run("--torch", ">=2.8.0,<2.9.2", "--no-vision", "--only", "pip", "--with", "pip:grape") == 0
    assert {"grape==1.0", "torch==2.9.1+cu126"} <= pins(tmp_path / "out")
    assert "2.9.1+cu126 is the next that runs" in capsys.readouterr().err
