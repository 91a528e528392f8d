"""Names that begin like an option, or hold what a shell, YAML or GitHub would read, are refused or quoted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
from ci.shipped_tree import ship
from ci.test_ci_command import EXPLICIT, write_conda, write_pip
from envgen.cli.main import main

WORKFLOW = Path(".github/workflows/environments.yml")
# What begins like an option is taken as a folder; all else could mean something to somebody.
DASHED = ("-x", "--output", "-rf/-x", "-c/--help", "-")
STRANGE = (
    "a b", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "a\nb", "a'b", 'a"b', "${{ github.token }}", "a${{b",
    "~", "~root", "*", "a[b]", "!a", "#a", "&a", "%a", "a:b", "a: b", "é", "\u202e", "a\\b", "a|b", "a>b", "{a,b}",
    "a\tb",
)  # fmt: skip
posix = pytest.mark.skipif(sys.platform == "win32", reason="names that Windows doesn't have")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dashed(repository: Path) -> Path:
    """The workflow of folders that begin with a dash, with a runner that does."""
    for folder in DASHED:
        write_pip(repository / folder, "linux-64", "3.12")
        write_conda(repository / folder, "linux-64", "3.12")
    assert main(["ci", "--gpu-runner", "-gpu,--x", "--", *DASHED]) == 0
    return repository / WORKFLOW


@posix
@pytest.mark.parametrize("folder", STRANGE)
def test_a_strange_folder_is_refused(folder: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pip(repository / folder, "linux-64", "3.12")
    assert main(["ci", "--", folder]) == 2
    assert "cannot stand in a workflow" in capsys.readouterr().err
    assert not WORKFLOW.exists()


@posix
@pytest.mark.skipif(not has_schemas() or tool("zizmor") is None or not has_actionlint(), reason="needs the checkers")
def test_folders_that_begin_with_a_dash_give_a_clean_workflow(dashed: Path) -> None:
    assert schema_errors(dashed) == ""
    assert zizmor_findings(dashed) == []
    assert actionlint_findings(dashed) == []
    assert tool("shellcheck") is None or shellcheck_findings(dashed) == ""


@posix
def test_the_header_of_such_a_workflow_makes_it_again(dashed: Path, repository: Path) -> None:
    before = dashed.read_bytes()
    made_by = before.decode().splitlines()[1].removeprefix("# made by: ")
    dashed.unlink()
    script = f'envgen() {{ "{sys.executable}" -m envgen "$@"; }}\n{made_by}'
    subprocess.run(["bash", "-c", script], cwd=repository, check=True, capture_output=True)
    assert dashed.read_bytes() == before


@posix
@pytest.mark.parametrize("job", ["build", "gpu"])
def test_bash_runs_the_steps_in_folders_that_begin_with_a_dash(job: str, dashed: Path, repository: Path) -> None:
    """The steps' own lines, with programs in place of pip and Python that note what they are given."""
    document = yaml.safe_load(dashed.read_text(encoding="utf-8"))
    scripts = {step["name"]: step["run"] for step in steps_of({"jobs": {job: document["jobs"][job]}}) if "run" in step}
    tools, log = repository / "tools", repository / "log"
    for place in ("python", "environment/bin/python"):
        (tools / place).parent.mkdir(parents=True, exist_ok=True)
        (tools / place).write_text(
            f'#!/bin/bash\nfor word; do [ -f "$word" ] && echo "$word" >> "{log}"; done; exit 0\n'
        )
        (tools / place).chmod(0o755)
    for row in document["jobs"][job]["strategy"]["matrix"]["include"]:
        log.unlink(missing_ok=True)
        environ = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(tools), "RUNNER_OS": "Linux"}
        environ |= {"LOCK": row["lock"], "SMOKE_TEST": row["smoke_test"], "ID": row["id"], "KIND": row["kind"]}
        environ |= {"MAMBA_EXE": str(tools / "python"), "MAMBA_ROOT_PREFIX": str(tools)}
        names = ["Smoke test"] if row["kind"] == "conda" else ["Install the pip environment", "Smoke test"]
        for name in names:
            subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", scripts[name]], env=environ, cwd=repository, check=True
            )
        given = log.read_text(encoding="utf-8").split()
        assert [word for word in given if word.startswith("-")] == []
        assert row["smoke_test"] in given
        assert row["kind"] == "conda" or row["lock"] in given
        assert (repository / f"results/{row['id']}.json").is_file()


