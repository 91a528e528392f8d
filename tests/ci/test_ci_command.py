"""`envgen ci`: which locks it finds, what it refuses, and that its file is one of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from ci.commands import run, run_status
from envgen.cli.commands.ci import ci_command
from envgen.core.errors import DataError, EnvgenError, UsageError
from envgen.files.reading import is_untouched
from envgen.output.errors import OutputEditedError
from equipment import locks

WORKFLOW = Path(".github/workflows/environments.yml")
EXPLICIT = "@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/{0}/python-{1}.9-h0_0_cpython.conda#" + "0" * 32 + "\n"


def write_pip(folder: Path, subdir: str, python: str, *, suffixed: bool = False) -> None:
    locks.write_pip(folder, locks.pip_lock(subdir, python, torch="2.14.1"), many=suffixed)
    (folder / "smoke_test.py").write_text("", encoding="utf-8")


def write_conda(folder: Path, subdir: str, python: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"conda-{subdir}.lock").write_text(EXPLICIT.format(subdir, python), encoding="utf-8")
    (folder / "smoke_test.py").write_text("", encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entries(job: str) -> list[tuple[str, str, str, object, str]]:
    matrix = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"][job]["strategy"]["matrix"]["include"]
    return [(row["id"], row["kind"], row["python"], row["runner"], row["lock"]) for row in matrix]


def test_every_lock_of_the_folder_gets_a_job_on_its_own_system(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pip(repository, "linux-64", "3.12", suffixed=True)
    write_pip(repository, "win-64", "3.11", suffixed=True)
    write_conda(repository, "linux-64", "3.12")
    write_conda(repository, "linux-aarch64", "3.13")
    out, err = run(ci_command, capsys)
    assert (out, err) == ("", ".github/workflows/environments.yml was written\n")
    assert entries("build") == [
        ("linux-64-conda", "conda", "3.12", "ubuntu-24.04", "conda-linux-64.lock"),
        ("linux-aarch64-conda", "conda", "3.13", "ubuntu-24.04-arm", "conda-linux-aarch64.lock"),
        ("linux-64-pip", "pip", "3.12", "ubuntu-24.04", "requirements-linux-64.txt"),
        ("win-64-pip", "pip", "3.11", "windows-2025", "requirements-win-64.txt"),
    ]
    assert "gpu" not in yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]


def test_gpu_runners_take_the_locks_of_their_subdir(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pip(repository / "envs/a", "linux-64", "3.12")
    write_pip(repository / "envs/b", "win-64", "3.12")
    run(
        ci_command,
        capsys,
        "envs/a",
        "envs/b/",
        "--gpu-runner",
        "gpu-t4-4-core",
        "--gpu-runner",
        "win-64=self-hosted,gpu",
    )
    lock = "requirements.txt"
    assert entries("gpu") == [
        ("envs-a-linux-64-pip-on-gpu-t4-4-core", "pip", "3.12", "gpu-t4-4-core", f"envs/a/{lock}"),
        ("envs-b-win-64-pip-on-self-hosted-gpu", "pip", "3.12", ["self-hosted", "gpu"], f"envs/b/{lock}"),
    ]


def test_the_same_command_gives_the_same_bytes_and_check_tells_drift(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pip(repository, "linux-64", "3.12")
    status, out, _ = run_status(ci_command, capsys, "--check")
    assert (status, WORKFLOW.exists()) == (1, False)
    assert out.startswith("--- /dev/null\n+++ b/environments.yml\n")
    run(ci_command, capsys)
    first = WORKFLOW.read_bytes()
    assert is_untouched(first.decode("utf-8"))
    _, err = run(ci_command, capsys)
    assert err == "up to date: .github/workflows/environments.yml\n"
    assert WORKFLOW.read_bytes() == first
    assert run_status(ci_command, capsys, "--check") == (0, "", "")
    assert sorted(path.name for path in WORKFLOW.parent.iterdir()) == ["environments.yml"]


def test_a_workflow_that_a_person_edited_is_kept(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pip(repository, "linux-64", "3.12")
    WORKFLOW.parent.mkdir(parents=True)
    WORKFLOW.write_text("name: mine\n", encoding="utf-8")
    with pytest.raises(OutputEditedError):
        run(ci_command, capsys)
    assert WORKFLOW.read_text(encoding="utf-8") == "name: mine\n"
    run(ci_command, capsys, "--force")
    assert is_untouched(WORKFLOW.read_text(encoding="utf-8"))


def test_the_header_remakes_the_file(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pip(repository, "linux-64", "3.12")
    label = "runs-on=${{ github.run_id }}/family=g4dn.xlarge"
    run(ci_command, capsys, "--gpu-runner", label, "--output", "ci/gpu.yml")
    made_by = Path("ci/gpu.yml").read_text(encoding="utf-8").splitlines()[1]
    assert made_by == f"# made by: envgen ci --gpu-runner '{label}' --output ci/gpu.yml"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipe in a folder")
@pytest.mark.parametrize("kind", ["pipe", "endless", "no-text"])
@pytest.mark.parametrize("name", ["pylock.toml", "conda-linux-64.lock"])
def test_what_is_no_text_is_not_waited_for(
    name: str, kind: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pip(repository, "linux-64", "3.12")
    write_conda(repository, "linux-64", "3.12")
    (repository / name).unlink()
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "endless":
        Path(name).symlink_to("/dev/zero")
    else:
        Path(name).write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=f"{name} is no file of text"):
        run(ci_command, capsys)


@pytest.mark.parametrize(
    ("folder", "files", "kind", "text"),
    [
        pytest.param("empty", {}, UsageError, '"empty" holds no locked environment [no-lock-here]', id="no-lock"),
        pytest.param(
            "pip",
            {"requirements.txt": "", "smoke_test.py": ""},
            DataError,
            "pip/requirements.txt can't be installed by CI [lock-incomplete]\n  pip/pylock.toml is missing",
            id="requirements-of-another-tool",
        ),
        pytest.param(
            "other",
            {"requirements.txt": "", "pylock.toml": 'lock-version = "1.0"\n', "smoke_test.py": ""},
            DataError,
            "other/requirements.txt can't be installed by CI [lock-incomplete]\n"
            "  other/pylock.toml does not say what it is for: missing 'tool'",
            id="pylock-of-another-tool",
        ),
        pytest.param(
            "torn",
            {"conda-linux-64.lock": EXPLICIT.format("linux-64", "3.12")},
            DataError,
            "torn/conda-linux-64.lock can't be installed by CI [lock-incomplete]\n  torn/smoke_test.py is missing",
            id="no-smoke-test",
        ),
        pytest.param(
            "nopython",
            {"conda-linux-64.lock": "@EXPLICIT\n", "smoke_test.py": ""},
            DataError,
            "nopython/conda-linux-64.lock can't be installed by CI [lock-incomplete]\n"
            "  it holds no package named python",
            id="conda-lock-without-python",
        ),
        pytest.param("a b", {}, UsageError, '"a b" cannot stand in a workflow [usage]', id="space"),
        pytest.param(
            "${{ secrets.TOKEN }}",
            {},
            UsageError,
            '"${{ secrets.TOKEN }}" cannot stand in a workflow [usage]',
            id="expression",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(
    folder: str,
    files: dict[str, str],
    kind: type[EnvgenError],
    text: str,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (repository / folder).mkdir()
    for name, content in files.items():
        (repository / folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(kind) as caught:
        run(ci_command, capsys, folder)
    assert str(caught.value).startswith(f"{text}\n")
    assert not WORKFLOW.exists()


@pytest.mark.parametrize("folder", ["../elsewhere", "/etc"])
def test_a_folder_outside_the_repository_is_refused(
    folder: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository.is_dir()
    with pytest.raises(UsageError, match="cannot stand in a workflow"):
        run(ci_command, capsys, folder)


def test_names_of_jobs_differ_where_paths_and_labels_look_alike(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """actions/upload-artifact refuses a second artefact of the same name in one run."""
    for folder in ("envs/x-y", "envs/x/y"):
        write_pip(repository / folder, "linux-64", "3.12")
    runners = ["--gpu-runner", "t4", "--gpu-runner", "t4", "--gpu-runner", "a/b", "--gpu-runner", "a-b"]
    run(ci_command, capsys, "envs/x-y", "envs/x/y", *runners)
    for job, count in (("build", 2), ("gpu", 6)):
        assert len({name for name, *_ in entries(job)}) == len(entries(job)) == count


def test_a_runner_that_no_lock_is_for_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pip(repository, "win-64", "3.12")
    with pytest.raises(UsageError) as caught:
        run(ci_command, capsys, "--gpu-runner", "gpu-t4-4-core")
    assert str(caught.value) == (
        'no lock here is for linux-64, as the runner "gpu-t4-4-core" needs [usage]\n'
        "  the locks are for win-64\n"
        "  hint: name the runner's subdir: --gpu-runner win-64=LABEL"
    )
