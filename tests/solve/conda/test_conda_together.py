"""Torch and conda packages are decided together: fewest packages behind their newest, then the newest torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.locks import CondaLock
from envgen.solve.conda.solve import BestSolve, solve_best
from equipment.conda_channel import Row, cuda_query, for_python_313, pytorch_rows, torch_row, write_channel

PY312 = "python >=3.12,<3.13.0a0"


ROWS = (
    *pytorch_rows(),
    *torch_row("2.11.0"),
    *torch_row("2.12.0"),
    *for_python_313(torch_row("2.12.0")),
    # Its newest is built for one torch, as flash-attn's releases on conda-forge are.
    Row(name="attention", version="2.8.3", build="a_0", depends=("pytorch >=2.10.0,<2.11.0a0", PY312)),
    Row(name="attention", version="2.8.3", build="b_0", depends=("pytorch >=2.11.0,<2.12.0a0", PY312)),
    Row(name="attention", version="2.7.0", depends=(PY312,)),
    # Through another package.
    Row(name="codec", version="0.9", depends=("codec-lib 0.9.*",)),
    Row(name="codec-lib", version="0.9", depends=("libtorch >=2.10.0,<2.11.0a0",)),
    Row(name="newpython", version="3.0", depends=("python >=3.13,<3.14.0a0",)),
    Row(name="newpython", version="2.0", depends=(PY312,)),
    Row(name="newerpython", version="3.0", depends=("python >=3.14,<3.15.0a0",)),
    Row(name="newerpython", version="2.0", depends=(PY312,)),
    Row(name="newglibc", version="3.0", depends=("__glibc >=2.34",)),
    Row(name="newglibc", version="2.0"),
    Row(name="old", version="1.0", depends=("pytorch <2",)),
    Row(name="left", version="2.0", depends=("right 1.*",)),
    Row(name="left", version="1.0"),
    Row(name="right", version="2.0"),
    Row(name="right", version="1.0"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("together")
    write_channel(root / "conda-forge", ROWS, forms=("json",))
    return root


def solve(folder: Path, *extras: str, torch: Sequence[str] = ("2.13.0", "2.12.0", "2.11.0", "2.10.0")) -> BestSolve:
    """Solve for these releases of torch, of which the channel lacks 2.13.0."""
    asked = [cuda_query("linux-64", "python=3.12", f"pytorch={t}=cuda129*", "cuda-version=12.9") for t in torch]
    alone = replace(cuda_query("linux-64", "python=3.12", cuda="99.0"), extras=extras)
    return solve_best([replace(query, extras=extras) for query in asked], alone, mirror=str(folder))


def lock_of(found: BestSolve) -> CondaLock:
    assert found.lock is not None
    return found.lock


def versions(found: BestSolve, *names: str) -> list[str]:
    lock = lock_of(found)
    return [package.version if (package := lock.find(name)) else "" for name in names]


def test_nothing_asked_for_is_the_newest_that_is_there(folder: Path) -> None:
    found = solve(folder)
    assert versions(found, "pytorch") == ["2.12.0"]
    assert [failure.reason for failure in found.failures if failure] == [
        "No candidates were found for pytorch ==2.13.0 cuda129*"
    ]
    assert found.held_back_by == ()


def test_a_package_at_its_newest_holds_torch_back(folder: Path) -> None:
    found = solve(folder, "attention")
    assert versions(found, "pytorch", "attention") == ["2.11.0", "2.8.3"]
    assert found.held_back_by == ("attention 2.8.3 needs pytorch >=2.11.0,<2.12.0a0",)
    assert [failure is None for failure in found.failures] == [False, True]
    assert lock_of(found).passed_over == ()


def test_what_holds_it_back_may_stand_behind_another_package(folder: Path) -> None:
    found = solve(folder, "codec", "attention")
    assert versions(found, "pytorch", "attention", "codec") == ["2.10.0", "2.8.3", "0.9"]
    assert found.held_back_by[0] == "attention 2.8.3 needs pytorch >=2.10.0,<2.11.0a0"
    assert solve(folder, "codec").held_back_by == ("codec 0.9 does not go with pytorch 2.12.0",)


def test_a_torch_that_was_asked_for_stays_and_the_package_says_so(folder: Path) -> None:
    found = solve(folder, "attention", torch=["2.12.0"])
    assert versions(found, "pytorch", "attention") == ["2.12.0", "2.7.0"]
    (passed,) = lock_of(found).passed_over
    assert (passed.name, passed.locked, passed.newer, passed.by) == ("attention", "2.7.0", "2.8.3", "torch")
    assert passed.reason == "it needs pytorch >=2.10.0,<2.11.0a0"


@pytest.mark.parametrize(
    ("package", "reason", "advice"),
    [
        ("newpython", "it has no build for Python 3.12", "--python 3.13 frees it"),
        # There is no Python 3.14 here: what was not found to work is not named.
        ("newerpython", "it has no build for Python 3.12", ""),
        ("newglibc", "it needs glibc 2.34, the target has 2.28", "--glibc 2.34 frees it"),
    ],
)
def test_a_newest_that_does_not_install_on_the_target_is_said(
    folder: Path, package: str, reason: str, advice: str
) -> None:
    found = solve(folder, package)
    assert versions(found, "pytorch", package) == ["2.12.0", "2.0"]
    (passed,) = lock_of(found).passed_over
    assert (passed.locked, passed.newer, passed.reason, passed.advice) == ("2.0", "3.0", reason, advice)


def test_of_two_that_can_not_both_be_at_their_newest_one_is_behind(folder: Path) -> None:
    found = solve(folder, "left", "right")
    assert versions(found, "pytorch") == ["2.12.0"]
    assert len(lock_of(found).passed_over) == 1


def test_the_bound_of_the_user_is_no_walk_back(folder: Path) -> None:
    found = solve(folder, "attention<2.8")
    assert versions(found, "pytorch", "attention") == ["2.12.0", "2.7.0"]
    assert lock_of(found).passed_over == ()


def test_packages_that_no_candidate_goes_with_are_a_failure_of_all(folder: Path) -> None:
    found = solve(folder, "old")
    assert found.lock is None
    assert len(found.failures) == 4
    assert all(failure is not None for failure in found.failures)


def test_the_order_of_the_packages_changes_nothing(folder: Path) -> None:
    one, other = solve(folder, "attention", "codec"), solve(folder, "codec", "attention")
    assert lock_of(one).packages == lock_of(other).packages
