"""What the locked wheels hold: the CUDA that torch has, and one owner of each file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import CP312, Run, known_torch
from cli.test_together import pins
from equipment.wheel_index import WheelIndex, make_wheel

BUILD = ["--torch", "2.9.1", "--cuda", "cu126", "--no-vision", "--only", "pip"]
LIBRARY = "nvidia/cudnn/lib/libcudnn.so.9"


@pytest.fixture(autouse=True)
def world(torch_index: WheelIndex, pypi: WheelIndex) -> None:
    """An engine as onnxruntime-gpu is, built for CUDA 13 from 2.0 on; two cuDNNs; two opencvs; equal libraries."""
    torch = make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",))
    torch_index.wheels = {"/whl/cu126": [torch]}
    further = [
        make_wheel(f"torch-2.9.1-{CP312}.whl", ("filelock",)),
        *(
            make_wheel(f"engine-{one}-{CP312}.whl", files={"engine/_C.so": "\0libcudart.so.13\0"})
            for one in ("2.0", "2.1")
        ),
        make_wheel(f"engine-1.0-{CP312}.whl", files={"engine/_C.so": "\0libcudart.so.12\0"}),
        make_wheel(f"motor-1.0-{CP312}.whl", files={"motor/_C.so": "\0libnvrtc.so.13\0"}),
        make_wheel("nvidia_cudnn_cu12-9.28-py3-none-any.whl", files={LIBRARY: "12"}),
        make_wheel("nvidia_cudnn_cu13-9.26-py3-none-any.whl", files={LIBRARY: "13"}),
        make_wheel("flow-1.0-py3-none-any.whl", ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")),
        make_wheel("ctranslate2-3.24.0-py3-none-any.whl"),
        make_wheel("ctranslate2-4.8.5-py3-none-any.whl"),
        make_wheel("whisper_old-1.0-py3-none-any.whl", ("ctranslate2<4",)),
        make_wheel("whisper_new-1.0-py3-none-any.whl", ("ctranslate2>=4",)),
        make_wheel("cupy_cuda13x-1.0-py3-none-any.whl", ('nvidia-cuda-runtime==13.*; extra == "ctk"',)),
        make_wheel("nvidia_cuda_runtime-13.0-py3-none-any.whl"),
        make_wheel("cv_one-1.0-py3-none-any.whl", files={"cv2/__init__.py": "one"}),
        make_wheel("cv_two-1.0-py3-none-any.whl", files={"cv2/__init__.py": "two"}),
        make_wheel("nvidia_dsl_cu12-1.0-py3-none-any.whl", files={"dsl/_C.so": "the same"}),
        make_wheel("nvidia_dsl_cu13-1.0-py3-none-any.whl", files={"dsl/_C.so": "the same"}),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}


def test_a_package_for_another_cuda_is_taken_in_the_release_that_fits(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*BUILD, "--with", "pip:engine") == 0
    assert "engine==1.0" in pins(tmp_path / "out")
    told = "engine is locked at 1.0, 2.1 was passed over: the wheel of engine 2.1 loads CUDA 13, torch 2.9.1+cu126 has "
    assert f"{told}CUDA 12 [passed-over]" in capsys.readouterr().err


def test_what_comes_along_is_of_the_index_of_the_build(
    tmp_path: Path, run: Run, torch_index: WheelIndex, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """datasets[audio] asks for torchcodec, which is built for CUDA 13 on PyPI and declares nothing of torch."""
    further = [
        make_wheel("sound-1.0-py3-none-any.whl", ("torchcodec",)),
        make_wheel(f"torchcodec-0.9.2-{CP312}.whl", files={"torchcodec/_C.so": "\0libcudart.so.13\0"}),
        make_wheel(f"torchcodec-0.9.0-{CP312}.whl", files={"torchcodec/_C.so": "\0libcudart.so.12\0"}),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}
    assert run(*BUILD, "--with", "pip:sound", to="older") == 0
    assert "torchcodec==0.9.0" in pins(tmp_path / "older")
    assert "torchcodec is locked at 0.9.0, 0.9.2 was passed over" in capsys.readouterr().err
    own = make_wheel(f"torchcodec-0.9.1+cu126-{CP312}.whl", files={"torchcodec/_C.so": "\0libcudart.so.12\0"})
    torch_index.wheels = {"/whl/cu126": [*torch_index.wheels["/whl/cu126"], own]}
    assert run(*BUILD, "--with", "pip:sound") == 0
    assert "torchcodec==0.9.1+cu126" in pins(tmp_path / "out")
    assert run(*BUILD, "--with", "pip:sound", "--check") == 0


def test_a_wheel_that_can_not_be_read_is_said(run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]) -> None:
    pypi.serves_ranges = False
    assert run(*BUILD, "--with", "pip:engine") == 0
    told = "note: which CUDA engine 2.1 loads could not be read in time; torch has CUDA 12 [wheel-not-read]"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        pytest.param("motor", "the wheel of motor 1.0 loads CUDA 13, torch 2.9.1+cu126 has CUDA 12", id="other CUDA"),
        pytest.param("engine==2.0", "the wheel of engine 2.0 loads CUDA 13", id="pinned"),
        pytest.param(
            "cupy-cuda13x", "cupy-cuda13x 1.0 is for CUDA 13, torch 2.9.1+cu126 has CUDA 12", id="by its name"
        ),
        pytest.param("flow", f"nvidia-cudnn-cu12 and nvidia-cudnn-cu13 both install {LIBRARY}", id="two cuDNNs"),
    ],
)
def test_a_package_that_fits_in_no_release_is_refused(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], package: str, reason: str
) -> None:
    assert run(*BUILD, "--with", f"pip:{package}") == 3
    told = capsys.readouterr().err
    assert reason in told
    assert f"error: {package.partition('==')[0]} " in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("asked", "way_out"),
    [
        pytest.param("flow-all[cuda13]>=1", "flow-all[cuda12]>=1", id="an extra, as jax[cuda13]"),
        pytest.param("array-cu13", "array-cu12", id="a package for each CUDA, as cudf-cu13"),
    ],
)
def test_what_is_named_for_another_cuda_is_named_for_that_of_the_build(
    tmp_path: Path, run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str], asked: str, way_out: str
) -> None:
    """The way out locks when it is followed."""
    torch = make_wheel(f"torch-2.9.1-{CP312}.whl", ("filelock", "nvidia-cudnn-cu12"))
    needs = ("nvidia-cudnn-cu12", *(f'flow-cuda{one}-plugin; extra == "cuda{one}"' for one in (12, 13)))
    further = [
        torch,
        make_wheel("flow_all-1.0-py3-none-any.whl", needs),
        *(make_wheel(f"flow_cuda{n}_plugin-1.0-py3-none-any.whl", (f"nvidia-cudnn-cu{n}",)) for n in (12, 13)),
        *(
            make_wheel(f"array_cu{n}-1.0-py3-none-any.whl", ("nvidia-cudnn-cu12", f"nvidia-cudnn-cu{n}"))
            for n in (12, 13)
        ),
    ]
    others = (one for one in pypi.wheels["/simple"] if one.filename != torch.filename)
    pypi.wheels = {"/simple": [*others, *further]}
    assert run(*BUILD, "--with", f"pip:{asked}") == 3
    assert f"hint: {way_out} in place of {asked} locks it\n" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(*BUILD, "--with", f"pip:{way_out}") == 0


def test_an_extra_that_there_is_not_is_no_way_out(
    run: Run, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = ("nvidia-cudnn-cu12", 'nvidia-cudnn-cu13; extra == "cuda13"')
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], make_wheel("sole-1.0-py3-none-any.whl", needs)]}
    assert run(*BUILD, "--with", "pip:sole[cuda13]") == 3
    assert "cuda12" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        pytest.param(
            ["cv-one", "cv-two"],
            "cv-one and cv-two install cv2/__init__.py with different bytes: what is installed last stays [two-owners]",
            id="two opencvs",
        ),
        pytest.param(
            ["nvidia-dsl-cu12", "nvidia-dsl-cu13"],
            "nvidia-dsl-cu12 and nvidia-dsl-cu13 both install dsl/_C.so, with the same bytes: either may stay "
            "[same-files]",
            id="equal bytes, as nvidia-cutlass-dsl-libs-cu12 and -cu13 have",
        ),
    ],
)
def test_two_owners_of_another_file_are_said(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], packages: list[str], told: str
) -> None:
    assert run(*BUILD, *(word for one in packages for word in ("--with", f"pip:{one}"))) == 0
    assert f"note: {told}" in capsys.readouterr().err
    assert len(pins(tmp_path / "out")) == 4


def test_what_brings_its_own_runtime_may_be_for_another_cuda(tmp_path: Path, run: Run) -> None:
    """https://docs.cupy.dev/en/stable/install.html: the extra ctk adds CUDA's libraries."""
    assert run(*BUILD, "--with", "pip:cupy-cuda13x[ctk]") == 0
    assert {"cupy-cuda13x==1.0", "nvidia-cuda-runtime==13.0"} <= pins(tmp_path / "out")


