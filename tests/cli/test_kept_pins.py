"""When the pins of a folder are kept, and when a lock is made anew: a lock answers the command in its header."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import CP312, Run, known_torch
from envgen.cli.main import main
from envgen.core.sets import PackageSet
from envgen.files.reading import split
from equipment.conda_channel import Row, pytorch_rows, write_channel
from equipment.file_names import names_of
from equipment.loopback import serving
from equipment.wheel_index import WheelIndex, make_wheel

# No hash of this build's files is known, so the test may make its own; nothing of it is shipped.
BUILD = ["--torch", "2.9.1", "--cuda", "cu126"]


NUMPY_OLD = make_wheel("numpy-2.0.2-py3-none-any.whl")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def versions(folder: Path) -> dict[str, str]:
    lock = tomllib.loads((folder / "pylock.toml").read_text(encoding="utf-8"))
    return {package["name"]: package["version"] for package in lock["packages"]}


EINOPS = [*BUILD, "--with", "pip:einops"]
FSSPEC, FSSPEC_HTTP = [*BUILD, "--with", "pip:fsspec"], [*BUILD, "--with", "pip:fsspec[http]"]
CHANGES = [
    pytest.param(BUILD, EINOPS, id="a package is added"),
    pytest.param(EINOPS, BUILD, id="a package is dropped", marks=pytest.mark.proof),
    pytest.param([*EINOPS, "--with", "pip:tqdm"], EINOPS, id="one of two packages is dropped", marks=pytest.mark.proof),
    pytest.param(EINOPS, [*EINOPS, "--no-vision"], id="torchvision is dropped"),
    pytest.param([*EINOPS, "--no-vision"], EINOPS, id="torchvision is added", marks=pytest.mark.proof),
    pytest.param(FSSPEC, FSSPEC_HTTP, id="an extra of a package is added", marks=pytest.mark.proof),
    pytest.param(FSSPEC_HTTP, FSSPEC, id="an extra of a package is dropped"),
    pytest.param(["--with", "conda:scipy"], [], id="a conda package is dropped", marks=pytest.mark.proof),
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
        pytest.param([*BUILD, "--with", "pip:fsspec[http]>=2025"], id="an extra", marks=pytest.mark.proof),
        pytest.param([*BUILD, "--with", "pip:numpy!=2.0.*"], id="a character that headers spell otherwise"),
        pytest.param(["--with", "conda:numpy!=2.0"], id="the same for conda", marks=pytest.mark.proof),
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


def packages(folder: Path) -> set[str]:
    """The packages of a folder's explicit lock, as name and version."""
    lines = (folder / "conda-linux-64.lock").read_text(encoding="utf-8").splitlines()
    return {line.rpartition("/")[2].rpartition("-")[0] for line in lines if line.startswith("http")}


@pytest.fixture
def moving(tmp_path: Path, run: Run) -> Callable[[str, str], None]:
    """Writes the channel anew with a release of tzdata, which python needs, and one of einops beside those before."""
    del run
    rows = list(pytorch_rows())

    def write(tzdata: str, einops: str) -> None:
        rows.append(Row(name="tzdata", version=tzdata, subdir="noarch"))
        rows.append(Row(name="einops", version=einops, subdir="noarch"))
        scipy = Row(name="scipy", version="1.16.2", depends=("einops",), subdir="noarch")
        write_channel(tmp_path / "channels/conda-forge", (*rows, scipy))

    write("2025c", "0.8.0")
    return write


CONDA = ["--only", "conda", "--torch", "2.10.0"]
OF_EINOPS = ["--with", "conda:einops"]


def test_conda_pins_stay_when_something_is_added(tmp_path: Path, run: Run, moving: Callable[[str, str], None]) -> None:
    """Neither what is asked for nor what it needs moves: only the files of the added package come."""
    assert run(*CONDA, *OF_EINOPS) == 0
    before = packages(tmp_path / "out")
    moving("2025d", "0.9.0")
    assert run(*CONDA, *OF_EINOPS, "--with", "conda:scipy") == 0
    assert packages(tmp_path / "out") == before | {"scipy-1.16.2"}
    assert {"tzdata-2025c", "einops-0.8.0"} <= before
    assert run(*CONDA, *OF_EINOPS, "--with", "conda:scipy", "--check") == 0


def test_conda_pins_go_where_they_must_and_with_upgrade(
    tmp_path: Path, run: Run, moving: Callable[[str, str], None]
) -> None:
    assert run(*CONDA, *OF_EINOPS) == 0
    before = packages(tmp_path / "out")
    moving("2025d", "0.9.0")
    assert run(*CONDA, "--with", "conda:einops>=0.9") == 0
    moved = packages(tmp_path / "out") ^ before
    assert moved == {"einops-0.8.0", "einops-0.9.0"}
    assert run(*CONDA, "--with", "conda:einops>=0.9", "--upgrade") == 0
    moved = packages(tmp_path / "out") ^ before
    assert moved == {f"{one}" for one in ("einops-0.8.0", "einops-0.9.0", "tzdata-2025c", "tzdata-2025d")}


