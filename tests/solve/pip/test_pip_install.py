"""pip and uv install what a lock says, although the index has other bytes under one name, and refuse wrong hashes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from envgen.core.locks import PipLock
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.files.bodies import pip_bodies
from equipment.pip_world import TAG, TORCH, Solve, query
from equipment.wheel_index import ServedWheel, WheelIndex, make_wheel

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux", reason="the small world's wheels are for Linux"),
]

Run = subprocess.CompletedProcess[str]


@pytest.fixture
def lock(solve: Solve) -> PipLock:
    """A lock that names the two loopback indexes, so that the tools go there."""
    machine = Subdir.LINUX_AARCH64 if os.uname().machine == "aarch64" else Subdir.LINUX_64
    return solve(query(machine, constraints=("nvidia-cudnn-cu12<9.11",)), write_mirror=True)


@pytest.fixture
def write(lock: PipLock, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write both files, with a change to their text, and return their paths."""

    def run(old: str = "", new: str = "") -> tuple[Path, Path]:
        bodies = pip_bodies(lock, multi=False)
        paths = tmp_path / "requirements.txt", tmp_path / "pylock.toml"
        for path in paths:
            assert old in bodies[path.name]
            path.write_text(bodies[path.name].replace(old, new) if old else bodies[path.name], encoding="utf-8")
        return paths

    return run


@pytest.fixture
def environment(tmp_path: Path, uv_cache: Path) -> Path:
    """The interpreter of an empty virtual environment."""
    _uv(uv_cache, "venv", "--python", sys.executable, str(tmp_path / "venv"))
    return tmp_path / "venv" / "bin" / "python"


def _clean_env() -> dict[str, str]:
    """This process's environment without pip's and uv's settings, and with pip's own files switched off."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1"}


def _uv(cache: Path, *arguments: str) -> Run:
    command = [uv.find_uv_bin(), *arguments, "--no-config", "--cache-dir", str(cache)]
    return subprocess.run(command, env=_clean_env(), capture_output=True, text=True, check=False)


def _pip(python: Path, *arguments: str) -> Run:
    command = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--no-cache-dir"]
    return subprocess.run([*command, *arguments], env=_clean_env(), capture_output=True, text=True, check=False)


def _installed(python: Path) -> dict[str, str]:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    told = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(told.stdout)
    return found


def _locked(lock: PipLock) -> dict[str, str]:
    return {p.name: p.version for p in lock.packages}


def test_pip_installs_the_requirements(
    lock: PipLock, write: Callable[..., tuple[Path, Path]], environment: Path
) -> None:
    requirements, _ = write()
    done = _pip(environment, "install", "--require-hashes", "-r", str(requirements))
    assert done.returncode == 0, done.stderr
    assert _installed(environment) == _locked(lock)


def test_uv_installs_the_requirements(
    lock: PipLock, write: Callable[..., tuple[Path, Path]], environment: Path, uv_cache: Path
) -> None:
    requirements, _ = write()
    dry = _uv(
        uv_cache,
        "pip",
        "install",
        "--dry-run",
        "--require-hashes",
        "-r",
        str(requirements),
        "--python",
        str(environment),
    )
    assert dry.returncode == 0, dry.stderr
    assert _installed(environment) == {}
    done = _uv(uv_cache, "pip", "sync", "--require-hashes", str(requirements), "--python", str(environment))
    assert done.returncode == 0, done.stderr
    assert _installed(environment) == _locked(lock)


def test_uv_installs_the_pylock(
    lock: PipLock, write: Callable[..., tuple[Path, Path]], environment: Path, uv_cache: Path
) -> None:
    _, pylock = write()
    done = _uv(uv_cache, "pip", "sync", str(pylock), "--python", str(environment))
    assert done.returncode == 0, done.stderr
    assert _installed(environment) == _locked(lock)


@pytest.mark.parametrize("package", ["torch", "filelock"], ids=["from the index", "from find-links"])
def test_a_wrong_hash_is_rejected_by_both(
    lock: PipLock, write: Callable[..., tuple[Path, Path]], environment: Path, tmp_path: Path, package: str
) -> None:
    right = next(p.sha256 for p in lock.packages if p.name == package)
    requirements, pylock = write(right, right[:-1] + ("0" if right[-1] != "0" else "1"))
    cache = tmp_path / "cache"
    for done in (
        _pip(environment, "install", "--require-hashes", "-r", str(requirements)),
        _uv(cache, "pip", "sync", "--require-hashes", str(requirements), "--python", str(environment)),
        _uv(cache, "pip", "sync", str(pylock), "--python", str(environment)),
    ):
        assert done.returncode != 0
        assert "hash" in done.stderr.lower()
    assert package not in _installed(environment)


def test_the_index_serves_other_bytes_under_a_locked_name(lock: PipLock, torch_index: WheelIndex) -> None:
    """The condition that the installs above are held under: this would break them if hashes did not choose the file."""
    served = next(w for w in torch_index.wheels[f"/whl/{TAG}"] if w.project == "filelock")
    locked = next(p for p in lock.packages if p.name == "filelock")
    assert served.filename == locked.url.rpartition("/")[2]
    assert served.sha256 != locked.sha256


@pytest.mark.parametrize("subdir", CUDA_SUBDIRS)
def test_uv_refuses_another_platforms_pylock(
    solve: Solve, environment: Path, uv_cache: Path, tmp_path: Path, subdir: Subdir, pypi_index: WheelIndex
) -> None:
    here = {"x86_64": Subdir.LINUX_64, "aarch64": Subdir.LINUX_AARCH64}[os.uname().machine]
    if subdir is Subdir.LINUX_AARCH64:
        pypi_index.wheels = {"/simple": [_for_arm(w.filename) for w in pypi_index.wheels["/simple"]]}
    lock = solve(query(subdir), write_mirror=True, cache_dir=tmp_path / "cache")
    path = tmp_path / "pylock.toml"
    path.write_text(pip_bodies(lock, multi=False)["pylock.toml"], encoding="utf-8")
    done = _uv(uv_cache, "pip", "sync", "--dry-run", str(path), "--python", str(environment))
    assert (done.returncode == 0) == (subdir is here), done.stderr


def _for_arm(filename: str) -> ServedWheel:
    return make_wheel(filename.replace("x86_64", "aarch64"), ("mpmath",) if filename.startswith("sympy") else ())


def test_uv_refuses_another_pythons_pylock(
    lock: PipLock, write: Callable[..., tuple[Path, Path]], environment: Path, uv_cache: Path
) -> None:
    _, pylock = write()
    text = pylock.read_text(encoding="utf-8").replace(f'"=={lock.python}.*"', '"==3.7.*"')
    pylock.write_text(text, encoding="utf-8")
    done = _uv(uv_cache, "pip", "sync", "--dry-run", str(pylock), "--python", str(environment))
    assert done.returncode != 0
    assert "Python" in done.stderr


def test_torch_is_the_build_that_was_asked_for(lock: PipLock) -> None:
    assert lock.version_of("torch") == f"{TORCH}+{TAG}"
