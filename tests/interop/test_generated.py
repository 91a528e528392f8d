"""What the main command writes, in the hands of the tools that will read it: conda-lock, uv, pip, packaging."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import uv
import yaml

from envgen.cli.main import main
from envgen.core.wheel_names import file_name
from envgen.files.reading import split
from equipment.wheel_index import ServedWheel, WheelIndex, metadata_of

pytestmark = pytest.mark.interop
# uv and pip judge a lock for the Python that runs them.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NO_CONDA = shutil.which("true") or ""
UV_PLATFORM = {"win-64": "x86_64-pc-windows-msvc", "linux-64": "x86_64-manylinux_2_28"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files for the MX450 on both platforms, from the shipped locks."""
    place = tmp_path_factory.mktemp("mx450")
    arguments = [
        "--gpu",
        "GeForce MX450",
        "--driver",
        "560.94",
        "--offline",
        "--output",
        str(place),
        "--python",
        PYTHON,
    ]
    assert main([*arguments, "--platform", "win-64", "--platform", "linux-64"]) == 0
    return place


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environment = kept | {"PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("subdir", [pytest.param("win-64", marks=pytest.mark.proof), "linux-64"])
@pytest.mark.skipif(not NO_CONDA, reason="needs a program that does nothing in conda's place")
def test_conda_lock_finds_nothing_to_solve(folder: Path, subdir: str, tmp_path: Path) -> None:
    for name in (f"environment-{subdir}.yml", f"{subdir}.conda-lock.yml", "virtual-packages.yml"):
        shutil.copy(folder / name, tmp_path)
    command = [sys.executable, "-m", "conda_lock", "lock", "-f", f"environment-{subdir}.yml"]
    command += ["--lockfile", f"{subdir}.conda-lock.yml", "--check-input-hash", "--conda", NO_CONDA]
    done = run(*command, cwd=tmp_path)
    assert f"Spec hash already locked for ['{subdir}']. Skipping solve." in done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("subdir", "kind"),
    [
        ("linux-64", "explicit"),
        ("win-64", "env"),
        pytest.param("win-64", "explicit", marks=pytest.mark.proof),
        pytest.param("linux-64", "env", marks=pytest.mark.proof),
    ],
)
def test_conda_lock_renders(folder: Path, subdir: str, kind: str, tmp_path: Path) -> None:
    lockfile = f"{subdir}.conda-lock.yml"
    shutil.copy(folder / lockfile, tmp_path)
    done = run(sys.executable, "-m", "conda_lock", "render", "-k", kind, "-p", subdir, lockfile, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rendered = next(path for path in tmp_path.iterdir() if path.name.startswith("conda-")).read_text()
    if kind == "explicit":
        ours = (folder / f"conda-{subdir}.lock").read_text()
        assert urls(rendered) == urls(ours) != []
    else:
        assert re.search(r"pytorch=2\.[0-9.]+=cuda12", rendered)


def urls(explicit: str) -> list[str]:
    return sorted(line for line in explicit.partition("@EXPLICIT")[2].splitlines() if line)


@pytest.mark.parametrize("subdir", ["win-64", "linux-64"])
def test_conda_locks_schema(folder: Path, subdir: str) -> None:
    schema = json.loads((files("conda_lock") / "lockfile/v1/schema.json").read_text()) if has_schema() else None
    if schema is None:
        from conda_lock.lockfile.v1.models import Lockfile

        schema = Lockfile.model_json_schema()
    jsonschema.validate(yaml.safe_load((folder / f"{subdir}.conda-lock.yml").read_text()), schema)


def has_schema() -> bool:
    return (files("conda_lock") / "lockfile/v1/schema.json").is_file()


@pytest.mark.parametrize("subdir", ["win-64", "linux-64"])
def test_uv_takes_the_pylock(folder: Path, subdir: str, tmp_path: Path) -> None:
    shutil.copy(folder / f"pylock.{subdir}.toml", tmp_path)
    done = uv_dry_run(tmp_path, subdir, "-r", f"pylock.{subdir}.toml", "--offline")
    wanted = tomllib.loads((tmp_path / f"pylock.{subdir}.toml").read_text())["packages"]
    assert done.returncode == 0, done.stderr
    for package in wanted:
        assert f"+ {package['name']}" in done.stderr


def uv_dry_run(cwd: Path, subdir: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [uv.find_uv_bin(), "pip", "install", "--dry-run", "--no-config", "--cache-dir", str(cwd / "cache")]
    command += ["--python", sys.executable, "--python-version", PYTHON, "--python-platform", UV_PLATFORM[subdir]]
    return run(*command, "--target", str(cwd / "target"), *arguments, cwd=cwd)


@pytest.fixture
def loopback(folder: Path) -> Iterator[WheelIndex]:
    """Two loopback indexes with the very names and hashes of the locks: PyTorch's, and one that stands for PyPI."""
    wheels: dict[str, list[ServedWheel]] = {"/whl/cu126": [], "/simple": []}
    for subdir in UV_PLATFORM:
        for package in tomllib.loads((folder / f"pylock.{subdir}.toml").read_text())["packages"]:
            (wheel,) = package["wheels"]
            name = file_name(wheel["url"])
            place = "/whl/cu126" if "download.pytorch.org" in package["index"] else "/simple"
            served = ServedWheel(filename=name, sha256=wheel["hashes"]["sha256"], metadata=metadata_of(name))
            if served not in wheels[place]:
                wheels[place].append(served)
    with WheelIndex(wheels=wheels).running() as index:
        yield index


def at_loopback(body: str, index: WheelIndex) -> str:
    """The requirements with both indexes on loopback; nothing else changes."""
    body = body.replace("https://download.pytorch.org/whl", index.url("/whl"))
    return body.replace("https://pypi.org/simple", index.url("/simple"))


@pytest.mark.parametrize("subdir", ["win-64", "linux-64"])
def test_uv_takes_the_requirements(folder: Path, subdir: str, tmp_path: Path, loopback: WheelIndex) -> None:
    _, body = split((folder / f"requirements-{subdir}.txt").read_text())
    (tmp_path / "requirements.txt").write_text(at_loopback(body, loopback))
    done = uv_dry_run(tmp_path, subdir, "--require-hashes", "-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+) --hash", body, re.MULTILINE):
        assert f"+ {name}=={version}" in done.stderr


def test_uv_refuses_a_pylock_for_another_platform(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "pylock.win-64.toml", tmp_path)
    done = uv_dry_run(tmp_path, "linux-64", "-r", "pylock.win-64.toml", "--offline")
    assert done.returncode != 0


@pytest.mark.parametrize("subdir", ["win-64", "linux-64"])
def test_packaging_reads_the_pylock(folder: Path, subdir: str) -> None:
    pylock = pytest.importorskip("packaging.pylock")
    lock = pylock.Pylock.from_dict(tomllib.loads((folder / f"pylock.{subdir}.toml").read_text()))
    assert {str(package.name) for package in lock.packages} >= {"torch", "torchvision"}
