"""The command in a folder's headers is held against the catalog: what is locked must still run for it."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.cli.verify import read_requests
from envgen.core.platforms import Subdir
from envgen.facts.catalog import Catalog
from envgen.verify.findings import Asking, Report
from envgen.verify.folder import verify_folder
from equipment.lock_damage import change_text, sign

OFFLINE = Asking(offline=True)


def report(folder: Path) -> Report:
    builds = Catalog.load()
    return verify_folder(folder, builds, OFFLINE, read_command=functools.partial(read_requests, builds=builds))


def make(folder: Path, *arguments: str) -> Path:
    assert main([*arguments, "--offline", "--output", str(folder)]) == 0
    return folder


def ask(folder: Path, old: str, new: str) -> set[str]:
    """Another command in every header, and everything else right; the codes that it gives."""
    for path in folder.iterdir():
        change_text(folder, path.name, old, new)
    sign(folder)
    return {str(finding.code) for finding in report(folder).findings}


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return make(tmp_path / "ada", "--gpu", "GeForce RTX 4090", "--driver", "580.95.05", "--platform", "linux-64")


def test_what_is_written_answers_its_own_command(ada: Path) -> None:
    assert report(ada).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        # sm_86 of cu132 needs the CUDA 13 floor, R580 (CUDA compatibility guide).
        pytest.param("--driver 580.95.05", "--driver 570.133.20", "driver-too-old", id="a-driver-of-the-branch-before"),
        # CUDA 13 dropped Maxwell, Pascal and Volta (CUDA 13.0 release notes).
        pytest.param('"GeForce RTX 4090"', '"GeForce GTX 1080"', "gpu-not-covered", id="pascal-on-cuda-13"),
        # GeForce RTX 5090 is 12.0: first served by R570 (NVIDIA driver release notes).
        pytest.param(
            '"GeForce RTX 4090" --platform linux-64 --driver 580.95.05',
            '"GeForce RTX 5090" --platform linux-64 --driver 565.57.01',
            "driver-predates-gpu",
            id="blackwell-before-r570",
        ),
        # R580 is the last branch for Pascal (NVIDIA's support plan).
        pytest.param(
            '"GeForce RTX 4090" --platform linux-64 --driver 580.95.05',
            '"GeForce GTX 1080" --platform linux-64 --driver 595.58.03',
            "driver-dropped-gpu",
            id="pascal-after-r580",
        ),
        pytest.param("--python 3.12", "--python 3.11", "request-unmet", id="another-python"),
        pytest.param("--python 3.12", '--python 3.12 --torch "<2"', "request-unmet", id="another-torch"),
        pytest.param("--python 3.12", "--python 3.12 --cuda cu126", "request-unmet", id="another-cuda"),
        pytest.param("--glibc 2.28", "--glibc 2.17", "request-unmet", id="an-older-glibc"),
    ],
)
def test_what_would_not_run_is_found(ada: Path, old: str, new: str, code: str) -> None:
    assert code in ask(ada, old, new)


def test_a_first_line_that_names_another_gpu_is_found(ada: Path) -> None:
    change_text(ada, "pylock.toml", "compute capability 8.9", "compute capability 9.0")
    assert {str(finding.code) for finding in report(ada).findings} == {"files-disagree"}


def test_kepler_needs_a_cudnn_before_8_8(tmp_path: Path) -> None:
    """cuDNN 8.8 dropped Kepler (NVIDIA's support matrices); conda's lock for it holds an older one."""
    folder = make(tmp_path, "--compute-capability", "3.7", "--platform", "linux-64", "--python", "3.11")
    assert report(folder).findings == ()


def test_several_platforms_are_each_held_against_their_own_request(tmp_path: Path) -> None:
    platforms = ["--platform", "win-64", "--platform", "linux-64"]
    folder = make(tmp_path, "--gpu", "GTX 1080 Ti", "--driver", "570", *platforms)
    assert report(folder).findings == ()


def test_a_command_is_read_as_the_command_line_reads_it() -> None:
    command = 'envgen --gpu "GeForce MX450" --platform win-64 --driver 560.94 --python 3.11 --with "rich>=13" --audio'
    (request,) = read_requests(command, builds=Catalog.load())
    assert (request.subdir, request.python, str(request.driver)) == (Subdir.WIN_64, "3.11", "560.94")
    assert [gpu.gpu.name for gpu in request.gpus] == ["GeForce MX450"]
    assert request.audio


@pytest.mark.parametrize("command", ["envgen --platform win-64", "envgen --gpu 'RTX 4090'", "envgen", ""])
def test_what_a_command_leaves_to_the_computer_is_not_guessed(command: str) -> None:
    assert read_requests(command, builds=Catalog.load()) == ()


@pytest.mark.parametrize("command", ['--gpu "no end', "--driver", "--python abc", '--gpu "no such GPU 9000"'])
def test_a_command_that_cannot_be_read_is_told_as_skipped(ada: Path, command: str) -> None:
    for path in ada.iterdir():
        text = path.read_text("utf-8").splitlines(keepends=True)
        text[1] = f"# made by: envgen --gpu 4090 --platform linux-64 {command}\n"
        path.write_text("".join(text), "utf-8")
    sign(ada)
    assert "the command in the headers" in [check.check for check in report(ada).skipped]
