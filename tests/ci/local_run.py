"""Runs a workflow's own steps on this machine with act, without containers; actions are replaced by small stand-ins.

The stand-ins do what a job can see of the real action: artefacts go through a folder, micromamba is a script that
notes what it is asked and runs the command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from smoke.host import with_fakes

PINS = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97",
    "actions/upload-artifact": "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    "mamba-org/setup-micromamba": "d7c9bd84e824b79d2af72a2d4196c7f4300d3476",
}

CREATE = """\
"$MICROMAMBA" create -y -r /mamba -f "$FILE" -n "$NAME"
echo "MAMBA_EXE=$MICROMAMBA" >> "$GITHUB_ENV"
echo "MAMBA_ROOT_PREFIX=/mamba" >> "$GITHUB_ENV"
"""

UPLOAD = """\
mkdir -p "$ARTIFACTS/$NAME"
case "$PATHS" in /*) PATHS="$PATHS/." ;; esac
if [ -e "$PATHS" ]; then cp -r "$PATHS" "$ARTIFACTS/$NAME/"; fi
"""

STAND_INS = {
    "actions/checkout": ([], "true"),
    "actions/setup-python": (["python-version", "cache", "cache-dependency-path"], "true"),
    "actions/upload-artifact": (["name", "path", "if-no-files-found"], UPLOAD),
    "actions/download-artifact": (
        ["name", "path"],
        'mkdir -p "${PATHS:-.}"\ncp -r "$ARTIFACTS/$NAME/." "${PATHS:-.}"',
    ),
    "mamba-org/setup-micromamba": (
        [
            "environment-file",
            "environment-name",
            "init-shell",
            "cache-downloads",
            "cache-downloads-key",
            "post-cleanup",
        ],
        CREATE,
    ),
}

# Notes each call; `create` reads the lock as the real one would, `run` the command behind the
# environment's name by a Python that has the torch of the tests, whatever `python` is called there.
MICROMAMBA = """\
#!/bin/bash
printf '%s\\n' "$*" >> "$ARTIFACTS/micromamba.log"
case "$1" in
  create) grep -q '^@EXPLICIT$' "${6}" || { echo "no explicit lock: ${6}" >&2; exit 1; } ;;
  run) shift 6; exec "$PYTHON_WITH_TORCH" "$@" ;;
esac
"""

# Stands for the runner's Python: envgen is not installed anew, it is the one under test.
PYTHON = """\
#!/bin/bash
if [ "$*" = "-m pip install --editable ." ]; then exit 0; fi
case "$*" in "-m pip install --quiet "*/../../..|"-m pip install --quiet cuda-envgen=="*) exit 0 ;; esac
exec {python} "$@"
"""

ENVGEN = f'#!/bin/bash\nexec {sys.executable} -m envgen "$@"\n'
# Stands for envgen where a lock is made up, or could not be solved without a network; `lock` moves one file.
ENVGEN_STAND_IN = """\
#!/bin/bash
echo "envgen $*" >> "$ARTIFACTS/envgen.log"
case "$1" in
  verify) echo "$2: good" ;;
  lock) echo "| package | before | after |"; echo "# moved" >> envs/train/requirements.txt ;;
esac
"""
GH = """\
#!/bin/bash
printf '%s\\n' "$*" >> "$ARTIFACTS/gh.log"
case "$1 $2" in
  "pr list") echo 0 ;;
  "pr create") cp "${@: -1}" "$ARTIFACTS/body.md" ;;
esac
"""
# All jobs run in one working tree here, and a patch is applied to what a checkout of its own would hold.
GIT = """\
#!/bin/bash
if [ "$1" = apply ]; then {git} reset --hard --quiet; fi
exec {git} "$@"
"""


@dataclass(frozen=True)
class Run:
    """How a run of a workflow ended; `artifacts` is the folder of what it uploaded."""

    status: int
    log: str
    artifacts: Path

    def files(self) -> list[str]:
        return sorted(
            path.relative_to(self.artifacts).as_posix() for path in self.artifacts.rglob("*") if path.is_file()
        )


def available() -> bool:
    """True when act is here and jobs can run as this host's processes."""
    return sys.platform == "linux" and _act() is not None


def run_workflow(
    repository: Path, scratch: Path, event: str, *arguments: str, environment: dict[str, str], envgen: str = ENVGEN
) -> Run:
    """Run the workflows of a repository (a git checkout) for an event; `scratch` takes stand-ins and artefacts."""
    artifacts, tools = scratch / "artifacts", scratch / "tools"
    artifacts.mkdir(parents=True)
    tools.mkdir()
    _script(tools / "micromamba", MICROMAMBA)
    _script(tools / "python", PYTHON.format(python=sys.executable))
    _script(tools / "envgen", envgen)
    _script(tools / "gh", GH)
    _script(tools / "git", GIT.format(git=shutil.which("git")))
    command = [
        str(_act()),
        event,
        "--action-offline-mode",
        "--no-cache-server",
        "--action-cache-path",
        str(scratch / "act"),
    ]
    for runner in ("ubuntu-24.04", "ubuntu-24.04-arm", "gpu-t4-4-core"):
        command += ["-P", f"{runner}=-self-hosted"]
    for action, sha in PINS.items():
        command += ["--local-repository", f"{action}@{sha}={_stand_in(scratch, action)}"]
    values = {
        "ARTIFACTS": str(artifacts),
        "MICROMAMBA": str(tools / "micromamba"),
        "PYTHON_WITH_TORCH": with_fakes(sys.executable),
        **environment,
    }
    for name, value in values.items():
        command += ["--env", f"{name}={value}"]
    environ = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": str(scratch)}
    environ = {name: value for name, value in environ.items() if not name.startswith("GITHUB_")}
    done = subprocess.run(
        [*command, *arguments], cwd=repository, env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    return Run(done.returncode, done.stdout + done.stderr, artifacts)


def commit(repository: Path, message: str) -> str:
    """Commit everything in a folder, made a repository when it is none yet; returns the commit."""
    if not (repository / ".git").exists():
        git(repository, "init", "--initial-branch", "main")
    git(repository, "add", "--all")
    git(repository, "commit", "-m", message)
    return git(repository, "rev-parse", "HEAD").strip()


def event_file(scratch: Path, payload: dict[str, object]) -> str:
    """Write the event that GitHub would send."""
    file = scratch / "event.json"
    file.write_text(json.dumps(payload), encoding="utf-8")
    return str(file)


def git(repository: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout


def _act() -> Path | None:
    beside = Path(sys.executable).with_name("act")
    return beside if beside.is_file() else (Path(found) if (found := shutil.which("act")) else None)


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _stand_in(scratch: Path, action: str) -> Path:
    """Write a composite action with the real one's inputs; an input that is not the real one's would be a warning."""
    inputs, script = STAND_INS[action]
    folder = scratch / "actions" / action.replace("/", "-")
    folder.mkdir(parents=True)
    names = {"path": "PATHS", "environment-file": "FILE", "environment-name": "NAME", "name": "NAME"}
    env = {names[name]: f"${{{{ inputs.{name} }}}}" for name in inputs if name in names}
    step = {"shell": "bash", "env": env, "run": script}
    document = {
        "name": action,
        "description": "stand-in",
        "inputs": {name: {"required": False, "description": name} for name in inputs},
        "runs": {"using": "composite", "steps": [step]},
    }
    (folder / "action.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder
