"""Twenty ways to look as if a GPU computed: none passes. A torch that is made to deceive is out of scope."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envgen.files.formats.smoke import SmokeExpectation, smoke_body
from smoke.host import ADA, EXPECTED, TURING, FakeHost, Outcome, smoke, with_fakes


def broken(**faults: dict[str, Any]) -> FakeHost:
    return FakeHost(gpus=[{**ADA, "faults": {name.replace("__", ":"): fault for name, fault in faults.items()}}])


def failed(outcome: Outcome) -> list[tuple[str, str]]:
    return [(check["check"], check["code"]) for check in outcome.answer["checks"] if check["verdict"] == "failed"]


LIES = {
    "CPU tensors that call themselves cuda": (FakeHost(memory="host"), ("copy", "not-on-gpu")),
    "the second GPU's numbers are on the first": (
        FakeHost(memory="first", gpus=[ADA, ADA]),
        ("copy", "not-on-gpu"),
    ),
    "one of two GPUs is not seen": (FakeHost(driver_gpus=[ADA, ADA]), ("available", "gpu-not-seen")),
    "no GPU is there, and torch says that there is": (
        FakeHost(gpus=[], driver_gpus=[ADA]),
        ("available", "cuda-unavailable"),
    ),
    "torch says another capability than the driver": (
        FakeHost(gpus=[ADA], driver_gpus=[TURING]),
        ("code", "capability-disputed"),
    ),
    "every number is zero": (FakeHost(numbers=[0] * 4096), ("copy", "wrong-result")),
    "every number is NaN": (FakeHost(numbers=[float("nan")] * 4096), ("copy", "wrong-result")),
    "every number is that of the first check": (FakeHost(numbers=[*range(1, 4097)]), ("fp32", "wrong-result")),
    "one wrong number of a product": (broken(matmul__float32={"error": 1e-4}), ("fp32", "wrong-result")),
    "a product that is NaN": (broken(matmul__float32={"error": float("nan")}), ("fp32", "wrong-result")),
    "allocation works, and nothing else": (
        broken(add={"error": 1.0}, matmul={"error": 1.0}),
        ("copy", "wrong-result"),
    ),
    "a kernel for an older GPU": (
        broken(matmul={"raise": ["RuntimeError", "no kernel image is available"]}),
        ("fp32", "no-kernel-image"),
    ),
    "errors of kernels are eaten, and synchronize does nothing": (
        FakeHost(assert_text=""),
        ("assert", "assert-not-raised"),
    ),
    "the import ends the program with 0": (FakeHost(torch_error="exit"), ("torch", "torch-failed")),
}


@pytest.mark.parametrize("name", LIES)
def test_a_torch_that_does_not_compute_on_the_gpu_does_not_pass(name: str, tmp_path: Path) -> None:
    host, finding = LIES[name]
    outcome = smoke(host, tmp_path, expected=SmokeExpectation())
    assert outcome.status == 1
    assert failed(outcome)[0] == finding


def test_a_process_that_ends_with_0_before_its_last_check_has_failed(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(torch_error="os._exit"), tmp_path)
    assert (outcome.status, failed(outcome)) == (1, [("end", "ended-early")])
    assert "ended with status 0 and without its result" in outcome.talk


def test_a_hook_that_ends_the_process_with_0_does_not_turn_a_failure(tmp_path: Path) -> None:
    host = replace(broken(matmul__float32={"error": 1.0}), at_exit=True)
    outcome = smoke(host, tmp_path)
    assert outcome.status == 1
    assert {("fp32", "wrong-result"), ("end", "ended-early")} <= {*failed(outcome)}


def beside(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")

    return write


EXIT = "import os\nos._exit(0)\n"


@pytest.mark.parametrize(
    "name",
    [
        "json.py",
        "torch.py",
        "numpy.py",
        "torch/__init__.py",
        pytest.param("argparse.py", marks=pytest.mark.proof),
        pytest.param("ctypes.py", marks=pytest.mark.proof),
        pytest.param("subprocess.py", marks=pytest.mark.proof),
        "triton.py",
        "sitecustomize.py",
        pytest.param("usercustomize.py", marks=pytest.mark.proof),
        pytest.param("warnings.py", marks=pytest.mark.proof),
        pytest.param("re.py", marks=pytest.mark.proof),
    ],
)
def test_a_file_beside_it_is_not_loaded(name: str, tmp_path: Path) -> None:
    """Neither by the checks nor by the process of the negative control, which runs in the same folder."""
    beside(name, EXIT)(tmp_path)
    outcome = smoke(FakeHost(), tmp_path, "--compile")
    assert (outcome.status, outcome.findings) == (0, [])
    bad = smoke(FakeHost(assert_text=""), tmp_path)
    assert (bad.status, failed(bad)) == (1, [("assert", "assert-not-raised")])


@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONSTARTUP"])
def test_a_variable_that_names_other_files_changes_nothing(variable: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    beside("torch.py", "__version__ = '2.14.1+cu126'\n" + EXIT)(other)
    value = str(other if variable == "PYTHONPATH" else other / "torch.py")
    outcome = smoke(FakeHost(torch="2.12.0+cu126"), tmp_path, environment={variable: value})
    assert (outcome.status, failed(outcome)) == (1, [("locked", "torch-not-locked")])


def test_a_result_that_torch_prints_is_no_result(tmp_path: Path) -> None:
    """The mark of the last line is another in each run."""
    script = tmp_path / "smoke_test.py"
    script.write_text(smoke_body(EXPECTED), encoding="utf-8")
    line = json.dumps(["passed", {"exit_status": 0, "checks": []}])
    host = FakeHost(torch_error="os._exit").environment(FAKE_PRINT=line)
    done = subprocess.run(
        [with_fakes(sys.executable), str(script)], capture_output=True, text=True, env=host, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "passed" not in done.stdout.splitlines()[-2:]


def test_it_says_what_it_does_not_prove() -> None:
    assert "Against a torch that is made to deceive" in smoke_body(EXPECTED)