@posix
@pytest.mark.parametrize(
    "version", ["${{ github.token }}", "$(id)", "3.12'", "2.7.18", "4.0.0", "3.x", "3.12\u202e", "3.9999.0"]
)
def test_a_python_that_is_none_does_not_get_into_a_workflow(
    version: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub evaluates expressions in the values of a matrix."""
    write_conda(repository, "linux-64", "3.12")
    Path("conda-linux-64.lock").write_text(EXPLICIT.format("linux-64", version), encoding="utf-8")
    assert main(["ci"]) == 4
    assert not WORKFLOW.exists()


@posix
@pytest.mark.parametrize("label", ["-x", "--gpu-runner", "-", "=x", "a,-b"])
def test_a_label_that_begins_like_an_option_is_a_label(label: str, repository: Path) -> None:
    write_pip(repository, "linux-64", "3.12")
    assert main(["ci", f"--gpu-runner={label}"]) == 0
    row = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["gpu"]["strategy"]["matrix"]["include"][0]
    assert row["runner"] == (label.split(",") if "," in label else label)


@pytest.mark.parametrize(
    "label", [*(name for name in STRANGE if name not in ("a:b",)), "${{ github.run_id }}${{ secrets.X }}", "a,", ","]
)
def test_a_strange_label_is_refused(label: str, repository: Path) -> None:
    write_pip(repository, "linux-64", "3.12")
    assert main(["ci", f"--gpu-runner={label}"]) == 2
    assert not WORKFLOW.exists()


@posix
@pytest.mark.parametrize("output", ["a\nb.yml", "\x1b[31m.yml", "\u202e.yml"])
def test_an_output_that_would_break_a_line_is_refused(output: str, repository: Path) -> None:
    write_pip(repository, "linux-64", "3.12")
    before = sorted(repository.iterdir())
    assert main(["ci", "--output", output]) == 2
    assert sorted(repository.iterdir()) == before


@posix
@pytest.mark.parametrize("output", ["a b.yml", "${{ github.token }}.yml", "$(touch pwned).yml", "-x.yml", "a'b.yml"])
def test_the_header_quotes_an_output(output: str, repository: Path) -> None:
    write_pip(repository, "linux-64", "3.12")
    assert main(["ci", f"--output={output}"]) == 0
    before = Path(output).read_bytes()
    Path(output).unlink()
    made_by = before.decode().splitlines()[1].removeprefix("# made by: ")
    script = f'envgen() {{ "{sys.executable}" -m envgen "$@"; }}\n{made_by}'
    subprocess.run(["bash", "-c", script], cwd=repository, check=True, capture_output=True)
    assert Path(output).read_bytes() == before
    assert not Path("pwned").exists()


@posix
@pytest.mark.parametrize("folder", ["$(touch pwned)", "`id`", "a\nb", "${{ github.token }}", "a'b", 'a"b', "é", "a;b"])
def test_a_matrix_for_github_names_no_strange_folder(
    folder: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship(repository / folder)
    assert main(["matrix", "--format", "github", "--lockfiles", folder]) == 2
    assert main(["matrix", "--format", "text", "--lockfiles", folder]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7


@posix
def test_a_matrix_of_a_folder_that_begins_with_a_dash(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ship(repository / "-x")
    assert main(["matrix", "--format", "github", "--lockfiles", "-x"]) == 0
    entries = json.loads(capsys.readouterr().out)["include"]
    assert {entry[key][:5] for entry in entries for key in ("lock", "path")} == {"./-x/"}
