"""`envgen matrix` over a made-up tree of locks: what it lists, how it filters, and GitHub's limits."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from ci.commands import run
from ci.shipped_tree import add_conda, add_pip, ship
from envgen.ci.changed import GitFailedError
from envgen.ci.matrix import GpuRunner, MatrixTooLargeError
from envgen.cli.commands.matrix import matrix_command
from envgen.core.errors import UsageError
from envgen.core.sets import PackageSet
from equipment.file_names import names_of

IDS = [
    "linux-64-py3.12-conda-pytorch-2.13.0-cuda129",
    "linux-64-py3.12-pip-torch-2.9.1-cu128",
    "linux-64-py3.12-pip-torch-2.14.1-cu126",
    "linux-aarch64-py3.11-conda-pytorch-2.13.0-cuda130",
    "win-64-py3.12-pip-torch-2.14.1-cu130",
]


@pytest.fixture
def lockfiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with locks; the commands run in it."""
    monkeypatch.chdir(tmp_path)
    return ship(tmp_path / "lockfiles")


def ids(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    out, _ = run(matrix_command, capsys, "--format", "github", "--lockfiles", "lockfiles", *arguments)
    return [entry["id"] for entry in json.loads(out)["include"]]


@pytest.mark.usefixtures("lockfiles")
def test_every_environment_is_listed_once_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert ids(capsys) == IDS


@pytest.mark.usefixtures("lockfiles")
def test_an_entry_says_what_a_job_needs(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(matrix_command, capsys, "--format", "github", "--lockfiles", "lockfiles", "--platform", "linux-64")
    assert (out.count("\n"), err) == (1, "")
    conda, _, pip = json.loads(out)["include"]
    assert pip == {
        "id": "linux-64-py3.12-pip-torch-2.14.1-cu126",
        "kind": "pip",
        "subdir": "linux-64",
        "python": "3.12",
        "release": "2.14.1",
        "tag": "cu126",
        "runner": "ubuntu-24.04",
        "path": "lockfiles/linux-64/py3.12/pip-torch-2.14.1-cu126",
        "lock": "lockfiles/linux-64/py3.12/pip-torch-2.14.1-cu126/requirements.txt",
        "files": sorted(names_of(PackageSet.PIP)),
        "expect": {
            "pairings": [{"source": "pip", "torch": "2.14.1", "cuda": "12.6", "torchvision": "0.29.1"}],
            # RELEASE.md of pytorch: 12.6 is built for Maxwell(5.0), Pascal(6.0), Volta(7.0), Turing(7.5),
            # Ampere(8.0, 8.6), Hopper(9.0).
            "gpus": [
                {"name": f"sm_{capability.replace('.', '')}", "capability": capability}
                for capability in ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0")
            ],
        },
    }
    assert conda["lock"].endswith("/conda-pytorch-2.13.0-cuda129/conda-linux-64.lock")
    assert (conda["kind"], conda["tag"], conda["release"]) == ("conda", "cuda129", "2.13.0")
    pairing = {"source": "conda", "torch": "2.13.0", "cuda": "12.9", "torchvision": "0.28.0"}
    assert conda["expect"]["pairings"] == [pairing]
    # TORCH_CUDA_ARCH_LIST of conda-forge's CUDA 12.9 builds: 5.0 6.0 7.0 7.5 8.0 8.6 9.0 10.0 12.0, the last + PTX.
    names = [gpu["name"] for gpu in conda["expect"]["gpus"]]
    archs = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
    assert sorted(names) == sorted(archs)


@pytest.mark.parametrize(
    ("cuda", "line", "archs"),
    [
        # TORCH_CUDA_ARCH_LIST of conda-forge's feedstock: tegra 8.7;10.1, the last with PTX, until 2.11.0 b0.
        pytest.param("12.9", "noarch/arm-variant-1.2.0-tegra_0.conda", "sm_87 sm_101 compute_101", id="jetson"),
        pytest.param(
            "12.9",
            "noarch/zlib-1.conda",
            "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120",
            id="server",
        ),
    ],
)
def test_a_jetson_build_is_told_from_a_servers_by_its_lock(
    cuda: str, line: str, archs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = add_conda(tmp_path, subdir="linux-aarch64", python="3.12", torch="2.10.0", cuda=cuda, torchvision="0.25.0")
    lock = folder / "conda-linux-aarch64.lock"
    text = lock.read_text(encoding="utf-8") + f"https://conda.anaconda.org/conda-forge/{line}#{'0' * 32}\n"
    lock.write_text(text, encoding="utf-8")
    out, _ = run(matrix_command, capsys, "--format", "github", "--lockfiles", str(tmp_path))
    (entry,) = json.loads(out)["include"]
    assert {gpu["name"] for gpu in entry["expect"]["gpus"]} == set(archs.split())


@pytest.mark.usefixtures("lockfiles")
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        pytest.param(["--set", "conda"], [0, 3], id="one-set"),
        pytest.param(["--lane", "conda"], [0, 3], id="its-name-of-before"),
        pytest.param(["--platform", "win-64"], [4], id="one-platform"),
        pytest.param(["--platform", "win-64", "--platform", "linux-aarch64"], [3, 4], id="two-platforms"),
        pytest.param(["--set", "pip", "--platform", "linux-64"], [1, 2], id="set-and-platform"),
        pytest.param(["--compute-capability", "6.1"], [0, 2], id="builds-with-code-for-pascal"),
        pytest.param(["--compute-capability", "12.0"], [0, 1, 3, 4], id="builds-with-code-for-blackwell"),
        pytest.param(["--compute-capability", "6.1", "--compute-capability", "12.0"], [0], id="one-for-both"),
        pytest.param(["--shard", "1/2"], [0, 2, 4], id="first-half"),
        pytest.param(["--shard", "2/2"], [1, 3], id="second-half"),
        pytest.param(["--shard", "7/7"], [], id="more-parts-than-environments"),
    ],
)
def test_filters(arguments: list[str], kept: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert ids(capsys, *arguments) == [IDS[place] for place in kept]


@pytest.mark.usefixtures("lockfiles")
def test_gpu_runners_take_the_entries_of_their_subdir(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(
        matrix_command,
        capsys,
        *("--format", "json", "--lockfiles", "lockfiles", "--set", "pip"),
        *("--gpu-runner", "gpu-t4-4-core", "--gpu-runner", "win-64=self-hosted,windows,gpu"),
    )
    entries = json.loads(out)["environments"]
    assert [(entry["id"], entry["runner"]) for entry in entries] == [
        ("linux-64-py3.12-pip-torch-2.9.1-cu128-on-gpu-t4-4-core", "gpu-t4-4-core"),
        ("linux-64-py3.12-pip-torch-2.14.1-cu126-on-gpu-t4-4-core", "gpu-t4-4-core"),
        ("win-64-py3.12-pip-torch-2.14.1-cu130-on-self-hosted-windows-gpu", ["self-hosted", "windows", "gpu"]),
    ]


@pytest.mark.usefixtures("lockfiles")
def test_text_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(matrix_command, capsys, "--lockfiles", "lockfiles", "--platform", "linux-aarch64")
    path = "lockfiles/linux-aarch64/py3.11/conda-pytorch-2.13.0-cuda130/conda-linux-aarch64.lock"
    assert out == (
        f"KIND   SUBDIR         PYTHON  TORCH   CUDA     RUNNER            LOCK\n"
        f"conda  linux-aarch64  3.11    2.13.0  cuda130  ubuntu-24.04-arm  {path}\n"
        f"1 environment\n"
    )


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_changed_since_a_revision(lockfiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git("init", "--initial-branch", "main")
    git("add", ".")
    git("commit", "-m", "locks")
    git("checkout", "-b", "topic")
    assert ids(capsys, "--changed-since", "main") == []
    (lockfiles / "README.md").write_text("Other words\n", encoding="utf-8")
    changed = lockfiles / "win-64/py3.12/pip-torch-2.14.1-cu130/requirements.txt"
    changed.write_text(changed.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    removed = lockfiles / "linux-64/py3.12/pip-torch-2.9.1-cu128"
    for file in removed.iterdir():
        file.unlink()
    add_pip(lockfiles, subdir="linux-64", python="3.13", torch="2.14.1", tag="cu126", torchvision="0.29.1")
    git("add", ".")
    git("commit", "-m", "one changed, one added, one removed, and words")
    git("checkout", "main")
    (lockfiles / "linux-64/py3.12/pip-torch-2.14.1-cu126/pylock.toml").write_text("", encoding="utf-8")
    git("commit", "-am", "a change on main that the topic has not seen")
    git("checkout", "topic")
    added = "linux-64-py3.13-pip-torch-2.14.1-cu126"
    assert ids(capsys, "--changed-since", "main") == [added, "win-64-py3.12-pip-torch-2.14.1-cu130"]


@pytest.mark.usefixtures("lockfiles")
@pytest.mark.parametrize("revision", ["nowhere", "--output=pwned", "a b"])
def test_a_revision_that_git_does_not_know(revision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git("init")
    with pytest.raises(GitFailedError) as caught:
        ids(capsys, f"--changed-since={revision}")
    assert str(caught.value).startswith(f'git cannot compare the locks with "{revision}" [git-failed]\n')
    assert caught.value.exit_code == 5
    assert not (tmp_path / "pwned").exists()


def test_more_than_github_takes_is_refused_with_the_way_out(
    lockfiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for minor, torch in itertools.product(range(84), ("2.7.1", "2.8.0", "2.9.0")):
        add_pip(lockfiles, subdir="win-64", python=f"3.{minor}", torch=torch, tag="cu128", torchvision="0.24.0")
    with pytest.raises(MatrixTooLargeError) as caught:
        ids(capsys)
    assert str(caught.value) == (
        "257 environments are more than one GitHub matrix can hold [matrix-too-large]\n"
        "  the limit is 256 jobs\n"
        "  hint: narrow it with --set, --platform or --changed-since, or split it: --shard 1/2"
    )
    shards = [ids(capsys, "--shard", f"{number}/2") for number in (1, 2)]
    assert [len(shard) for shard in shards] == [129, 128]
    assert len({name for shard in shards for name in shard}) == 257


@pytest.mark.usefixtures("lockfiles")
@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_is_k_of_n(shard: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="is not a shard"):
        ids(capsys, f"--shard={shard}")


@pytest.mark.parametrize(
    ("text", "subdir", "runs_on"),
    [
        pytest.param("gpu-t4-4-core", "linux-64", "gpu-t4-4-core", id="a-larger-runner"),
        pytest.param("self-hosted, linux, x64, gpu", "linux-64", ["self-hosted", "linux", "x64", "gpu"], id="own"),
        pytest.param(
            "linux-aarch64=self-hosted,linux,ARM64,gpu",
            "linux-aarch64",
            ["self-hosted", "linux", "ARM64", "gpu"],
            id="own-arm",
        ),
        pytest.param(
            "runs-on=${{ github.run_id }}/family=g4dn.xlarge/image=ubuntu22-gpu-x64",
            "linux-64",
            "runs-on=${{ github.run_id }}/family=g4dn.xlarge/image=ubuntu22-gpu-x64",
            id="runs-on-has-equal-signs-of-its-own",
        ),
        pytest.param("cirun-gpu--${{ github.run_id }}", "linux-64", "cirun-gpu--${{ github.run_id }}", id="cirun"),
    ],
)
def test_runner_labels(text: str, subdir: str, runs_on: object) -> None:
    runner = GpuRunner.parse(text)
    assert (runner.subdir.value, runner.runs_on) == (subdir, runs_on)


def test_a_mistyped_subdir_is_not_taken_for_a_label() -> None:
    with pytest.raises(UsageError, match="is not a subdir"):
        GpuRunner.parse("win64=gpu")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        run(matrix_command, capsys, "--lockfiles", str(tmp_path / "nope"))


@pytest.mark.parametrize(
    "text", ["", "gpu,", "win-64=", "${{ secrets.TOKEN }}", "gpu\nsteps:", "a b", 'gpu"', "${{ github.run_id }", "é"]
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a runner label"):
        GpuRunner.parse(text)