def test_libraries_that_are_opened_by_name_are_known_by_a_table(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """CTranslate2 opens libcublas.so.12 from 4.0 on and .11 before; faster-whisper brings it along."""
    assert run(*BUILD, "--with", "pip:whisper-new") == 0
    assert "ctranslate2==4.8.5" in pins(tmp_path / "out")
    assert run(*BUILD, "--with", "pip:whisper-old", to="old") == 3
    assert "ctranslate2 3.24.0 is for CUDA 11, torch 2.9.1+cu126 has CUDA 12" in capsys.readouterr().err


def test_what_comes_along_gives_way_before_torch_and_what_is_asked_for(
    tmp_path: Path, run: Run, torch_index: WheelIndex, pypi: WheelIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    """unsloth brings torchao along, whose newest is for CUDA 13: an older torchao, and no unsloth of last year."""
    torch_index.wheels = {"/whl/cu126": [*torch_index.wheels["/whl/cu126"], known_torch("2.8.0", "cu126")]}
    further = [
        make_wheel(f"torch-2.8.0-{CP312}.whl", ("filelock",)),
        make_wheel("studio-2.0-py3-none-any.whl", ("torch>=2.9", "engine")),
        make_wheel("studio-1.0-py3-none-any.whl", ("torch<2.9",)),
    ]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *further]}
    assert run("--torch", ">=2.8.0,<2.9.2", *BUILD[2:], "--with", "pip:studio") == 0
    assert {"studio==2.0", "engine==1.0", "torch==2.9.1+cu126"} <= pins(tmp_path / "out")
    told = "engine is locked at 1.0, 2.1 was passed over: the wheel of engine 2.1 loads CUDA 13, torch 2.9.1+cu126 has "
    assert f"{told}CUDA 12 [passed-over]" in capsys.readouterr().err
