"""The smoke test under a real torch CPU build: what it says about the build, and that its arithmetic is right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.files.formats.smoke import SmokeExpectation, SmokePairing, smoke_body

pytestmark = [pytest.mark.slow, pytest.mark.network]

TORCH = "2.13.0"
INTERPRETER = shutil.which("python3.11") or sys.executable


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a virtual environment that holds a CPU build of torch."""
    folder = tmp_path_factory.mktemp("torch-cpu")
    subprocess.run([INTERPRETER, "-m", "venv", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]
    install = [str(python), "-m", "pip", "install", "--quiet", *index, f"torch=={TORCH}+cpu", "numpy"]
    if subprocess.run(install, check=False).returncode != 0:
        pytest.skip(f"torch {TORCH}+cpu cannot be installed here")
    return python


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("smoke") / "smoke_test.py"
    file.write_text(smoke_body(SmokeExpectation()), encoding="utf-8")
    return file


@pytest.mark.parametrize("arguments", [[], ["--build-only"]])
def test_a_cpu_build_is_called_one(python: Path, script: Path, arguments: list[str]) -> None:
    command = [str(python), str(script), "--json", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    last = json.loads(run.stdout)["checks"][-1]
    detail = f"torch {TORCH}+cpu is a CPU build, no CUDA code"
    assert (run.returncode, last["code"], last["detail"]) == (1, "cpu-build", detail)


def test_right_arithmetic_passes_and_wrong_arithmetic_does_not(python: Path, script: Path) -> None:
    numerics = Path(__file__).with_name("numerics.py")
    command = [str(python), "-W", "error::FutureWarning", str(numerics), str(script)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert found.pop("nms") == "not-installed"
    assert {name for name, code in found.items() if not code} == {
        *("copy", "fp32", "fp16", "bf16", "convolution", "linalg", "magma", "fft", "sort", "memory"),
    }
    assert found["fp32 with TF32"] == "wrong-result"
    assert found["convolution off by a pixel"] == "wrong-result"
    assert found["convolution with cuDNN only"] == "cudnn-unsupported"


LANE = SmokeExpectation(pairings=(SmokePairing(source="pip", torch=TORCH, cuda="cpu"),))
# What each operation is made to return, so that its number is wrong.
BREAKS = {
    "fp32": "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) + 1",
    "convolution": "torch.nn.functional.conv2d = lambda a, b, real=torch.nn.functional.conv2d: real(a, b) * 2",
    "linalg": "torch.linalg.svd = lambda a, real=torch.linalg.svd: [part + 1e-3 for part in real(a)]",
    "fft": "torch.fft.rfft = lambda a, real=torch.fft.rfft: real(a) * 1.001",
}


@pytest.mark.parametrize("broken", ["", *BREAKS])
def test_the_cpu_lane_computes(python: Path, tmp_path: Path, broken: str) -> None:
    script = tmp_path / "smoke_test.py"
    script.write_text(smoke_body(LANE), encoding="utf-8")
    first = f"import runpy, sys, torch; {BREAKS.get(broken, 'pass')}\nsys.argv = ['smoke_test.py', '--json']\n"
    command = [str(python), "-c", f"{first}runpy.run_path({str(script)!r}, run_name='__main__')"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = json.loads(run.stdout)
    failed = [(check["check"], check["code"]) for check in answer["checks"] if check["verdict"] == "failed"]
    assert (run.returncode, failed) == ((1, [(broken, "wrong-result")]) if broken else (0, [])), run.stderr
    names = [check["check"] for check in answer["checks"]]
    assert names == ["torch", "locked", "torchvision", "fp32", "convolution", "linalg", "fft", "nms"]