@pytest.mark.usefixtures("moving")
def test_a_conda_pin_that_the_channel_lost_is_taken_anew(tmp_path: Path, run: Run) -> None:
    assert run(*CONDA, *OF_EINOPS) == 0
    assert "tzdata-2025c" in packages(tmp_path / "out")
    rows = [row for row in pytorch_rows() if row.name != "tzdata"]
    rows += [
        Row(name=name, version=v, subdir="noarch")
        for name, v in (("tzdata", "2025e"), ("einops", "0.8.0"), ("left", "1"))
    ]
    write_channel(tmp_path / "channels/conda-forge", rows)
    assert run(*CONDA, *OF_EINOPS, "--with", "conda:left") == 0
    assert "tzdata-2025e" in packages(tmp_path / "out")


def made_by(folder: Path) -> list[str]:
    """The command in the header of a folder's smoke test, as a shell reads it."""
    header, _ = split((folder / "smoke_test.py").read_text(encoding="utf-8"))
    assert header is not None
    return shlex.split(header.command)


class TestMirrorsInTheFiles:
    def index(self, folder: Path) -> str:
        lock = tomllib.loads((folder / "pylock.toml").read_text(encoding="utf-8"))
        return next(str(package["index"]) for package in lock["packages"] if package["name"] == "torch")

    def test_a_wheel_mirror_is_kept_and_named_by_the_header(
        self, tmp_path: Path, run: Run, torch_index: WheelIndex
    ) -> None:
        login = torch_index.url("/whl/", login="me:secret")
        out, wanted = tmp_path / "out", [*EINOPS, "--write-mirror", "--wheel-mirror", login]
        assert run(*wanted) == 0
        before, asked = contents(out), len(torch_index.requests)
        assert self.index(out) == torch_index.url("/whl/cu126")
        assert not any(b"secret" in data for data in before.values())
        assert run(*wanted, "--check") == 0
        assert main([*made_by(out)[1:], "--check", "--output", str(out)]) == 0
        assert run(*wanted) == 0
        assert contents(out) == before
        assert len(torch_index.requests) == asked

    def test_another_wheel_mirror_takes_its_place(self, tmp_path: Path, run: Run, torch_index: WheelIndex) -> None:
        out, other = tmp_path / "out", torch_index.url("/whl").replace("127.0.0.1", "localhost")
        assert run(*EINOPS, "--write-mirror") == 0
        assert run(*EINOPS, "--write-mirror", "--wheel-mirror", other) == 0
        assert self.index(out) == f"{other}/cu126"
        assert run(*EINOPS) == 0
        assert self.index(out) == "https://download.pytorch.org/whl/cu126"

    def test_pypis_own_build_is_kept_too(self, run: Run, pypi: WheelIndex) -> None:
        own = [make_wheel(f"{name}-{CP312}.whl") for name in ("torch-2.9.1", "torchvision-0.24.1")]
        pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *own]}
        wanted = ["--driver", "570.133.20", "--torch", "2.9.1", "--cuda", "cu128", "--write-mirror"]
        assert run(*wanted) == 0
        assert run(*wanted, "--check") == 0

    def test_a_conda_mirror_is_kept_and_another_takes_its_place(
        self, tmp_path: Path, run: Run, torch_index: WheelIndex
    ) -> None:
        out = tmp_path / "out"
        torch_index.wheels = {"/whl/cu129": [known_torch("2.10.0", "cu129")]}
        with serving(tmp_path / "channels") as channel:
            wanted = ["--torch", "2.10.0", "--cuda", "12.9", "--no-vision", "--write-mirror", "--conda-mirror"]
            assert run(*wanted, channel.url) == 0
            before, asked = contents(out), len(channel.log)
            assert f"\n{channel.url}/conda-forge/" in (out / "conda-linux-64.lock").read_text(encoding="utf-8")
            assert run(*wanted, channel.url, "--check") == 0
            assert main([*made_by(out)[1:], "--check", "--output", str(out)]) == 0
            assert contents(out) == before
            assert len(channel.log) == asked
            other = channel.url.replace("127.0.0.1", "localhost")
            assert run(*wanted, other) == 0
            text = (out / "conda-linux-64.lock").read_text(encoding="utf-8")
            assert f"\n{other}/conda-forge/" in text
            assert f"\n{channel.url}/" not in text


def test_an_upgrade_that_moves_a_pip_package_touches_pip_files_only(tmp_path: Path, run: Run, pypi: WheelIndex) -> None:
    assert run(*BUILD) == 0
    before = contents(tmp_path / "out")
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], make_wheel("filelock-3.21.0-py3-none-any.whl")]}
    assert run(*BUILD, "--upgrade") == 0
    after = contents(tmp_path / "out")
    assert versions(tmp_path / "out")["filelock"] == "3.21.0"
    assert {name for name in after if before[name] != after[name]} == names_of(PackageSet.PIP)
    assert before.keys() == after.keys()
