"""Our own check of a lock's hashes: uv's dry run accepts a wrong one, pip downloads every wheel to find one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.net.deadline import Deadline
from envgen.verify.online.pip_hashes import HashState, check_hashes
from equipment.pip_world import QUICK, TAG, Solve
from equipment.wheel_index import Fault, WheelIndex


def states(lock: PipLock, torch_index: WheelIndex, pypi_index: WheelIndex) -> dict[str, HashState]:
    checks = check_hashes(
        lock,
        wheel_mirror=torch_index.url("/whl"),
        pypi=pypi_index.url("/simple"),
        retry=QUICK,
        deadline=Deadline.after(30),
    )
    return {c.package: c.state for c in checks}


def tampered(lock: PipLock, name: str) -> PipLock:
    packages = (replace(p, sha256="0" * 64) if p.name == name else p for p in lock.packages)
    return replace(lock, packages=tuple(packages))


@pytest.fixture
def lock(solve: Solve) -> PipLock:
    return solve()


def test_a_fresh_lock_is_good(lock: PipLock, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    found = states(lock, torch_index, pypi_index)
    assert list(found) == sorted(p.name for p in lock.packages)
    assert set(found.values()) == {HashState.GOOD}


@pytest.mark.parametrize("name", ["torch", "filelock"])
def test_a_changed_hash_is_a_mismatch(
    lock: PipLock, torch_index: WheelIndex, pypi_index: WheelIndex, name: str
) -> None:
    found = states(tampered(lock, name), torch_index, pypi_index)
    assert {package for package, state in found.items() if state is HashState.MISMATCH} == {name}


def test_a_mismatch_shows_both_sides(lock: PipLock, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    checks = check_hashes(
        tampered(lock, "filelock"), pypi=pypi_index.url("/simple"), wheel_mirror=torch_index.url("/whl")
    )
    (bad,) = (c for c in checks if c.state is HashState.MISMATCH)
    served = next(w.sha256 for w in pypi_index.wheels["/simple"] if w.project == "filelock")
    assert (bad.filename, bad.locked, bad.found) == ("filelock-3.20.0-py3-none-any.whl", "0" * 64, served)
    assert bad.source == pypi_index.url("/simple/filelock/")


def test_files_that_are_gone_or_unstated_or_out_of_reach(
    lock: PipLock, torch_index: WheelIndex, pypi_index: WheelIndex
) -> None:
    pypi_index.wheels = {"/simple": [w for w in pypi_index.wheels["/simple"] if w.project != "mpmath"]}
    pypi_index.faults["/simple/sympy/"] = Fault(status=503)
    pypi_index.faults["/simple/numpy/"] = Fault(cut=10)
    torch_index.states_hashes = False
    found = states(lock, torch_index, pypi_index)
    assert {name: state for name, state in found.items() if state is not HashState.GOOD} == {
        "mpmath": HashState.MISSING,
        "numpy": HashState.UNCHECKED,
        "sympy": HashState.UNCHECKED,
        "torch": HashState.UNSTATED,
        "torchvision": HashState.UNSTATED,
    }


def known_wheel(sha256: str) -> PipLock:
    """The Windows wheel of torch 2.14.1+cu126 for Python 3.12, as lock files of two public repositories state it."""
    file = "torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl"
    index = f"https://download.pytorch.org/whl/{TAG}"
    wheel = PipPackage(name="torch", version="2.14.1+cu126", index=index, url=f"{index}/{file}", sha256=sha256)
    return PipLock(subdir=Subdir.WIN_64, python="3.12", glibc="", packages=(wheel,))


def test_the_catalog_is_enough_without_a_network() -> None:
    right = "97e3bc87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4"
    (good,) = check_hashes(known_wheel(right), offline=True)
    assert good.state is HashState.GOOD
    (bad,) = check_hashes(known_wheel("0" * 64), offline=True)
    assert (bad.state, bad.found) == (HashState.MISMATCH, right)
    assert "cicorias/BuildSmallLLM" in bad.source


def test_a_package_that_nobody_knows_is_unchecked_without_a_network(lock: PipLock) -> None:
    checks = check_hashes(lock, offline=True)
    assert {c.state for c in checks} == {HashState.UNCHECKED}
    assert len(checks) == len(lock.packages)
