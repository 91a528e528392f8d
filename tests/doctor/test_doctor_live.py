"""The child process in real environments: a small torch that works, fails, hangs and crashes on demand."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from doctor.fake_torch import FakeEnvironment
from doctor.patients import builds, catalog, decide, host
from envgen.core.capability import ComputeCapability
from envgen.core.findings import Level
from envgen.doctor.context import Case
from envgen.doctor.diagnose import diagnose
from envgen.doctor.findings import Code, Diagnosis
from envgen.environments.find import Wanted, open_environment
from envgen.environments.torch_run import LiveOutcome, describe_interpreter, parse_live, use_torch
from envgen.probe.files import DirectoryFiles
from envgen.probe.observation import EnvironmentKind
from envgen.probe.process import run_command

RTX4090 = {"name": "NVIDIA GeForce RTX 4090", "capability": [8, 9]}
DISK = DirectoryFiles(Path("/"))


@pytest.fixture
def fake(tmp_path: Path) -> FakeEnvironment:
    return FakeEnvironment(tmp_path / "env")


def diagnose_here(fake: FakeEnvironment, *, run: bool = True) -> Diagnosis:
    """Examine the environment as if it were on the captured host with the RTX 4090."""
    wanted = Wanted(python=fake.python, prefix=None, environ={}, own="")
    opened = open_environment(wanted, DISK, run_command, lambda _: None)
    assert opened.target is not None
    case = Case(
        observation=host("linux-rtx4090-570.133.20"),
        builds=builds(),
        catalog=catalog(),
        target=opened.target,
        live=use_torch(opened.python, run_command, timeout_s=60) if run else None,
    )
    return diagnose(case, decide)


def test_a_torch_that_works(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], arch_list=["sm_80", "sm_90", "compute_90"], cudnn=91002)
    fake.vision("0.23.0+cu128", requires=("torch==2.8.0",))
    live = use_torch(fake.python, run_command)
    assert live.computes
    assert (live.torch_version, live.cuda, live.cudnn, live.vision_version) == (
        "2.8.0+cu128",
        "12.8",
        "9.10.2",
        "0.23.0+cu128",
    )
    (device,) = live.devices
    assert (device.name, device.capability) == ("NVIDIA GeForce RTX 4090", ComputeCapability(8, 9))
    assert (device.kernel_error, device.convolution_error, live.vision_error) == ("", "", "")
    assert [str(code) for code in live.arch_list] == ["sm_80", "sm_90", "compute_90"]
    assert diagnose_here(fake).findings == ()


@pytest.mark.parametrize(
    ("version", "cuda", "behaviour", "code"),
    [
        pytest.param("2.8.0+cpu", None, {}, Code.TORCH_CPU_BUILD, id="cpu-build"),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"import_error": "libcudnn.so.9: cannot open shared object file: No such file or directory"},
            Code.CUDA_LIBRARIES_BROKEN,
            id="library-missing",
        ),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"devices": [RTX4090 | {"error": "CUDA error: no kernel image is available for execution on the device"}]},
            Code.NO_KERNEL_IMAGE,
            id="no-kernel-image",
        ),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {
                "warning": "CUDA initialization: Unexpected error. Error 804: forward compatibility was attempted on "
                "non supported HW",
                "init_error": "Unexpected error from cudaGetDeviceCount(). Error 804: forward compatibility was "
                "attempted on non supported HW",
            },
            Code.FORWARD_COMPATIBILITY,
            id="error-804",
        ),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"init_error": "CUDA unknown error - this may be due to an incorrectly set up environment"},
            Code.UVM_BROKEN,
            id="unknown-error",
        ),
        pytest.param("2.8.0+cu128", "12.8", {"crash": True}, Code.CUDA_LIBRARIES_BROKEN, id="crash-at-import"),
    ],
)
def test_a_torch_that_does_not(
    fake: FakeEnvironment, version: str, cuda: str | None, behaviour: dict[str, Any], code: Code
) -> None:
    fake.torch(version, cuda, **behaviour)
    assert [finding.code for finding in diagnose_here(fake).errors] == [code]


def test_a_wrong_sum_is_no_working_gpu(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], convolution=323.0)
    live = use_torch(fake.python, run_command)
    assert live.devices[0].convolution_error == "ArithmeticError: a convolution of ones gave 323.0"
    assert not live.computes
    (error,) = diagnose_here(fake).errors
    assert error.title == "a convolution fails, and no known cause fits"
    assert "NVIDIA GeForce RTX 4090: ArithmeticError: a convolution of ones gave 323.0" in error.evidence


@pytest.mark.parametrize(
    ("advice", "code"),
    [
        # The three ends of this message in torch/backends/cudnn/__init__.py.
        ("Looks like your LD_LIBRARY_PATH contains incompatible version of cudnn.", Code.CUDA_ON_LIBRARY_PATH),
        ("one possibility is that there is a conflicting cuDNN in LD_LIBRARY_PATH.", Code.CUDA_LIBRARIES_BROKEN),
        ("", Code.CUDA_LIBRARIES_BROKEN),
    ],
)
@pytest.mark.parametrize("computes", [True, False])
def test_another_cudnn_than_torchs_own(fake: FakeEnvironment, advice: str, code: Code, computes: bool) -> None:
    message = f"cuDNN version incompatibility: PyTorch was compiled  against (9, 10, 2) but found (8, 9, 2). {advice}"
    result = 324.0 if computes else 323.0
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], cudnn_error=message, convolution=result)
    live = use_torch(fake.python, run_command)
    assert live.outcome is LiveOutcome.DONE
    assert (live.works, live.computes) == (True, computes)
    found = diagnose_here(fake).findings
    assert [(f.code, f.level) for f in found] == [(code, Level.WARNING if computes else Level.ERROR)]
    assert "found (8, 9, 2)" in found[0].evidence[0]


def test_a_torch_that_hangs_is_left_behind(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", hang=True)
    begin = time.monotonic()
    live = use_torch(fake.python, run_command, timeout_s=1.0)
    assert time.monotonic() - begin < 1800  # it sleeps for an hour
    assert (live.outcome, live.reason) == (LiveOutcome.TIMED_OUT, "torch gave no answer within 1 s")
    assert live.stage == "prefix"


def test_a_torchvision_of_another_release(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], nms_error="operator torchvision::nms does not exist")
    fake.vision("0.22.1+cu128", requires=("torch==2.7.1",))
    (error,) = diagnose_here(fake).errors
    assert error.code is Code.TORCHVISION_MISMATCH
    assert "torchvision 0.22.1+cu128 requires torch==2.7.1" in error.evidence


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param({"vision_error": "torchvision/_C.so: undefined symbol: _ZN3c10"}, "undefined symbol", id="symbol"),
        pytest.param({"vision_crash": True}, "died of signal 6", id="crash"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_torchvision_that_cannot_be_imported(fake: FakeEnvironment, behaviour: dict[str, Any], words: str) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], **behaviour)
    fake.vision("0.23.0+cu128", requires=("torch==2.8.0",))
    assert use_torch(fake.python, run_command).computes
    (error,) = diagnose_here(fake).errors
    assert error.code is Code.TORCHVISION_MISMATCH
    assert words in "\n".join(error.evidence)


def test_a_deleted_file_and_a_deleted_dist_info(fake: FakeEnvironment) -> None:
    requires = ("nvidia-cudnn-cu12==9.10.2.21", "nvidia-nccl-cu12==2.27.3")
    fake.torch("2.8.0+cu128", "12.8", requires=requires)
    fake.dist("nvidia-cudnn-cu12", "9.10.2.21", files=("nvidia/cudnn/lib/libcudnn.so.9",))
    (fake.site / "nvidia/cudnn/lib/libcudnn.so.9").unlink()
    (error,) = diagnose_here(fake, run=False).errors
    assert error.code is Code.CUDA_LIBRARIES_BROKEN
    assert error.evidence == (
        "nvidia-cudnn-cu12 9.10.2.21: nvidia/cudnn/lib/libcudnn.so.9 missing",
        "torch 2.8.0+cu128 requires nvidia-nccl-cu12==2.27.3, which is not installed",
    )


def test_no_torch_at_all(fake: FakeEnvironment) -> None:
    assert [finding.code for finding in diagnose_here(fake).errors] == [Code.TORCH_MISSING]


def test_a_file_of_the_working_folder_in_place_of_torch(
    fake: FakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    (tmp_path / "torch.py").write_text("answer = 42\n")
    monkeypatch.chdir(tmp_path)
    assert [finding.code for finding in diagnose_here(fake).errors] == [Code.WRONG_ENVIRONMENT]


def test_a_torch_on_pythonpath(fake: FakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = FakeEnvironment(tmp_path / "other")
    other.torch("2.8.0+cpu", None)
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    monkeypatch.setenv("PYTHONPATH", str(other.site))
    (error,) = diagnose_here(fake).errors
    assert error.code is Code.WRONG_ENVIRONMENT
    assert any(str(other.site) in line for line in error.evidence)


def test_the_interpreter_says_what_it_is(fake: FakeEnvironment) -> None:
    found, reason = describe_interpreter(fake.python, run_command)
    assert reason == ""
    assert found is not None
    assert Path(found.prefix) == fake.prefix
    assert str(fake.site) in found.path


def test_what_is_no_interpreter_is_not_one(tmp_path: Path) -> None:
    found, reason = describe_interpreter(str(tmp_path / "python"), run_command)
    assert found is None
    assert reason.endswith("is not there")


@pytest.mark.skipif(os.name == "nt", reason="virtual environments on Windows hold no links")
@pytest.mark.parametrize("named", [True, False])
def test_an_environment_whose_python_was_removed(fake: FakeEnvironment, tmp_path: Path, named: bool) -> None:
    # As after an upgrade of the system: bin/python and bin/python3 link to a file that is gone.
    fake.torch("2.8.0+cu128", "12.8")
    for link in Path(fake.python).parent.glob("python*"):
        link.unlink()
        link.symlink_to(tmp_path / "python3.11")
    environ = {} if named else {"VIRTUAL_ENV": str(fake.prefix)}
    wanted = Wanted(python=None, prefix=str(fake.prefix) if named else None, environ=environ, own="/usr/bin/python3")
    opened = open_environment(wanted, DISK, run_command, lambda _: "/usr/bin/python3")
    assert opened.python == ""
    assert opened.reason == f"{fake.python} links to {tmp_path / 'python3.11'}, which is not there"
    assert opened.target is not None
    assert opened.target.torch is not None


def test_a_python_that_writes_before_it_answers(fake: FakeEnvironment) -> None:
    # The line has no end: what is said next stands behind it.
    fake.put("sitecustomize.py", "import sys; sys.stdout.write('loading'); sys.stdout.flush()\n")
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    found, reason = describe_interpreter(fake.python, run_command)
    assert (reason, found is not None) == ("", True)
    live = use_torch(fake.python, run_command)
    assert live.computes
    assert diagnose_here(fake).findings == ()


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 0", "ran and did not answer as a Python does"),
        # ls and others quote what they can't read, which is the whole text of the child.
        ("printf '%s' \"$2\" | tr '\\n' ' ' >&2; exit 2", "ended with status 2: "),
    ],
)
def test_a_program_that_is_no_python_is_said_to_be_none(tmp_path: Path, script: str, reason: str) -> None:
    (tmp_path / "lib/python3.12/site-packages").mkdir(parents=True)
    program = tmp_path / "bin/program"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    wanted = Wanted(python=str(program), prefix=None, environ={}, own="")
    opened = open_environment(wanted, DISK, run_command, lambda _: None)
    assert (opened.target, opened.python) == (None, "")
    assert opened.reason.startswith(f"{program} {reason}")
    assert len(opened.reason) < 500
    case = Case(observation=host("linux-rtx4090-570.133.20"), builds=builds(), catalog=catalog())
    diagnosis = diagnose(case, decide, no_target=opened.reason, no_live=opened.reason)
    assert [(f.code, f.evidence) for f in diagnosis.errors] == [(Code.PYTHON_UNUSABLE, (opened.reason,))]
    assert diagnosis.exit_code(strict=False) == 1
    reasons = {check.check: check.reason for check in diagnosis.skipped}
    assert reasons["torch-missing"] == reasons["run-torch"] == "this Python could not be examined"


def test_an_environment_is_read_without_its_interpreter(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cpu", None)
    Path(fake.python).unlink()
    for link in Path(fake.python).parent.glob("python*"):
        link.unlink()
    wanted = Wanted(python=None, prefix=str(fake.prefix), environ={}, own="")
    opened = open_environment(wanted, DISK, run_command, lambda _: None)
    assert opened.python == ""
    assert opened.target is not None
    assert opened.target.kind is EnvironmentKind.VENV
    assert opened.target.torch is not None
    assert opened.target.torch.version == "2.8.0+cpu"
    case = Case(observation=host("linux-gtx1650-none"), builds=builds(), catalog=catalog(), target=opened.target)
    errors = diagnose(case, decide, no_target=opened.reason, no_live=opened.reason).errors
    assert [error.code for error in errors] == [Code.NO_DRIVER, Code.PYTHON_UNUSABLE, Code.TORCH_CPU_BUILD]


def test_lines_of_other_programs_are_passed_over() -> None:
    text = 'hello\nenvgen-doctor:["cuda", "12.8"]\nenvgen-doctor:nonsense\nenvgen-doctor:["available", true]\n'
    live = parse_live(text)
    assert (live.cuda, live.available, live.stage) == ("12.8", True, "available")


@pytest.mark.parametrize(
    ("number", "text"), [(91002, "9.10.2"), (91100, "9.11.0"), (8907, "8.9.7"), (0, ""), (None, "")]
)
def test_cudnn_number(number: int | None, text: str) -> None:
    assert parse_live(f'envgen-doctor:["cudnn", {json.dumps(number)}]').cudnn == text
