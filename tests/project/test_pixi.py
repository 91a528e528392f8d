"""`envgen project pixi`: platforms with what they need of the system.

The keys are those of pixi's schema (prefix-dev/pixi@2b25fc76 schema/schema.json, WorkspacePlatform and MatchspecTable).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main

AMPERE = ["--gpu", "RTX 3090", "--driver", "550", "--platform", "linux-64"]
PLATFORM_KEYS = {"name", "platform", "cuda", "glibc", "macos"}
SPEC_KEYS = {"version", "build", "channel"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(*options: str) -> int:
    return main(["project", "pixi", *options])


def read(folder: Path, name: str = "pixi.toml") -> dict[str, Any]:
    return tomllib.loads((folder / name).read_text(encoding="utf-8"))


def test_a_new_workspace(folder: Path) -> None:
    """A driver of R550 serves CUDA 12: conda-forge's newest build for it is 2.13.0 with CUDA 12.9."""
    assert project(*AMPERE, "--write") == 0
    found = read(folder)
    assert found["workspace"]["channels"] == ["conda-forge"]
    assert found["workspace"]["platforms"] == [
        {"name": "linux-64-cuda", "platform": "linux-64", "cuda": "12.0", "glibc": "2.28"},
        {"name": "linux-64-cpu", "platform": "linux-64", "glibc": "2.28"},
        {"name": "osx-arm64", "platform": "osx-arm64", "macos": "14.0"},
    ]
    assert {name: target["dependencies"] for name, target in found["target"].items()} == {
        "linux-64-cuda": {
            "python": "3.12.*",
            "pytorch": {"version": "2.13.0.*", "build": "cuda129*"},
            "cuda-version": "12.9.*",
            "torchvision": "*",
        },
        **{
            name: {
                "python": "3.12.*",
                "pytorch": {"version": "2.13.0.*", "build": "cpu*"},
                "torchvision": "*",
            }
            for name in ("linux-64-cpu", "osx-arm64")
        },
    }


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--gpu", "Jetson AGX Orin"], id="jetson"),
        pytest.param(["--gpu", "K80", "--platform", "linux-64"], id="legacy-channel"),
        pytest.param(["--gpu", "RTX 5090", "--platform", "win-64", "--no-vision", "--audio"], id="windows"),
        pytest.param(["--cuda", "cpu", "--platform", "linux-aarch64"], id="cpu"),
    ],
)
def test_only_keys_that_pixi_knows(folder: Path, options: list[str]) -> None:
    assert project(*options, "--write") == 0
    found = read(folder)
    names = {entry["name"] for entry in found["workspace"]["platforms"]}
    assert all(set(entry) <= PLATFORM_KEYS for entry in found["workspace"]["platforms"])
    assert set(found["target"]) == names
    specs = [spec for target in found["target"].values() for spec in target["dependencies"].values()]
    assert all(isinstance(spec, str) or set(spec) <= SPEC_KEYS for spec in specs)


OWN = """\
[workspace] # ours
name = "vision"
channels = ["conda-forge", "bioconda"]
platforms = ["linux-64", "win-64"] # two

[dependencies]
numpy = ">=2" # keep

[target.linux-64-cuda.dependencies]
cuda-nvcc = "*"
"""


@pytest.mark.parametrize("name", ["pixi.toml", "pyproject.toml"])
def test_what_is_there_stays_and_a_second_run_changes_nothing(folder: Path, name: str) -> None:
    text = OWN if name == "pixi.toml" else OWN.replace("[", "[tool.pixi.", 1).replace("\n[", "\n[tool.pixi.")
    (folder / name).write_text(text, encoding="utf-8")
    assert project("--gpu", "K80", "--platform", "linux-64", "--write") == 0
    assert project(*AMPERE, "--write") == 0
    after = (folder / name).read_text(encoding="utf-8")
    assert {line for line in text.splitlines() if "platforms" not in line and "channels" not in line} <= set(
        after.splitlines()
    )
    found = read(folder, name)
    own = found if name == "pixi.toml" else found["tool"]["pixi"]
    assert own["workspace"]["channels"][:2] == ["conda-forge", "bioconda"]
    assert [p if isinstance(p, str) else p["name"] for p in own["workspace"]["platforms"]] == [
        "linux-64-cuda",
        "linux-64-cpu",
        "osx-arm64",
        "win-64",
    ]
    assert own["target"]["linux-64-cuda"]["dependencies"]["cuda-nvcc"] == "*"
    assert "pytorch-cuda" not in own["target"]["linux-64-cuda"]["dependencies"]
    assert project(*AMPERE, "--write") == 0
    assert (folder / name).read_text(encoding="utf-8") == after


def test_the_legacy_channels_packages_name_it(folder: Path) -> None:
    """conda-forge stands in front of it, and has other builds under the same names."""
    assert project("--gpu", "K80", "--platform", "linux-64", "--write") == 0
    packages = read(folder)["target"]["linux-64-cuda"]["dependencies"]
    assert packages["pytorch"]["channel"] == packages["torchvision"]["channel"] == "pytorch"


@pytest.mark.parametrize(("name", "prefix"), [("pixi.toml", ""), ("pyproject.toml", "tool.pixi.")])
def test_the_older_name_of_the_workspace_is_kept(folder: Path, name: str, prefix: str) -> None:
    """The form of 2986002971/ACT's pixi.toml; pixi deprecated `[project]` in 0.57.0 (its release notes)."""
    before = f'[{prefix}project]\nname = "act"\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n'
    (folder / name).write_text(before, encoding="utf-8")
    assert project(*AMPERE, "--write") == 0
    found = read(folder, name)
    found = found["tool"]["pixi"] if prefix else found
    assert "workspace" not in found
    assert [one["name"] for one in found["project"]["platforms"]] == ["linux-64-cuda", "linux-64-cpu", "osx-arm64"]
