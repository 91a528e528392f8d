"""The CPU lane: `--cuda cpu`, both sets on every platform that PyTorch has CPU builds for, osx-arm64 included."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from cli.conftest import Run
from envgen.ci.workflow import Checks, find_locks, workflow_body
from envgen.cli.main import main
from envgen.core.sets import PackageSet
from equipment.conda_channel import pytorch_rows, write_channel
from equipment.wheel_index import WheelIndex, make_wheel

# No hash of a CPU wheel of 2.5.0 is known, so the test may make its own.
TORCH, VISION = "2.5.0", "0.20.0"
# Its Requires-Dist on PyPI, and a file for each.
NEEDS = ("filelock", "typing-extensions>=4.8.0", "networkx", "jinja2", "fsspec", "setuptools", "sympy==1.13.1")
FILES = ("typing_extensions-4.15.0", "networkx-3.5", "jinja2-3.1.6", "setuptools-80.9.0", "sympy-1.13.1")
TAGS = {
    "linux-64": ("+cpu-cp312-cp312-linux_x86_64", "linux_x86_64"),
    "linux-aarch64": ("-cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64", "linux_aarch64"),
    "win-64": ("-cp312-cp312-win_amd64", "win_amd64"),
    "osx-arm64": ("-cp312-none-macosx_11_0_arm64", "macosx_11_0_arm64"),
}


@pytest.fixture(autouse=True)
def _wheels(torch_index: WheelIndex, pypi: WheelIndex, run: Run, tmp_path: Path) -> None:
    """PyTorch's CPU index has the wheels for Linux, PyPI those that are CPU builds there."""
    del run
    vision = (f"torch=={TORCH}", "numpy")
    wheels = {
        subdir: [
            make_wheel(f"torch-{TORCH}{tag}.whl", NEEDS),
            make_wheel(f"torchvision-{VISION}{'+cpu' if '+cpu' in tag else ''}-cp312-cp312-{host}.whl", vision),
        ]
        for subdir, (tag, host) in TAGS.items()
    }
    torch_index.wheels = {**torch_index.wheels, "/whl/cpu": wheels.pop("linux-64")}
    plain = [make_wheel(f"{name}-py3-none-any.whl") for name in FILES]
    own = [wheel for of_one in wheels.values() for wheel in of_one]
    pypi.wheels = {"/simple": [*pypi.wheels["/simple"], *plain, *own]}
    write_channel(tmp_path / "channels" / "conda-forge", pytorch_rows())


@pytest.fixture
def lane(tmp_path: Path, torch_index: WheelIndex) -> Run:
    def program(*arguments: str, to: str = "out", command: str = "") -> int:
        mirrors = ["--wheel-mirror", torch_index.url("/whl"), "--conda-mirror", str(tmp_path / "channels")]
        words = ["--cuda", "cpu", *mirrors, *arguments, "--output", str(tmp_path / to)]
        return main([*([command] if command else []), *words])

    return program


PIP = ["--only", "pip", "--torch", TORCH]


