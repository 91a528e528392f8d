"""The pip and the conda set of a request are independent: one that can't be had costs only itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from envgen.cli.main import main
from envgen.core.sets import PackageSet
from equipment.conda_channel import Row, pytorch_rows, write_channel
from equipment.file_names import names_of
from equipment.loopback import refused_url
from equipment.wheel_index import WheelIndex, make_wheel

# Of this build no hash of a file is known, so the test may make its own; nothing of it is shipped.
BUILD = ["--torch", ">=2.9.1,<2.11", "--cuda", "cu126"]
BOTH = ["--torch", ">=2.9.1,<2.11"]
CONDA_FILES, PIP_FILES = names_of(PackageSet.CONDA), names_of(PackageSet.PIP)
SMOKE = {"smoke_test.py"}


@pytest.fixture(autouse=True)
def opencv(pypi: WheelIndex, tmp_path: Path, run: Run) -> None:
    """PyPI and conda-forge have OpenCV under different names."""
    del run
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], make_wheel("opencv_python_headless-4.13.0-py3-none-any.whl")]}
    further = [Row(name="py-opencv", version="4.13.0"), Row(name="scipy", version="1.16.2")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


LEFT_OUT = "left out: opencv-python-headless: conda-forge calls it py-opencv; --with conda:py-opencv adds it"
HEADLESS = [*BUILD, "--with", "opencv-python-headless"]


@pytest.mark.parametrize(
    ("only", "files"),
    [
        pytest.param([], CONDA_FILES | PIP_FILES | SMOKE, id="both"),
        pytest.param(["--only", "pip"], PIP_FILES | SMOKE, id="pip", marks=pytest.mark.proof),
        pytest.param(["--only", "conda"], CONDA_FILES | SMOKE, id="conda"),
    ],
)
def test_a_name_that_conda_does_not_have_is_left_out_of_its_set(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], only: list[str], files: set[str]
) -> None:
    """conda-forge calls it py-opencv (conda-forge/opencv-feedstock recipe/meta.yaml)."""
    out = tmp_path / "out"
    assert run(*BOTH, "--with", "opencv-python-headless", *only) == 0
    told = capsys.readouterr().out
    assert names(out) == files
    if files >= CONDA_FILES:
        assert told.splitlines()[0] == LEFT_OUT
        header = (out / "environment.yml").read_text(encoding="utf-8").splitlines()
        assert header[2] == f"# {LEFT_OUT}"
        assert "/py-opencv-" not in (out / "conda-linux-64.lock").read_text(encoding="utf-8")
    else:
        assert "left out" not in told
    if files >= PIP_FILES:
        assert "opencv-python-headless==4.13.0" in (out / "requirements.txt").read_text(encoding="utf-8")
    before = contents(out)
    assert run(*BOTH, "--with", "opencv-python-headless", *only, "--check") == 0
    if only == ["--only", "conda"]:  # the wheels of this test don't ask for what the real ones do
        assert main(["verify", "--offline", str(out)]) == 0
    assert run(*BOTH, "--with", "opencv-python-headless", *only) == 0
    assert contents(out) == before


def test_what_every_platform_leaves_out_is_said_once(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*pytorch_rows(), Row(name="uvloop", version="0.22.1"), Row(name="py-opencv", version="4.13.0")]
    write_channel(tmp_path / "channels" / "conda-forge", rows)
    wanted = ["--with", "opencv-python-headless", "--with", "uvloop", "--only", "conda"]
    assert run(*BOTH, "--platform", "win-64", *wanted) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        LEFT_OUT,
        "left out: uvloop: conda-forge has no package of that name; --with conda:NAME names it as conda does (win-64)",
        "GeForce RTX 3060: compute capability 8.6",
    ]


@pytest.mark.parametrize("way", [["--dry-run"], ["--format", "json"], ["--format", "markdown", "--dry-run"]])
def test_what_is_missing_is_said_where_no_summary_is(
    run: Run, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    assert run(*BOTH, "--only", "conda", "--with", "opencv-python-headless", *way) == 0
    assert f"note: {LEFT_OUT}" in capsys.readouterr().err.splitlines()
    assert run(*BOTH, "--with", "conda:scipy>=99", *way, to="other") == 0
    assert "note: no conda set: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("hugging_face_hub", marks=pytest.mark.proof),
        pytest.param("hugging-face-hub", marks=pytest.mark.proof),
        "Hugging.Face.Hub",
    ],
)
def test_a_name_is_taken_in_the_spelling_of_the_channel(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    """To PyPI they are one name (PEP 503); conda-forge has huggingface_hub, typing_extensions and scikit-learn."""
    further = [Row(name="hugging_face_hub", version="1.0")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))
    options = [*BOTH, "--only", "conda", "--with", asked]
    assert run(*options) == 0
    assert "left out" not in capsys.readouterr().out
    assert '- "hugging_face_hub=1.0"' in (tmp_path / "out/environment.yml").read_text(encoding="utf-8")
    assert run(*options, "--check") == 0
    assert main(["verify", "--conda-mirror", str(tmp_path / "channels"), str(tmp_path / "out")]) == 0


def test_a_name_that_conda_has_for_something_else_is_left_out(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """graphviz is PyPI's binding and conda-forge's program, which has the binding as python-graphviz."""
    further = [Row(name="graphviz", version="14.0"), Row(name="python-graphviz", version="0.21")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))
    options = [*BOTH, "--only", "conda", "--with", "graphviz"]
    assert run(*options) == 0
    told = capsys.readouterr().out.splitlines()[0]
    assert told == "left out: graphviz: conda-forge calls it python-graphviz; --with conda:python-graphviz adds it"
    assert (
        "graphviz"
        not in (tmp_path / "out/conda-linux-64.lock").read_text(encoding="utf-8").replace(told, "").split("\n#\n")[-1]
    )
    assert run(*options, "--check") == 0
    assert run(*BOTH, "--only", "conda", "--with", "conda:python-graphviz") == 0


@pytest.mark.parametrize("pip", ["opencv-python-headless", "pip:opencv-python-headless"])
def test_the_way_to_name_it_works(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], pip: str) -> None:
    """It says "adds it": beside what was asked for before, or in its place."""
    options = [*BOTH, "--with", pip, "--with", "conda:py-opencv"]
    assert run(*options) == 0
    assert "left out" not in capsys.readouterr().out
    assert "/py-opencv-4.13.0" in (tmp_path / "out/conda-linux-64.lock").read_text(encoding="utf-8")
    assert run(*options, "--check") == 0


def test_the_order_of_packages_is_nothing(tmp_path: Path, run: Run) -> None:
    assert run(*BOTH, "--with", "pip:einops", "--with", "conda:scipy", "--with", "numpy") == 0
    assert run(*BOTH, "--with", "numpy", "--with", "conda: scipy", "--with", "pip:einops", to="other") == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "other")


NO_SOLUTION = [
    pytest.param("conda:scipy>=99", "conda", PIP_FILES, "without scipy>=99 it locks", id="conda"),
    pytest.param("pip:einops>=99", "pip", CONDA_FILES, "without einops>=99 it locks", id="pip"),
    pytest.param(
        "pip:no-such-package-of-pypi",
        "pip",
        CONDA_FILES,
        "without no-such-package-of-pypi it locks",
        id="name",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("package", "lost", "files", "way_out"), NO_SOLUTION)
def test_a_set_without_a_solution_costs_only_itself(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], package: str, lost: str, files: set[str], way_out: str
) -> None:
    wanted = [*BOTH, "--with", package]
    assert run(*wanted) == 0
    told = capsys.readouterr()
    assert names(tmp_path / "out") == files | SMOKE
    first = told.out.splitlines()[0]
    assert first.startswith(f"no {lost} set for linux-64: ")
    assert way_out in first
    assert f"note: no {lost} set: " in told.err
    assert run(*wanted, "--check") == 0
    assert run(*wanted, "--only", lost, to="required") == 3
    assert "[solve-failed]" in capsys.readouterr().err
    assert names(tmp_path / "required") == set()


@pytest.mark.parametrize(
    ("package", "lost", "way_out"),
    [
        pytest.param("einops<0.8", "pip", "leave it out, or ask for it in the other set alone (conda:einops<0.8)"),
        pytest.param("einops>=0.8", "conda", "leave it out, or ask for it in the other set alone (pip:einops>=0.8)"),
        pytest.param("scipy", "pip", "leave it out, or ask for it in the other set alone (conda:scipy)"),
        pytest.param("no-such-package-of-either", "pip", "leave it out"),
    ],
)
def test_the_other_set_is_named_where_it_has_the_package(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], package: str, lost: str, way_out: str
) -> None:
    further = [Row(name="einops", version="0.7.0"), Row(name="scipy", version="1.16.2")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))
    assert run(*BOTH, "--with", package) == 0
    first = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"no {lost} set "))
    assert first.endswith(f"without {package} it locks: {way_out}")
    if ":" in way_out.partition(":")[2]:
        named = way_out.rpartition("(")[2].rstrip(")")
        assert run(*BOTH, "--with", named) == 0
        assert names(tmp_path / "out") == CONDA_FILES | PIP_FILES | SMOKE


@pytest.mark.parametrize(
    ("wanted", "way_out"),
    [
        pytest.param("--torch ==2.13.0", "--torch ==2.10.0 locks it: pytorch 2.10.0 (", id="announced"),
        pytest.param("--torch ==2.12.1 --cuda cu129", "--torch ==2.10.0 locks it: ", id="its-cuda-stays"),
    ],
)
def test_builds_that_are_not_there_have_another_as_the_way_out(
    run: Run, capsys: pytest.CaptureFixture[str], wanted: str, way_out: str
) -> None:
    """The catalog knows them as announced; the channel of this test has 2.9.1 and 2.10.0."""
    assert run(*wanted.split(), "--only", "conda") == 3
    told = capsys.readouterr().err
    assert f"  hint: {way_out}" in told
    options = wanted.replace(wanted.split()[1], way_out.split()[1])
    assert run(*options.split(), "--only", "conda") == 0


def test_a_set_without_a_pairing_costs_only_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """conda-forge skipped 2.14.1, whose wheels for CUDA 12.6 are on PyTorch's index."""
    wanted = ["--gpu", "RTX 3060", "--platform", "win-64", "--torch", "==2.14.1", "--cuda", "cu126", "--offline"]
    assert main([*wanted, "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert names(tmp_path / "out") == PIP_FILES | SMOKE
    assert told.out.startswith("no conda set for win-64: no conda build of PyTorch runs on ")
    assert main([*wanted, "--only", "conda", "--output", str(tmp_path / "required")]) == 3
    assert "[no-pairing]" in capsys.readouterr().err
    assert names(tmp_path / "required") == set()


def test_files_of_another_request_are_not_left_under_exit_0(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    assert run(*BOTH) == 0
    before = contents(out)
    assert run(*BOTH, "--with", "conda:scipy>=99") == 5
    assert {name: data for name, data in contents(out).items() if name in CONDA_FILES} == {
        name: before[name] for name in CONDA_FILES
    }


def test_a_decided_build_that_is_not_there_is_followed_by_the_next(
    tmp_path: Path, run: Run, torch_index: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """The catalog has seen 2.10.0+cu126, the index of this test has 2.9.1 alone."""
    assert not any("torch-2.10" in wheel.filename for wheel in torch_index.wheels["/whl/cu126"])
    assert run(*BUILD, "--only", "pip") == 0
    told = capsys.readouterr()
    assert "torch==2.9.1+cu126" in (tmp_path / "out/requirements.txt").read_text(encoding="utf-8")
    assert "note: 2.10.0+cu126 could not be locked; 2.9.1+cu126 is the next that runs" in told.err
    assert "pip 2.10.0+cu126 should run too, but could not be locked now" in told.out
    assert run(*BUILD, "--only", "pip", "--check") == 0


@pytest.mark.slow
def test_the_other_set_goes_when_one_is_asked_for_alone(tmp_path: Path, run: Run) -> None:
    assert run(*BOTH) == 0
    assert run(*BOTH, "--only", "pip") == 0
    assert names(tmp_path / "out") == PIP_FILES | SMOKE


def test_a_set_is_pip_or_conda(capsys: pytest.CaptureFixture[str], run: Run) -> None:
    assert run("--only", "both") == 2
    assert '"both" is not a set (from --only)' in capsys.readouterr().err


class TestLock:
    def test_what_is_there_is_asked_for_and_stays(self, tmp_path: Path, run: Run) -> None:
        """A set that can't be had is exit 3 without a solution; its old files stay, and the other set is written."""
        out = tmp_path / "out"
        assert run(*BOTH) == 0
        before = contents(out)
        assert lock(run, *BOTH, "--with", "conda:scipy>=99") == 3
        after = contents(out)
        assert {name: after[name] for name in CONDA_FILES} == {name: before[name] for name in CONDA_FILES}
        assert b"scipy" in after["requirements.txt"]

    @pytest.mark.usefixtures("few_retries")
    def test_a_set_that_stays_is_no_set_that_is_missing(self, tmp_path: Path, run: Run) -> None:
        """The other files speak of it as before: nothing of them moves because a channel did not answer."""
        out = tmp_path / "out"
        assert run(*BOTH) == 0
        before = contents(out)
        assert lock(run, *BOTH, "--conda-mirror", refused_url()) == 5
        assert contents(out) == before
        assert run(*BOTH, "--check") == 0

    @pytest.mark.slow
    def test_a_set_that_is_not_there_is_not_asked_for(self, tmp_path: Path, run: Run) -> None:
        assert run(*BOTH, "--with", "conda:scipy>=99") == 0
        assert lock(run, *BOTH, "--with", "conda:scipy>=99") == 0
        assert names(tmp_path / "out") == PIP_FILES | SMOKE


def lock(run: Run, *arguments: str) -> int:
    return run(*arguments, command="lock")


def test_a_jetson_never_gets_the_conda_lock_for_arm_servers(tmp_path: Path) -> None:
    """Both are `cuda129` builds of one release; a Jetson Orin (8.7) runs the `tegra` variant alone below CUDA 13.2.

    Source: conda-forge/pytorch-cpu-feedstock#303, recipe/meta.yaml: `arm-variant * tegra` and `arm-variant * sbsa`.
    """
    assert main(["--gpu", "Jetson AGX Orin 64GB", "--offline", "--output", str(tmp_path)]) == 0
    assert not [path.name for path in tmp_path.glob("conda*")]
    assert main(["verify", str(tmp_path), "--offline"]) == 0
