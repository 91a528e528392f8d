"""`--allow-source`: a package without a wheel is locked as a source distribution, by what it states of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cli.conftest import CP312, Run
from cli.test_together import pins
from envgen.net.deadline import Deadline
from envgen.verify.findings import Asking
from equipment.damage import pip, without
from equipment.lock_damage import verify
from equipment.wheel_index import Fault, WheelIndex, make_sdist, make_wheel

BUILD = ["--torch", "2.9.1", "--cuda", "cu126", "--no-vision", "--only", "pip"]
PKG_INFO = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


@pytest.fixture(autouse=True)
def world(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    """Configs as hydra-core: its newest releases need a release of a parser that has no wheel, unlike the newest."""
    torch_index.wheels = {"/whl/cu126": [make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",))]}
    parser = {"PKG-INFO": PKG_INFO.format(name="parser", version="4.9.3"), "parser.egg-info/requires.txt": "einops\n"}
    further = [
        make_wheel(f"torch-2.9.1-{CP312}.whl", ("filelock",)),
        make_wheel("configs-1.3-py3-none-any.whl", ("parser==4.9.*",)),
        make_wheel("parser-4.13-py3-none-any.whl"),
        make_sdist("parser-4.9.3.tar.gz", parser),
        make_sdist(
            "flash-2.0.tar.gz", {"PKG-INFO": PKG_INFO.format(name="flash", version="2.0") + "Requires-Dist: tqdm\n"}
        ),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


@pytest.mark.parametrize(
    ("package", "source"), [("configs", "parser"), ("flash", "flash")], ids=["what it needs has none", "it has none"]
)
def test_without_the_option_the_error_names_it_and_it_works(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], package: str, source: str
) -> None:
    assert run(*BUILD, "--with", f"pip:{package}") == 3
    assert f"--allow-source {source}" in capsys.readouterr().err.partition("hint:")[2]
    assert run(*BUILD, "--with", f"pip:{package}", "--allow-source", source) == 0
    assert f"{source} " in capsys.readouterr().err.partition("note: ")[2]


def test_it_is_locked_with_its_hash_and_what_it_asks_for(
    tmp_path: Path, run: Run, pypi: WheelIndex, torch_index: WheelIndex
) -> None:
    asked = [*BUILD, "--with", "pip:configs", "--allow-source", "Parser"]
    assert run(*asked) == 0
    assert pins(tmp_path / "out") == {
        "configs==1.3",
        "einops==0.8.1",
        "filelock==3.20.0",
        "parser==4.9.3",
        "torch==2.9.1+cu126",
    }
    document = tomllib.loads((tmp_path / "out" / "pylock.toml").read_text(encoding="utf-8"))
    (parser,) = (package for package in document["packages"] if package["name"] == "parser")
    served = next(one for one in pypi.wheels["/simple"] if one.filename == "parser-4.9.3.tar.gz")
    assert "wheels" not in parser
    assert parser["sdist"]["hashes"] == {"sha256": served.sha256}
    assert run(*asked, "--check") == 0
    assert run(*BUILD, "--with", "pip:configs", "--check") != 0
    # What it asks for is read out of it: no index serves that apart, and the lock is no less known for it.
    asking = Asking(wheels=torch_index.url("/whl"), pypi=pypi.url("/simple"), deadline=Deadline.after(60.0))
    assert not [check for check in verify(tmp_path / "out", asking).skipped if "parser" in check.reason]
    pip(lambda lock: without(lock, "einops"))(tmp_path / "out")
    assert "parser needs einops, which is not locked" in {f.title for f in verify(tmp_path / "out", asking).findings}


def test_other_bytes_than_the_page_states_are_not_read(
    run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    served = next(one for one in pypi.wheels["/simple"] if one.filename == "flash-2.0.tar.gz")
    pypi.faults["/simple/flash-2.0.tar.gz"] = Fault(body=(served.content or b"") + b" ")
    assert run(*BUILD, "--with", "pip:flash", "--allow-source", "flash") == 3
    assert "the source of flash 2.0 can't be read: other bytes than its page states" in capsys.readouterr().err


def test_a_newer_glibc_and_a_source_are_named_together(
    run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """lerobot asks for rerun-sdk, whose wheels need glibc 2.31, and for evdev, which has none."""
    rerun = make_wheel("rerun-0.22-cp312-cp312-manylinux_2_31_x86_64.whl")
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], rerun]}
    asked = [*BUILD, "--with", "pip:rerun", "--with", "pip:flash"]
    assert run(*asked) == 3
    assert "hint: --glibc 2.31 --allow-source flash locks it" in capsys.readouterr().err
    assert run(*asked, "--glibc", "2.31", "--allow-source", "flash") == 0


def test_what_nothing_helps_is_named_to_be_left_out(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """GPT-SoVITS asks for LangSegment>=0.2.5, of which PyPI has 0.2.0 alone, beside packages without a wheel."""
    asked = ["pip:flash", "pip:einops>=99", "pip:tqdm"]
    assert run(*BUILD, *(word for one in asked for word in ("--with", one))) == 3
    told = capsys.readouterr().err
    assert "hint: without einops>=99 it locks, with --allow-source flash" in told
    assert run(*BUILD, "--with", "pip:flash", "--with", "pip:tqdm", "--allow-source", "flash") == 0


def test_a_release_of_torch_that_the_index_lacks_hides_no_way_out(
    run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """GPT-SoVITS again: PyPI has torch 2.8.0 for Windows and Python 3.9, torch's index has no torchvision beside it."""
    newer = make_wheel(f"torch-2.9.2-{CP312}.whl", ("filelock",))
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], newer]}
    build = ["--torch", ">=2.9.1,<2.10", *BUILD[2:]]
    assert run(*build, "--with", "pip:flash", "--with", "pip:einops>=99") == 3
    assert "hint: without einops>=99 it locks, with --allow-source flash" in capsys.readouterr().err


def test_another_python_and_a_source_are_named_together(
    run: Run, torch_index: WheelIndex, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """MONAI asks for openslide-python 1.1.2, which has no wheel, and pytorch-ignite 0.4.8, for Python 3.10's torch."""
    cp313 = CP312.replace("312", "313")
    own = make_wheel(f"torch-2.9.1+cu126-{cp313}.whl", ("filelock",))
    torch_index.wheels = {"/whl/cu126": [*torch_index.wheels["/whl/cu126"], own]}
    further = [
        make_wheel(f"torch-2.9.1-{cp313}.whl", ("filelock",)),
        make_wheel("late-1.0-py3-none-any.whl", requires_python=">=3.13"),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}
    asked = [*BUILD, "--with", "pip:flash", "--with", "pip:late"]
    assert run(*asked) == 3
    assert "hint: --python 3.13 --allow-source flash locks it" in capsys.readouterr().err
    assert run(*asked, "--python", "3.13", "--allow-source", "flash") == 0