@pytest.mark.parametrize(
    ("platform", "line", "index"),
    [
        pytest.param("linux-64", "torch==2.5.0+cpu", "https://download.pytorch.org/whl/cpu", id="its-own-index"),
        pytest.param("win-64", "torch==2.5.0", "https://pypi.org/simple", id="pypi-is-the-cpu-build"),
        pytest.param("linux-aarch64", "torch==2.5.0", "https://pypi.org/simple", id="arm-before-2.6"),
        pytest.param("osx-arm64", "torch==2.5.0", "https://pypi.org/simple", id="a-mac"),
    ],
)
def test_the_pip_set(tmp_path: Path, lane: Run, platform: str, line: str, index: str) -> None:
    assert lane(*PIP, "--platform", platform) == 0
    text = (tmp_path / "out/requirements.txt").read_text(encoding="utf-8")
    assert f"\n--index-url {index}\n" in text
    assert f"\n{line} --hash=sha256:" in text
    assert f"# pip, {platform}: torch {line.removeprefix('torch==')} with torchvision " in text
    assert "runs on the CPU" in text
    assert not {"driver", "toolkit", "nvidia"} & set(text.partition("\n# request")[0].lower().split())
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert lane(*PIP, "--platform", platform, "--check") == 0
    assert lane(*PIP, "--platform", platform, command="lock") == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert main(["verify", "--offline", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("platform", ["linux-64", "win-64", "linux-aarch64"])
def test_the_conda_set(tmp_path: Path, lane: Run, platform: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lane("--only", "conda", "--platform", platform, "--torch", "2.10.0") == 0
    told = capsys.readouterr().out
    assert f"conda, {platform}: pytorch 2.10.0 cpu; runs on the CPU\n" in told
    assert "conda create --name pytorch-2.10.0-cpu " in told
    environment = (tmp_path / "out/environment.yml").read_text(encoding="utf-8")
    assert '\n  - "pytorch=2.10.0=cpu*"\n' in environment
    assert "CONDA_OVERRIDE_CUDA" not in environment
    assert "__cuda" not in (tmp_path / "out/virtual-packages.yml").read_text(encoding="utf-8")
    assert "/pytorch-2.10.0-cpu_mkl_py312_h2_900" in (tmp_path / f"out/conda-{platform}.lock").read_text(
        encoding="utf-8"
    )
    assert lane("--only", "conda", "--platform", platform, "--torch", "2.10.0", "--check") == 0
    assert main(["verify", "--offline", str(tmp_path / "out")]) == 0


def test_gpu_cpu_is_the_same_request(tmp_path: Path, lane: Run, torch_index: WheelIndex) -> None:
    assert lane(*PIP, "--platform", "win-64") == 0
    mirror = ["--wheel-mirror", torch_index.url("/whl")]
    assert main(["--gpu", "CPU", *PIP, *mirror, "--platform", "win-64", "--output", str(tmp_path / "other")]) == 0
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_a_lock_of_the_other_kind_is_found(tmp_path: Path, lane: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The request line says CPU, the lock holds a CUDA build."""
    assert lane(*PIP, "--platform", "linux-64") == 0
    for path in (tmp_path / "out").iterdir():
        text = (
            path.read_text(encoding="utf-8").replace("2.5.0+cpu", "2.5.0+cu124").replace("2.5.0%2Bcpu", "2.5.0%2Bcu124")
        )
        path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["verify", "--offline", "--format", "json", str(tmp_path / "out")]) == 1
    (report,) = json.loads(capsys.readouterr().out)["folders"]
    titles = [finding["title"] for finding in report["findings"]]
    assert any("is a CUDA build, a CPU build was asked for" in title for title in titles), titles


def test_no_gpu_runner_gets_a_lock_for_the_cpu(tmp_path: Path, lane: Run) -> None:
    assert lane(*PIP, "--platform", "linux-64", "--platform", "osx-arm64") == 0
    locks = find_locks(tmp_path, PurePosixPath("out"))
    assert [(lock.package_set, lock.is_cpu) for lock in locks] == [(PackageSet.PIP, True)] * 2
    assert 'runner: "macos-15"' in workflow_body(locks, [], Checks(output=PurePosixPath("ci.yml")))


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--gpu", "RTX 3060", "--platform", "osx-arm64"], 3, "there is no CUDA on macOS"),
        (["--gpu", "RTX 3060", "--platform", "osx-arm64"], 3, "--cuda cpu makes the environment for it"),
        (["--cuda", "cpu", "--platform", "osx-64"], 3, "PyPI's last wheels for Intel Macs are those of torch 2.2.2"),
        (["--cuda", "cpu", "--platform", "macosx_10_9_x86_64"], 3, "no CPU environment is locked for osx-64"),
        (["--cuda", "cpu", "--platform", "win-arm64"], 3, "wheels for win_arm64"),
        (["--gpu", "cpu", "--cuda", "cu126"], 2, "asks for a build without CUDA, and --cuda cu126 for one with it"),
        (["--gpu", "cpu", "--gpu", "RTX 3060"], 2, "asks for a build without CUDA"),
        (
            ["--cuda", "cpu", "--torch", "9.9", "--platform", "linux-64"],
            3,
            "no PyTorch build runs on the CPU with linux-64",
        ),
        (["--torch", "2.14.1+cpu", "--cuda", "cu126"], 2, "contradict each other"),
    ],
)
def test_what_the_lane_is_not(options: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", *options]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["osx-arm64", "macos", "Darwin", "macos-14", "macosx_11_0_arm64", "mac"])
def test_a_mac_by_any_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "--cuda", "CPU", "--platform", name]) == 0
    assert "\nosx-arm64, the CPU, Python 3.12\n" in capsys.readouterr().out


def test_resolve_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    """PyPI's newest for macOS: torch-2.15.0-cp312-cp312-macosx_14_0_arm64.whl, torchvision-0.29.2-py3-none."""
    options = ["--gpu", "RTX 3060", "--driver", "550", "--cuda", "cpu", "--platform", "osx-arm64", "--format", "json"]
    assert main(["resolve", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gpus"] == []
    assert (found["request"]["driver"], found["pip"]["driver_floor"], found["pip"]["code"]) == (None, None, [])
    assert (found["pip"]["cuda_tag"], found["pip"]["index_url"]) == ("cpu", "https://pypi.org/simple")
    assert (found["conda"]["cuda_version"], found["conda"]["build"]) == ("cpu", "cpu*")
    assert found["notices"][0]["code"] == "cpu-lane"
