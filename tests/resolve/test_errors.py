"""Errors of a request that nothing can serve: what each says exists instead, and which change it names."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial

import pytest

from envgen.core.errors import NoPairingError
from envgen.core.sets import PackageSet
from envgen.resolve import resolve
from envgen.resolve.errors import (
    CapabilityUnknownError,
    CpuPlatformError,
    JetPackWithoutBuildError,
    MacosError,
    NoBuildError,
    NoGpuFoundError,
    WindowsArmError,
)
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(MacosError, ["no CUDA on macOS", "--cuda cpu"], id="macos"),
        pytest.param(WindowsArmError, ["https://pypi.nvidia.com/nvtorch_oot", "--platform linux-aarch64"], id="arm"),
        pytest.param(
            partial(CpuPlatformError, "osx-64"),
            ["for osx-64", "PyPI's last wheels", "hint: there: conda create"],
            id="intel-mac",
        ),
        pytest.param(
            partial(CpuPlatformError, "win-arm64"),
            ["for win-arm64", "PyTorch's CPU index", "hint: there: pip install torch --index-url"],
            id="windows-on-arm-without-cuda",
        ),
        pytest.param(
            partial(JetPackWithoutBuildError, FROZEN.jetpacks[0]),
            ["JetPack 5.1.2 (Orin) has CUDA 11.4", "hint: install NVIDIA's own wheel"],
            id="jetpack-5",
        ),
        pytest.param(
            partial(NoGpuFoundError, ("/proc has none",)), ["  /proc has none", "--gpu", "--cuda cpu"], id="no-gpu"
        ),
        pytest.param(
            partial(CapabilityUnknownError, "7.4", ("7.0", "7.5")),
            ['capability "7.4"', "known: 7.0 7.5\n", "hint: run `envgen gpus"],
            id="capability",
        ),
    ],
)
def test_what_exists_instead_is_said(make: Callable[[], NoPairingError], words: list[str]) -> None:
    error = make()
    assert [word for word in words if word not in str(error)] == []
    assert error.exit_code == 3
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), str(other), other.args) == (type(error), str(error), error.args)


def test_an_error_about_builds_can_be_copied() -> None:
    found = resolve(catalog_of([wheel("2.8.0", "cu128", "sm_90")], [package("2.13.0", "12.9", "sm_90")]), ask("8.6"))
    for package_set in (None, *PackageSet):
        error = NoBuildError(found, package_set)
        assert (error.resolution, error.package_set) == (found, package_set)
        assert str(copy.copy(error)) == str(error)


def test_the_reason_that_a_change_lifts_comes_first() -> None:
    rows = catalog_of([wheel("2.7.1", "cu126", NEWEST, pythons="3.11"), wheel("2.8.0", "cu128", "sm_90")])
    first, second = NoBuildError(resolve(rows, ask("8.6"))).facts()
    assert first.startswith("no-file (1 build), such as: torch 2.7.1+cu126")
    assert second.startswith("no-kernel-image (1 build), such as: torch 2.8.0+cu128")


def test_the_cuda_that_was_asked_for_is_left_as_it_is_if_possible() -> None:
    other = wheel("2.8.0", "cu126", NEWEST)
    asked = wheel("2.8.0", "cu128", NEWEST, pythons="3.11", glibc="2.34")
    for rows in ([other, asked], [asked, other]):
        error = NoBuildError(resolve(catalog_of(rows), ask("8.6", cuda="cu128")))
        assert error.hint().endswith("(--glibc 2.34): then torch 2.8.0+cu128 from pip runs")


def test_a_build_of_conda_is_named_by_its_toolkit() -> None:
    rows = catalog_of(packages=[package("2.13.0", "12.9", NEWEST, pythons="3.11")])
    hint = NoBuildError(resolve(rows, ask("8.6"))).hint()
    assert hint == "use Python 3.11 (--python 3.11): then pytorch 2.13.0 (CUDA 12.9) from conda runs"


def test_a_newer_build_that_needs_more_is_named_too() -> None:
    """R580 is the floor of CUDA 13, R525 that of 12 (NVIDIA: CUDA compatibility guide)."""
    error = NoBuildError(resolve(FROZEN, ask("8.6", driver="470.256.02", torch=">=2.14", python="3.12")))
    assert error.hint() == (
        "update the driver to 525.60.13 or newer: then torch 2.14.1+cu126 from pip runs; "
        "update the driver to 580.65.06 or newer: torch 2.15.0+cu132 from pip"
    )
