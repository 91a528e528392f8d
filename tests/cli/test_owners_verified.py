"""What a lock of before may hold and none should: two owners of a file, a source nobody allowed, another CUDA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import CP312, Run
from envgen.verify.findings import Asking
from equipment.lock_damage import change, change_text, codes, sign
from equipment.wheel_index import WheelIndex, make_sdist, make_wheel

BUILD = ["--torch", "2.9.1", "--cuda", "cu126", "--no-vision", "--only", "pip"]
PKG_INFO = "Metadata-Version: 2.1\nName: flash\nVersion: 2.0\n"


@pytest.fixture(autouse=True)
def world(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    torch_index.wheels = {"/whl/cu126": [make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",))]}
    further = [
        make_wheel(f"torch-2.9.1-{CP312}.whl", ("filelock",)),
        make_wheel("nvidia_cudnn_cu12-9.28.0.42-py3-none-any.whl"),
        make_wheel("nvidia_plain_cu13-9.26.0.51-py3-none-any.whl"),
        make_sdist("flash-2.0.tar.gz", {"PKG-INFO": PKG_INFO}),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


def renamed(folder: Path, name: str) -> None:
    """Another package of NVIDIA's under the pin of one, everywhere that it is named."""
    for file in ("pylock.toml", "requirements.txt"):
        change(folder, file, "nvidia-plain-cu13", name, count=99)
    change(folder, "pylock.toml", "nvidia_plain_cu13", name.replace("-", "_"), count=99)
    for file in ("pylock.toml", "requirements.txt", "smoke_test.py"):
        change_text(folder, file, '"nvidia-plain-cu13"', f'"{name}"')
    sign(folder)


def two_cudnns(folder: Path) -> None:
    renamed(folder, "nvidia-cudnn-cu13")


def no_leave_for_the_source(folder: Path) -> None:
    for file in ("pylock.toml", "requirements.txt", "smoke_test.py"):
        change_text(folder, file, '"sources":["flash"]', '"sources":["flask"]')
    sign(folder)


@pytest.mark.parametrize(
    ("asked", "damage", "code"),
    [
        pytest.param(
            ["--with", "pip:nvidia-cudnn-cu12", "--with", "pip:nvidia-plain-cu13"], two_cudnns, "two-owners", id="cuDNN"
        ),
        pytest.param(
            ["--with", "pip:flash", "--allow-source", "flash"],
            no_leave_for_the_source,
            "source-not-allowed",
            id="a source",
        ),
    ],
)
def test_it_is_found_by_verify_the_check_and_the_main_job(
    tmp_path: Path,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    asked: list[str],
    damage: Callable[[Path], None],
    code: str,
) -> None:
    folder = tmp_path / "out"
    assert run(*BUILD, *asked) == 0
    assert code not in codes(folder)
    damage(folder)
    assert code in codes(folder)
    for arguments, status in (([*asked, "--check"], 1), (asked, 4)):
        capsys.readouterr()
        assert run(*BUILD, *arguments) == status
        assert f"[{code}]" in capsys.readouterr().err


def test_libraries_that_share_no_file_have_two_owners_of_none(tmp_path: Path, run: Run) -> None:
    """nvidia-cusparselt-cu12 0.8.1 and -cu13 0.10.0 of PyPI have no path in common."""
    assert run(*BUILD, "--with", "pip:nvidia-cudnn-cu12", "--with", "pip:nvidia-plain-cu13") == 0
    folder = tmp_path / "out"
    for file in ("pylock.toml", "requirements.txt"):
        change(folder, file, "nvidia-cudnn-cu12", "nvidia-cusparselt-cu12", count=99)
    renamed(folder, "nvidia-cusparselt-cu13")
    assert "two-owners" not in codes(folder)


def test_another_cuda_is_found_in_the_wheels_themselves(
    tmp_path: Path, run: Run, pypi: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock of before: what the wheel loads was not looked at. Without a network nobody knows, and it is not said."""
    engine = make_wheel(f"engine-1.0-{CP312}.whl", files={"engine/_C.so": "\0libcudart.so.13\0"})
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], engine]}
    with monkeypatch.context() as before:
        before.setattr("envgen.solve.pip.contents.judged", lambda *_, **__: ())
        assert run(*BUILD, "--with", "pip:engine") == 0
    folder = tmp_path / "out"
    assert "cuda-clash" not in codes(folder)
    place = f"https://files.pythonhosted.org/packages/cp312/e/engine/{engine.filename}"
    change(folder, "pylock.toml", place, pypi.url(f"/simple/{engine.filename}"))
    assert "cuda-clash" in codes(folder, Asking(pypi=pypi.url("/simple")))
