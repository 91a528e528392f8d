"""The program with small mirrors of everything, so that a request is locked for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main
from envgen.core.locks import PipLock, PipPackage
from envgen.core.sites import PYPI
from envgen.core.wheel_names import file_name
from envgen.facts.wheels import WheelCatalog
from envgen.solve.pip import solve as pip_solve
from envgen.solve.pip import together as pip_together
from envgen.solve.pip.query import PipQuery
from equipment.conda_channel import Row, pytorch_rows, write_channel
from equipment.invented import forget_real_packages
from equipment.pip_world import QUICK
from equipment.wheel_index import ServedWheel, WheelIndex, make_wheel, metadata_of

RTX3060 = ["--gpu", "RTX 3060", "--platform", "linux-64", "--driver", "570"]
CP312 = "cp312-cp312-manylinux_2_28_x86_64"
Run = Callable[..., int]


@pytest.fixture
def torch_index() -> Iterator[WheelIndex]:
    wheels = [
        make_wheel(f"torch-2.9.1+cu126-{CP312}.whl", ("filelock",)),
        make_wheel(f"torchvision-0.24.1+cu126-{CP312}.whl", ("numpy", "torch==2.9.1")),
        make_wheel(f"torchaudio-2.9.1+cu126-{CP312}.whl", ("torch==2.9.1",)),
    ]
    with WheelIndex(wheels={"/whl/cu126": wheels}).running() as index:
        yield index


@pytest.fixture
def pypi() -> Iterator[WheelIndex]:
    wheels = [
        make_wheel(f"{name}-py3-none-any.whl", needs)
        for name, needs in (
            ("filelock-3.20.0", ()),
            ("numpy-2.3.0", ()),
            ("einops-0.8.1", ()),
            ("tqdm-4.67.1", ()),
            ("colorama-0.4.6", ()),
            ("fsspec-2025.9.0", ('aiohttp; extra == "http"',)),
            ("aiohttp-3.13.0", ()),
        )
    ]
    with WheelIndex(wheels={"/simple": wheels}).running() as index:
        yield index


@pytest.fixture
def run(
    tmp_path: Path, torch_index: WheelIndex, pypi: WheelIndex, monkeypatch: pytest.MonkeyPatch, uv_cache: Path
) -> Run:
    """The program with mirrors of everything; only PyPI has no option, so the solve is told of it."""
    real = partial(pip_solve.solve_pip, pypi=pypi.url("/simple"), retry=QUICK, cache_dir=uv_cache)

    def solve(query: PipQuery, **options: Any) -> PipLock:
        lock = real(query, **options)
        ours = pypi.url("/simple")
        return replace(lock, packages=tuple(as_on_pypi(p) if p.index == ours else p for p in lock.packages))

    check = partial(pip_solve.check_extras, pypi=pypi.url("/simple"))
    monkeypatch.setattr(pip_together, "PYPI", pypi.url("/simple"))
    monkeypatch.setattr(pip_solve, "solve_pip", solve)
    monkeypatch.setattr(pip_solve, "check_extras", check)
    forget_real_packages(monkeypatch)
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("envgen.net.wheel_contents._AHEAD", {})
    further = [Row(name="scipy", version="1.16.2", depends=("numpy",)), Row(name="numpy", version="2.3.3")]
    write_channel(tmp_path / "channels" / "conda-forge", (*pytorch_rows(), *further))
    mirrors = ["--wheel-mirror", torch_index.url("/whl"), "--conda-mirror", str(tmp_path / "channels")]

    def program(*arguments: str, to: str = "out", command: str = "") -> int:
        return main([*([command] if command else []), *RTX3060, *mirrors, *arguments, "--output", str(tmp_path / to)])

    return program


def as_on_pypi(package: PipPackage) -> PipPackage:
    """A package of the index that stands for PyPI, as PyPI would have it."""
    url = f"https://files.pythonhosted.org/packages/00/00/{'0' * 60}/{file_name(package.url)}"
    return replace(package, index=PYPI, url=url)


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


def known_torch(release: str, tag: str) -> ServedWheel:
    """A wheel of torch with its real name and hash, as an index lists it; a solve downloads none."""
    filename = f"torch-{release}+{tag}-cp312-cp312-manylinux_2_28_x86_64.whl"
    (known,) = WheelCatalog.load().find(filename, index=tag)
    return ServedWheel(filename=filename, sha256=known.sha256, metadata=metadata_of(filename))
