"""The child process in real environments: a small torch that works, fails, hangs and crashes on demand."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.fake_torch import FakeEnvironment
from doctor.samples import builds, catalog, context_of, host
from envgen.causes.context import Context
from envgen.core.capability import ComputeCapability
from envgen.core.findings import Level
from envgen.doctor.diagnose import diagnose
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.examine import examine_host
from envgen.environments import torch_run as torch_run_module
from envgen.environments.find import Wanted, open_environment
from envgen.environments.torch_run import RunOutcome, describe_interpreter, parse_run, run_torch
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
    assert opened.environment is not None
    context = Context(
        observation=host("linux-rtx4090-570.133.20"),
        builds=builds(),
        catalog=catalog(),
        environment=opened.environment,
        run=run_torch(opened.python, run_command, timeout_s=60) if run else None,
    )
    return diagnose(context)


def test_a_torch_that_works(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], arch_list=["sm_80", "sm_90", "compute_90"], cudnn=91002)
    fake.vision("0.23.0+cu128", requires=("torch==2.8.0",))
    live = run_torch(fake.python, run_command)
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
        pytest.param("2.8.0+cpu", None, {}, "torch-cpu-build", id="cpu-build"),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"import_error": "libcudnn.so.9: cannot open shared object file: No such file or directory"},
            "cuda-libraries-broken",
            id="library-missing",
        ),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"devices": [RTX4090 | {"error": "CUDA error: no kernel image is available for execution on the device"}]},
            "no-kernel-image",
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
            "forward-compatibility",
            id="error-804",
        ),
        pytest.param(
            "2.8.0+cu128",
            "12.8",
            {"init_error": "CUDA unknown error - this may be due to an incorrectly set up environment"},
            "uvm-broken",
            id="unknown-error",
        ),
        pytest.param("2.8.0+cu128", "12.8", {"crash": True}, "cuda-libraries-broken", id="crash-at-import"),
    ],
)
def test_a_torch_that_does_not(
    fake: FakeEnvironment, version: str, cuda: str | None, behaviour: dict[str, Any], code: str
) -> None:
    fake.torch(version, cuda, **behaviour)
    assert [finding.code for finding in diagnose_here(fake).errors] == [code]


def test_a_wrong_sum_is_no_working_gpu(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], convolution=323.0)
    live = run_torch(fake.python, run_command)
    assert live.devices[0].convolution_error == "ArithmeticError: a convolution of ones gave 323.0"
    assert not live.computes
    (error,) = diagnose_here(fake).errors
    assert error.title == "a convolution fails, and no known cause fits"
    assert "NVIDIA GeForce RTX 4090: ArithmeticError: a convolution of ones gave 323.0" in error.evidence


@pytest.mark.parametrize(
    ("advice", "code"),
    [
        # The three ends of this message in torch/backends/cudnn/__init__.py.
        ("Looks like your LD_LIBRARY_PATH contains incompatible version of cudnn.", "cuda-on-library-path"),
        ("one possibility is that there is a conflicting cuDNN in LD_LIBRARY_PATH.", "cuda-libraries-broken"),
        ("", "cuda-libraries-broken"),
    ],
)
@pytest.mark.parametrize("computes", [True, False])
def test_another_cudnn_than_torchs_own(fake: FakeEnvironment, advice: str, code: str, computes: bool) -> None:
    message = f"cuDNN version incompatibility: PyTorch was compiled  against (9, 10, 2) but found (8, 9, 2). {advice}"
    result = 324.0 if computes else 323.0
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], cudnn_error=message, convolution=result)
    live = run_torch(fake.python, run_command)
    assert live.outcome is RunOutcome.DONE
    assert (live.works, live.computes) == (True, computes)
    found = diagnose_here(fake).findings
    assert [(f.code, f.level) for f in found] == [(code, Level.WARNING if computes else Level.ERROR)]
    assert "found (8, 9, 2)" in found[0].evidence[0]


def test_a_torch_that_hangs_is_left_behind(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", hang=True)
    begin = time.monotonic()
    live = run_torch(fake.python, run_command, timeout_s=1.0)
    assert time.monotonic() - begin < 1800  # it sleeps for an hour
    assert (live.outcome, live.reason) == (RunOutcome.TIMED_OUT, "torch gave no answer within 1 s")
    assert live.stage == "prefix"


def test_a_torchvision_of_another_release(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090], nms_error="operator torchvision::nms does not exist")
    fake.vision("0.22.1+cu128", requires=("torch==2.7.1",))
    (error,) = diagnose_here(fake).errors
    assert error.code == "torchvision-mismatch"
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
    assert run_torch(fake.python, run_command).computes
    (error,) = diagnose_here(fake).errors
    assert error.code == "torchvision-mismatch"
    assert words in "\n".join(error.evidence)


def test_a_deleted_file_and_a_deleted_dist_info(fake: FakeEnvironment) -> None:
    requires = ("nvidia-cudnn-cu12==9.10.2.21", "nvidia-nccl-cu12==2.27.3")
    fake.torch("2.8.0+cu128", "12.8", requires=requires)
    fake.dist("nvidia-cudnn-cu12", "9.10.2.21", files=("nvidia/cudnn/lib/libcudnn.so.9",))
    (fake.site / "nvidia/cudnn/lib/libcudnn.so.9").unlink()
    (error,) = diagnose_here(fake, run=False).errors
    assert error.code == "cuda-libraries-broken"
    assert error.evidence == (
        "nvidia-cudnn-cu12 9.10.2.21: nvidia/cudnn/lib/libcudnn.so.9 missing",
        "torch 2.8.0+cu128 requires nvidia-nccl-cu12==2.27.3, which is not installed",
    )


def test_no_torch_at_all(fake: FakeEnvironment) -> None:
    assert [finding.code for finding in diagnose_here(fake).errors] == ["torch-missing"]


def test_a_file_of_the_working_folder_in_place_of_torch(
    fake: FakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    (tmp_path / "torch.py").write_text("answer = 42\n")
    monkeypatch.chdir(tmp_path)
    assert [finding.code for finding in diagnose_here(fake).errors] == ["wrong-environment"]


def test_a_torch_on_pythonpath(fake: FakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = FakeEnvironment(tmp_path / "other")
    other.torch("2.8.0+cpu", None)
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    monkeypatch.setenv("PYTHONPATH", str(other.site))
    (error,) = diagnose_here(fake).errors
    assert error.code == "wrong-environment"
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
    assert opened.environment is not None
    assert opened.environment.torch is not None


def test_a_python_that_writes_before_it_answers(fake: FakeEnvironment) -> None:
    # The line has no end: what is said next stands behind it.
    fake.put("sitecustomize.py", "import sys; sys.stdout.write('loading'); sys.stdout.flush()\n")
    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    found, reason = describe_interpreter(fake.python, run_command)
    assert (reason, found is not None) == ("", True)
    live = run_torch(fake.python, run_command)
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
    assert (opened.environment, opened.python) == (None, "")
    assert opened.reason.startswith(f"{program} {reason}")
    assert len(opened.reason) < 500
    context = replace(context_of(host("linux-rtx4090-570.133.20")), unexamined=opened.reason, not_run=opened.reason)
    diagnosis = diagnose(context)
    assert [(f.code, f.evidence) for f in diagnosis.errors] == [("python-unusable", (opened.reason,))]
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
    assert opened.environment is not None
    assert opened.environment.kind is EnvironmentKind.VENV
    assert opened.environment.torch is not None
    assert opened.environment.torch.version == "2.8.0+cpu"
    context = context_of(host("linux-gtx1650-none"), opened.environment)
    errors = diagnose(replace(context, unexamined=opened.reason, not_run=opened.reason)).errors
    assert [error.code for error in errors] == ["no-driver", "python-unusable", "torch-cpu-build"]


def test_lines_of_other_programs_are_passed_over() -> None:
    text = 'hello\nenvgen-doctor:["cuda", "12.8"]\nenvgen-doctor:nonsense\nenvgen-doctor:["available", true]\n'
    live = parse_run(text)
    assert (live.cuda, live.available, live.stage) == ("12.8", True, "available")


@pytest.mark.parametrize(
    ("number", "text"), [(91002, "9.10.2"), (91100, "9.11.0"), (8907, "8.9.7"), (0, ""), (None, "")]
)
def test_cudnn_number(number: int | None, text: str) -> None:
    assert parse_run(f'envgen-doctor:["cudnn", {json.dumps(number)}]').cudnn == text


def test_an_import_that_fails_by_the_library_path_is_tried_without_it(
    fake: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake.torch("2.5.1", "12.4", import_error_with="LD_LIBRARY_PATH")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    examined = examine_host(python=fake.python)
    assert examined.context.run is not None
    assert not examined.context.run.has_torch
    assert examined.context.without_library_path is not None
    assert examined.context.without_library_path.has_torch
    errors = {error.code: error for error in examined.diagnosis.errors}
    assert "without LD_LIBRARY_PATH the same torch can be imported" in errors["cuda-on-library-path"].evidence
    assert "cuda-libraries-broken" not in errors
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert examine_host(python=fake.python).context.without_library_path is None


def test_nothing_in_the_environment_changes(fake: FakeEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    def tree() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in fake.prefix.rglob("*")}

    fake.torch("2.8.0+cu128", "12.8", devices=[RTX4090])
    fake.vision("0.23.0+cu128")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    before = tree()
    assert examine_host(python=fake.python).context.has_torch
    assert tree() == before


@pytest.mark.parametrize(("version", "asked"), [("3.6.15", False), ("2.7.18", False), ("3.7.17", True)])
def test_a_python_that_is_too_old_is_named_and_not_run(tmp_path: Path, version: str, asked: bool) -> None:
    line = json.dumps(
        {"version": version, "executable": "", "prefix": str(tmp_path), "base_prefix": "", "bits": 64, "path": []}
    )
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho 'envgen-doctor:{line}'\n")
    program.chmod(0o755)
    examined = examine_host(python=str(program))
    assert examined.context.not_run == ("" if asked else f"Python {version[:3]} is too old to be asked (3.7 or newer)")


def test_the_interpreter_is_described_by_a_child_that_python_2_reads() -> None:
    text = Path(torch_run_module.__file__).with_name("python_child.py").read_text("utf-8")
    assert "from __future__" not in text
    assert not re.search(r"\bf[\"']|-> ", text)
