"""The order of preference among usable builds, one tie-break of design section 3 after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog, Row
from envgen.resolve import resolve
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def chosen(rows: Catalog, capability: str, driver: str | None, subdir: str = "linux-64", **options: str) -> str | None:
    """The wheel build that is taken."""
    pairing = resolve(rows, ask(capability, subdir, driver, **options)).pairing(PackageSet.PIP)  # type: ignore[arg-type] # texts
    return pairing.build.short_label if pairing else None


@pytest.mark.parametrize(
    ("wheels", "driver", "expected"),
    [
        pytest.param(
            [wheel("2.7.1", "cu126", NEWEST, on_pypi="yes"), wheel("2.8.0", "cu126", "compute_75", pythons_seen="")],
            "560.35.05",
            "2.8.0+cu126",
            id="a-newer-release-before-all-else",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST, pythons_seen=""), wheel("2.14.1", "cu130", "compute_75")],
            "580.95.05",
            "2.14.1+cu130",
            id="seen-before-announced",
        ),
        pytest.param(
            [wheel("2.8.0", "cu126", NEWEST), wheel("2.8.0", "cu128", "compute_75", on_pypi="yes")],
            "570.124.06",
            "2.8.0+cu126",
            id="machine-code-before-ptx",
        ),
        pytest.param(
            [wheel("2.7.1", "cu118", NEWEST, toolkit="11.8.0"), wheel("2.7.1", "cu126", NEWEST, toolkit="12.6.3")],
            "550.54.15",
            "2.7.1+cu126",
            id="cuda-12-before-11-though-only-11-is-fully-served",
        ),
        pytest.param(
            [wheel("2.7.1", "cu118", NEWEST, toolkit="11.8.0"), wheel("2.7.1", "cu126", NEWEST, toolkit="12.6.3")],
            "470.256.02",
            "2.7.1+cu118",
            id="cuda-11-where-12-does-not-run",
        ),
        pytest.param(
            [
                wheel("2.8.0", "cu126", NEWEST),
                wheel("2.8.0", "cu128", NEWEST, on_pypi="yes"),
                wheel("2.8.0", "cu129", NEWEST),
            ],
            "580.95.05",
            "2.8.0+cu128",
            id="pypis-own-before-a-higher-tag",
        ),
        pytest.param(
            [wheel("2.8.0", "cu126", NEWEST), wheel("2.8.0", "cu128", NEWEST, on_pypi="yes")],
            "550.54.15",
            "2.8.0+cu128",
            id="pypis-own-before-one-that-is-not-fully-served-either",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST, on_pypi="yes"), wheel("2.14.1", "cu130", NEWEST, toolkit="13.0.2")],
            "580.95.05",
            "2.14.1+cu130",
            id="but-only-within-its-cuda-major",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST), wheel("2.14.1", "cu132", NEWEST, toolkit="13.2.2")],
            "580.95.05",
            "2.14.1+cu126",
            id="fully-served-before-minor-version-compatibility",
        ),
        pytest.param(
            [wheel("2.14.1", "cu130", NEWEST), wheel("2.14.1", "cu132", NEWEST)],
            "595.71.05",
            "2.14.1+cu132",
            id="the-higher-tag-if-fully-served",
        ),
        pytest.param(
            [wheel("2.8.0", "cu126", NEWEST), wheel("2.8.0", "cu128", NEWEST), wheel("2.8.0", "cu129", NEWEST)],
            "550.54.15",
            "2.8.0+cu126",
            id="the-lower-tag-if-none-is",
        ),
        pytest.param(
            [wheel("2.14.1", "cu130", NEWEST), wheel("2.14.1", "cu132", NEWEST)],
            "580",
            "2.14.1+cu130",
            id="a-bare-branch-serves-its-own-cuda-and-no-newer",
        ),
        pytest.param(
            [wheel("2.14.1", "cu132", NEWEST, toolkit="13.2.2"), wheel("2.14.1", "cu134", NEWEST, toolkit="13.4.3")],
            "610.43.02",
            "2.14.1+cu132",
            id="a-toolkit-whose-driver-is-unknown-is-not-fully-served",
        ),
    ],
)
def test_the_build_that_is_preferred(wheels: list[Row], driver: str, expected: str) -> None:
    assert chosen(catalog_of(wheels), "8.6", driver) == expected
    backwards = wheels[::-1]
    assert chosen(catalog_of(sorted(backwards, key=lambda row: row["torch"])), "8.6", driver) == expected


@pytest.mark.parametrize(
    ("wheels", "loaded", "expected"),
    [
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST), wheel("2.14.1", "cu130", NEWEST, on_pypi="yes")],
            12,
            "2.14.1+cu126",
            id="the-major-that-the-packages-load-before-pypis-own",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST, on_pypi="yes"), wheel("2.14.1", "cu132", NEWEST, toolkit="13.2.2")],
            13,
            "2.14.1+cu132",
            id="and-before-a-toolkit-that-is-fully-served",
        ),
        pytest.param(
            [wheel("2.7.1", "cu118", NEWEST), wheel("2.7.1", "cu126", NEWEST)],
            11,
            "2.7.1+cu118",
            id="and-before-cuda-12",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", "compute_75"), wheel("2.14.1", "cu130", NEWEST)],
            12,
            "2.14.1+cu130",
            id="machine-code-before-that-major",
        ),
        pytest.param(
            [wheel("2.14.1", "cu126", NEWEST), wheel("2.15.0", "cu130", NEWEST)],
            12,
            "2.15.0+cu130",
            id="a-newer-release-before-that-major",
        ),
        pytest.param(
            [wheel("2.7.1", "cu118", NEWEST), wheel("2.7.1", "cu126", NEWEST)],
            13,
            "2.7.1+cu126",
            id="without-a-build-of-that-major-as-ever",
        ),
    ],
)
def test_the_cuda_major_that_the_packages_load(wheels: list[Row], loaded: int, expected: str) -> None:
    asked = replace(ask("8.6", driver="580.95.05"), cuda_major=loaded)
    found = resolve(catalog_of(wheels), asked).pip
    assert found is not None
    assert found.build.short_label == expected


def test_conda_finds_packages_of_another_major_itself() -> None:
    rows = catalog_of(packages=[package("2.13.0", "12.9", NEWEST), package("2.13.0", "13.0", NEWEST)])
    found = resolve(rows, replace(ask("8.6", driver="580.95.05"), cuda_major=12)).conda
    assert found is not None
    assert found.build.short_label == "2.13.0 cuda130"


def test_forward_compatibility_is_ranked_as_ptx() -> None:
    """cuDNN 9.5 has no code for 12.0 (NVIDIA: hardware forward compatibility), 9.10 has (its wheel on PyPI)."""
    wheels = [
        wheel("2.8.0", "cu126", "sm_120", cudnn="9.10.2.21"),
        wheel("2.8.0", "cu128", "sm_120", cudnn="9.5.1.17", on_pypi="yes"),
    ]
    assert chosen(catalog_of(wheels), "12.0", "580.95.05") == "2.8.0+cu126"
    assert chosen(catalog_of(wheels), "12.0", "580.95.05", cuda="cu128") == "2.8.0+cu128"


@pytest.mark.parametrize(
    ("capability", "driver", "options", "expected"),
    [
        # The issue's own examples: an H200 on R590 takes PyPI's own build, an RTX 3090 on R550 not CUDA 11.
        ("9.0", "590.48.01", {"torch": "==2.14.1"}, "2.14.1+cu130"),
        ("8.6", "550.54.15", {"torch": "==2.7.1"}, "2.7.1+cu126"),
        ("7.5", "560.35.05", {}, "2.14.1+cu126"),
        ("7.5", "580.65.06", {}, "2.15.0+cu132"),
        ("6.1", None, {}, "2.14.1+cu126"),
        ("3.7", None, {}, "2.3.1+cu118"),
        ("12.0", "570.124.06", {}, "2.8.0+cu128"),
        ("7.0 12.0", None, {}, "2.8.0+cu128"),
        ("7.5", "595.71.05", {"python": "3.10"}, "2.14.1+cu130"),
        ("12.0", "580.95.05", {"torch": "==2.7.1"}, None),
        ("12.0", "580.95.05", {"torch": "==2.7.1", "cuda": "cu118"}, "2.7.1+cu118"),
    ],
)
def test_the_frozen_catalog(capability: str, driver: str | None, options: dict[str, str], expected: str | None) -> None:
    assert chosen(FROZEN, capability, driver, **options) == expected


def test_what_is_unproven_is_not_taken_for_a_newer_release_either() -> None:
    """torch 2.2.0+cu118 was written for a P40 beside an RTX 5060 Ti, although another build has code for both."""
    wheels = [wheel("2.8.0", "cu118", "sm_60 compute_60", cudnn="9.1.0.70")]
    packages = [package("2.7.1", "12.8", "sm_60 sm_120")]
    found = resolve(catalog_of(wheels, packages), ask("6.1 12.0"))
    assert (found.pip, found.conda and found.conda.build.torch) == (None, "2.7.1")
    (rejection,) = found.rejected
    assert (rejection.code, rejection.unlock) == ("unproven", {"torch": "==2.8.0", "cuda": "cu118"})
