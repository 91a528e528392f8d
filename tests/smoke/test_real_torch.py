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
# What each operation is made to return, so that its number is wrong: the check that says so, and the change.
BREAKS = {
    "a product that is one too much": ("fp32", "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) + 1"),
    "one number of a product": (
        "fp32",
        (
            "corner = torch.zeros(48, 48)\ncorner[-1, -1] = 1\n"
            "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) + corner.to(a.dtype)"
        ),
    ),
    "a product in float64 alone": (
        "fp32",
        "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) * (1 + 1e-9 * (a.dtype == torch.float64))",
    ),
    "a product that is the other's": ("fp32", "torch.matmul = lambda a, b, real=torch.matmul: real(b, a.t())"),
    "a product of zeros": ("fp32", "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) * 0"),
    "a product that is no number": ("fp32", "torch.matmul = lambda a, b, real=torch.matmul: real(a, b) * float('nan')"),
    "a convolution of twice the size": (
        "convolution",
        "F = torch.nn.functional\nF.conv2d = lambda a, b, real=F.conv2d: real(a, b) * 2",
    ),
    "a convolution with its kernel turned": (
        "convolution",
        "F = torch.nn.functional\nF.conv2d = lambda a, b, real=F.conv2d: real(a, b.flip(2, 3))",
    ),
    "a convolution without a gradient": (
        "convolution",
        "F = torch.nn.functional\nF.conv2d = lambda a, b, real=F.conv2d: real(a.detach(), b) + 0 * a.sum()",
    ),
    "singular values a thousandth too large": (
        "linalg",
        "torch.linalg.svd = lambda a, real=torch.linalg.svd: [part + 1e-3 for part in real(a)]",
    ),
    "a solution that is the right side": ("linalg", "torch.linalg.solve = lambda a, b: b"),
    "eigenvalues of ones": (
        "linalg",
        "torch.linalg.eigvals = lambda a: torch.ones(len(a), dtype=torch.complex128)",
    ),
    "a spectrum a thousandth too large": ("fft", "torch.fft.rfft = lambda a, real=torch.fft.rfft: real(a) * 1.001"),
    "a spectrum of one bin further": ("fft", "torch.fft.rfft = lambda a, real=torch.fft.rfft: real(a).roll(1)"),
    "a spectrum that is conjugated and late": (
        "fft",
        "torch.fft.rfft = lambda a, real=torch.fft.rfft: real(a.roll(3))",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_cpu_lane_finds_a_wrong_number(python: Path, tmp_path: Path, name: str) -> None:
    """The checks run in the process whose torch is changed, as they do in the child of a whole run."""
    broken, change = BREAKS[name]
    script, mark = tmp_path / "smoke_test.py", "=result="
    script.write_text(smoke_body(LANE), encoding="utf-8")
    words = ["smoke_test.py", "--json", "--result", mark]
    code = (
        f"import runpy, sys, torch\n{change}\nsys.argv = {words}\nrunpy.run_path({str(script)!r}, run_name='__main__')"
    )
    run = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    _, answer = json.loads(run.stdout.partition(mark)[2])
    failed = [(check["check"], check["code"]) for check in answer["checks"] if check["verdict"] == "failed"]
    assert (run.returncode, failed) == (1, [(broken, "wrong-result")]), run.stderr


def test_the_cpu_lane_computes(python: Path, tmp_path: Path) -> None:
    script = tmp_path / "smoke_test.py"
    script.write_text(smoke_body(LANE), encoding="utf-8")
    run = subprocess.run([str(python), str(script), "--json"], capture_output=True, text=True, check=False)
    answer = json.loads(run.stdout)
    assert (run.returncode, answer["exit_status"]) == (0, 0), run.stderr
    names = [check["check"] for check in answer["checks"]]
    assert names == ["torch", "locked", "torchvision", "fp32", "convolution", "linalg", "fft", "nms"]
