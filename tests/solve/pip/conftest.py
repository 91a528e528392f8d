"""The small world, served: PyTorch's index without its dependencies, and another index that stands for PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envgen.core.locks import PipLock
from envgen.solve.pip.query import PipQuery
from envgen.solve.pip.solve import solve_pip
from equipment.pip_world import QUICK, TAG, Solve, pypi_wheels, query, torch_wheels
from equipment.wheel_index import WheelIndex, make_wheel


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of an index before is a test's own."""
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "envgen-cache"))


@pytest.fixture
def torch_index() -> Iterator[WheelIndex]:
    """PyTorch's index. Its filelock has the name of PyPI's file and other bytes, as its mirrored copies may."""
    wheels = [*torch_wheels(), make_wheel("filelock-3.20.0-py3-none-any.whl", salt="other bytes")]
    with WheelIndex(wheels={f"/whl/{TAG}": wheels}, html_only=True).running() as index:
        yield index


@pytest.fixture
def pypi_index() -> Iterator[WheelIndex]:
    with WheelIndex(wheels={"/simple": pypi_wheels()}).running() as index:
        yield index


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all solves, so that uv asks the interpreter for its version once."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def solve(torch_index: WheelIndex, pypi_index: WheelIndex, uv_cache: Path) -> Solve:
    """`solve_pip` against the two indexes."""

    def run(asked: PipQuery | None = None, **options: Any) -> PipLock:
        values: dict[str, Any] = {
            "wheel_mirror": torch_index.url("/whl"),
            "pypi": pypi_index.url("/simple"),
            "retry": QUICK,
            "cache_dir": uv_cache,
            "timeout_s": 60.0,
            **options,
        }
        return solve_pip(asked or query(), **values)

    return run
