"""When the pins of a folder are kept, and when a lock is made anew: a lock answers the command in its header."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.lock import pip_solve
from equipment.conda_channel import Row, pytorch_rows, write_channel
from equipment.pip_world import QUICK
from equipment.wheel_index import WheelIndex, make_wheel

# No hash of this build's files is known, so the test may make its own; nothing of it is shipped.
BUILD = ["--torch", "2.9.1", "--cuda", "cu126"]
RTX3060 = ["--gpu", "RTX 3060", "--platform", "linux-64", "--driver", "570"]
CP312 = "cp312-cp312-manylinux_2_28_x86_64"
NUMPY_OLD = make_wheel("numpy-2.0.2-py3-none-any.whl")
Run = Callable[..., int]


@pytest.fixture
def torch_index() -> Iterator[WheelIndex]:
    wheels = [
        make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",)),
        make_wheel(f"torchvision-0.24.1+cu126-{CP312}.whl", ("numpy", "torch==2.9.1")),
        make_wheel(f"torchaudio-2.9.1+cu126-{CP312}.whl", ("torch==2.9.1",)),
    ]
    with WheelIndex(wheels={"/whl/cu126": wheels}).running() as index:
        yield index


@pytest.fixture
def pypi() -> Iterator[WheelIndex]:
    wheels = [
        make_wheel(f"{name}-py3-none-any.whl", needs)
        for name, needs in (
            ("filelock-3.20.0", ()),
            ("numpy-2.3.0", ()),
            ("einops-0.8.1", ()),
            ("tqdm-4.67.1", ()),
            ("colorama-0.4.6", ()),
            ("fsspec-2025.9.0", ('aiohttp; extra == "http"',)),
            ("aiohttp-3.13.0", ()),
        )
    ]
    with WheelIndex(wheels={"/simple": wheels}).running() as index:
        yield index


@pytest.fixture
def run(
    tmp_path: Path, torch_index: WheelIndex, pypi: WheelIndex, monkeypatch: pytest.MonkeyPatch, uv_cache: Path
) -> Run:
    """The program with mirrors of everything; only PyPI has no option, so the solve is told of it."""
    real = partial(pip_solve.solve_pip, pypi=pypi.url("/simple"), retry=QUICK, cache_dir=uv_cache)
    monkeypatch.setattr(pip_solve, "solve_pip", real)
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))
    further = [Row(name="scipy", version="1.16.2", depends=("numpy",)), Row(name="numpy", version="2.3.3")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))
    mirrors = ["--wheel-mirror", torch_index.url("/whl"), "--conda-mirror", str(tmp_path / "channels")]

    def program(*arguments: str, to: str = "out") -> int:
        return main([*RTX3060, *mirrors, *arguments, "--output", str(tmp_path / to)])

    return program


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def versions(folder: Path) -> dict[str, str]:
    lock = tomllib.loads((folder / "pylock.toml").read_text(encoding="utf-8"))
    return {package["name"]: package["version"] for package in lock["packages"]}


EINOPS = [*BUILD, "--with", "pip:einops"]
FSSPEC, FSSPEC_HTTP = [*BUILD, "--with", "pip:fsspec"], [*BUILD, "--with", "pip:fsspec[http]"]
CHANGES = [
    pytest.param(BUILD, EINOPS, id="a package is added"),
    pytest.param(EINOPS, BUILD, id="a package is dropped"),
    pytest.param([*EINOPS, "--with", "pip:tqdm"], EINOPS, id="one of two packages is dropped"),
    pytest.param(EINOPS, [*EINOPS, "--no-vision"], id="torchvision is dropped"),
    pytest.param([*EINOPS, "--no-vision"], EINOPS, id="torchvision is added"),
    pytest.param(FSSPEC, FSSPEC_HTTP, id="an extra of a package is added"),
    pytest.param(FSSPEC_HTTP, FSSPEC, id="an extra of a package is dropped"),
    pytest.param(["--with", "conda:scipy"], [], id="a conda package is dropped"),
    pytest.param(["--with", "conda:numpy>=2,<3"], ["--with", "conda:numpy"], id="a conda bound is dropped"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_changed_request_gives_the_files_of_an_empty_folder(
    tmp_path: Path, run: Run, before: list[str], after: list[str]
) -> None:
    """In this world each package has one release that fits, so no kept version can differ."""
    assert run(*before) == 0
    assert run(*after) == 0
    assert run(*after, to="empty") == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "empty")
    assert run(*after, "--check") == 0


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param([*BUILD, "--with", 'pip:colorama; sys_platform == "win32"'], id="a marker that is false"),
        pytest.param([*BUILD, "--with", "pip:fsspec[http]>=2025"], id="an extra"),
        pytest.param([*BUILD, "--with", "pip:numpy!=2.0.*"], id="a character that headers spell otherwise"),
        pytest.param(["--with", "conda:numpy!=2.0"], id="the same for conda"),
        pytest.param([*BUILD, "--audio", "--no-vision"], id="companions"),
    ],
)
def test_the_same_request_is_kept_without_the_network(
    tmp_path: Path, run: Run, torch_index: WheelIndex, wanted: list[str]
) -> None:
    assert run(*wanted) == 0
    before, asked = contents(tmp_path / "out"), len(torch_index.requests)
    assert run(*wanted, "--check") == 0
    assert run(*wanted) == 0
    assert contents(tmp_path / "out") == before
    assert len(torch_index.requests) == asked


def test_another_spelling_of_a_requirement_is_the_same_request(run: Run, torch_index: WheelIndex) -> None:
    assert run(*BUILD, "--with", "pip:einops>=0.8", "--with", "pip:tqdm") == 0
    asked = len(torch_index.requests)
    assert run(*BUILD, "--with", "pip:tqdm", "--with", "pip: einops >= 0.8") == 0
    assert len(torch_index.requests) == asked


def test_pins_stay_when_something_is_added(tmp_path: Path, run: Run, pypi: WheelIndex) -> None:
    wheels = pypi.wheels["/simple"]
    pypi.wheels = {"/simple": [wheel for wheel in wheels if wheel.project != "numpy"] + [NUMPY_OLD]}
    assert run(*BUILD) == 0
    pypi.wheels = {"/simple": [*wheels, NUMPY_OLD]}
    assert run(*EINOPS) == 0
    assert (versions(tmp_path / "out")["einops"], versions(tmp_path / "out")["numpy"]) == ("0.8.1", "2.0.2")
    assert run(*EINOPS, "--check") == 0
    assert run(*BUILD, "--with", "pip:numpy>=2.1") == 0
    assert versions(tmp_path / "out")["numpy"] == "2.3.0"
    assert run(*EINOPS, to="empty") == 0
    assert versions(tmp_path / "empty")["numpy"] == "2.3.0"


def test_upgrade_takes_the_newest(tmp_path: Path, run: Run, pypi: WheelIndex) -> None:
    pypi.wheels = {"/simple": [w for w in pypi.wheels["/simple"] if w.project != "numpy"] + [NUMPY_OLD]}
    assert run(*EINOPS) == 0
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], make_wheel("numpy-2.3.0-py3-none-any.whl")]}
    assert run(*EINOPS, "--upgrade") == 0
    assert versions(tmp_path / "out")["numpy"] == "2.3.0"


def test_the_build_stays_when_something_is_added_and_goes_when_it_is_gone(
    tmp_path: Path, run: Run, torch_index: WheelIndex
) -> None:
    either = ["--torch", ">=2.9.1,<2.12", "--cuda", "cu126", "--no-vision"]
    assert run(*BUILD, "--no-vision") == 0
    newer = make_wheel(f"torch-2.11.0+cu126-{CP312}.whl", ("filelock",))
    torch_index.wheels = {"/whl/cu126": [*torch_index.wheels["/whl/cu126"], newer]}
    assert run(*either, "--with", "pip:einops") == 0
    assert versions(tmp_path / "out")["torch"] == "2.9.1+cu126"
    torch_index.wheels = {"/whl/cu126": [newer]}
    assert run(*either, "--with", "pip:tqdm") == 0
    assert versions(tmp_path / "out")["torch"] == "2.11.0+cu126"


def test_the_conda_build_stays_when_something_is_added(tmp_path: Path, run: Run) -> None:
    """The small channel has 2.10.0 for CUDA 12.9 and 13.0; the newer CUDA is what an empty folder gets."""
    newer_driver = ["--driver", "580.65.06"]
    assert run(*newer_driver, "--cuda", "12.9", "--torch", "<=2.12.1") == 0
    assert run(*newer_driver, "--with", "conda:scipy") == 0
    explicit = (tmp_path / "out/conda-linux-64.lock").read_text(encoding="utf-8")
    assert "/pytorch-2.10.0-cuda129" in explicit
    assert "/scipy-1.16.2" in explicit
    assert run(*newer_driver, "--with", "conda:scipy", "--check") == 0
