"""Packages whose binaries are built for some releases of torch, which their metadata doesn't say."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from cli.conftest import CP312, Run, known_torch
from cli.test_together import pins
from envgen.facts.catalog import Catalog
from envgen.solve.pip.built_for import bounds_for
from equipment.wheel_index import WheelIndex, make_wheel

CU126 = ["--cuda", "cu126", "--no-vision", "--only", "pip"]
EITHER = ["--torch", ">=2.8.0,<2.9.2", *CU126]


@pytest.fixture(autouse=True)
def world(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    """Three releases of torch; torchcodec and fbgemm-gpu declare nothing of it, torchtext a floor, as on PyPI."""
    releases = ("2.8.0", "2.9.1", "2.14.1")
    served = [
        make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",)),
        *(known_torch(one, "cu126") for one in ("2.8.0", "2.14.1")),
    ]
    torch_index.wheels = {"/whl/cu126": served}
    further = [
        *(make_wheel(f"torch-{one}-{CP312}.whl", ("filelock",)) for one in releases),
        *(make_wheel(f"torchcodec-{one}-{CP312}.whl") for one in ("0.7.0", "0.9.1", "0.17.0")),
        make_wheel("torchtext-0.18.0-py3-none-any.whl", ("torch>=2.3.0",)),
        *(make_wheel(f"fbgemm_gpu-{one}-{CP312}.whl") for one in ("1.3.0", "1.9.0")),
        make_wheel("sound-1.0-py3-none-any.whl", ("torchcodec",)),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


@pytest.mark.parametrize(
    ("torch", "codec"),
    [("2.8.0", "0.7.0"), ("2.9.1", "0.9.1"), ("2.14.1", "0.17.0")],  # the table in torchcodec's README
)
def test_torch_decides_which_release_is_taken(tmp_path: Path, run: Run, torch: str, codec: str) -> None:
    assert run("--torch", torch, *CU126, "--with", "pip:sound") == 0
    assert f"torchcodec=={codec}" in pins(tmp_path / "out")
    assert run("--torch", torch, *CU126, "--with", "pip:sound", "--check") == 0


def test_a_release_that_is_asked_for_holds_torch_back(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*EITHER, "--with", "pip:torchcodec==0.7.0") == 0
    assert "torch==2.8.0+cu126" in pins(tmp_path / "out")
    assert "2.8.0+cu126 is taken: torchcodec 0.7.0 needs torch==2.8.* [held-back-by]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("torch", "package", "reason"),
    [
        ("2.9.1", "torchcodec==0.17.0", "torchcodec 0.17.0 is built for torch >=2.11"),
        ("2.14.1", "torchtext", "torchtext 0.18.0 is built for torch ==2.3.*"),
    ],
)
def test_what_goes_with_no_torch_that_may_be_taken_is_refused(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], torch: str, package: str, reason: str
) -> None:
    assert run("--torch", torch, *CU126, "--with", f"pip:{package}") == 3
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_not_known_is_said_and_never_taken_before_what_is(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--torch", "2.8.0", *CU126, "--with", "pip:fbgemm-gpu", to="known") == 0
    assert "fbgemm-gpu==1.3.0" in pins(tmp_path / "known")
    assert "built-for-unknown" not in capsys.readouterr().err
    assert run("--torch", "2.14.1", *CU126, "--with", "pip:fbgemm-gpu") == 0
    assert "fbgemm-gpu==1.9.0" in pins(tmp_path / "out")
    assert "note: fbgemm-gpu 1.9.0 is built for one release of torch, and no source says" in capsys.readouterr().err


@pytest.mark.parametrize("torch", ["2.3.1", "2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.15.0"])
def test_the_bounds_leave_exactly_what_the_rows_let_in(torch: str) -> None:
    """By packaging, for a release of each row."""
    catalog = Catalog.load()
    bounds = {name: SpecifierSet(text) for name, text in map(_parted, bounds_for(torch, catalog))}
    for row in catalog.rows("companion_torch"):
        release = row["releases"].lstrip("=><").removesuffix(".*") + ".0"
        fits = bool(row["torch"]) and torch in SpecifierSet(row["torch"])
        others = [o for o in catalog.rows("companion_torch") if o["package"] == row["package"] and o["torch"]]
        is_only_choice = not row["torch"] and not any(torch in SpecifierSet(o["torch"]) for o in others)
        allowed = release in bounds.get(row["package"], SpecifierSet())
        assert allowed is (fits or is_only_choice), row


def _parted(requirement: str) -> tuple[str, str]:
    at = min(requirement.find(sign) for sign in "!<>" if sign in requirement)
    return requirement[:at], requirement[at:]
