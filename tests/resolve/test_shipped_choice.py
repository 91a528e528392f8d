"""Which shipped lock is taken: the rules of the decision, over the builds that locks are shipped of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.resolve.shipped import builds_of, newest, pairing_if_it_runs
from equipment.requests import ask
from resolve.catalog import FROZEN


def shipped(label: str, *, python: str = "3.12", subdir: Subdir = Subdir.LINUX_64) -> Shipped:
    """A lock by its label: `2.8.0+cu128` or `2.13.0 cuda129`."""
    is_pip = "+" in label
    torch, _, tag = label.partition("+" if is_pip else " ")
    package_set = PackageSet.PIP if is_pip else PackageSet.CONDA
    cuda_tag = tag.replace("cuda", "cu")
    return Shipped(package_set=package_set, subdir=subdir, python=python, torch=torch, cuda_tag=cuda_tag)


ALL = [
    shipped("2.3.1+cu118"),
    shipped("2.7.1+cu118"),
    shipped("2.7.1+cu126"),
    shipped("2.8.0+cu126"),
    shipped("2.8.0+cu128"),
    shipped("2.14.1+cu130"),
    shipped("2.14.1+cu132", python="3.11"),
    shipped("2.14.1+cu132", subdir=Subdir.WIN_64),
    shipped("9.9.9+cu130"),
    shipped("2.7.1 cuda126"),
    shipped("2.13.0 cuda129"),
    shipped("2.13.0 cuda130"),
]


@pytest.mark.parametrize(
    ("capability", "driver", "pip", "conda"),
    [
        pytest.param("8.6", "580.95.05", "2.14.1+cu130", "2.13.0 cuda130", id="the-newest-that-runs"),
        pytest.param("8.6", "550.54.15", "2.8.0+cu128", "2.13.0 cuda129", id="below-cuda-13-pypis-own"),
        pytest.param("6.1", "580.95.05", "2.8.0+cu126", "2.13.0 cuda129", id="pascal"),
        pytest.param("3.7", "470.256.02", "2.3.1+cu118", None, id="kepler"),
        pytest.param("6.1 12.0", "580.95.05", None, "2.13.0 cuda129", id="nothing-unproven-is-shipped"),
        pytest.param("8.6", "440.33.01", None, None, id="a-driver-too-old-for-all"),
    ],
)
def test_the_lock_that_is_taken(capability: str, driver: str, pip: str | None, conda: str | None) -> None:
    request = ask(capability, driver=driver)
    found = [newest(package_set, ALL, request, FROZEN) for package_set in PackageSet]
    assert [pairing.build.short_label if pairing else None for pairing in found] == [pip, conda]


def test_a_lock_is_for_one_python_and_one_platform() -> None:
    other = newest(PackageSet.PIP, ALL, ask("8.6", driver="595.71.05", python="3.11"), FROZEN)
    assert other is not None
    assert other.build.short_label == "2.14.1+cu132"
    assert newest(PackageSet.PIP, ALL, ask("8.6", driver="595.71.05", python="3.13"), FROZEN) is None
    assert newest(PackageSet.PIP, ALL, ask("8.6", "win-64", driver="596.36"), FROZEN) is None
    assert newest(PackageSet.PIP, [], ask("8.6"), FROZEN) is None


def test_one_build_when_it_runs() -> None:
    (build,) = builds_of(shipped("2.14.1+cu130"), FROZEN)
    request = ask("8.6", driver="580.95.05")
    found = pairing_if_it_runs(build, request, FROZEN)
    assert found is not None
    assert (found.build, found.index_url) == (build, "https://pypi.org/simple")
    assert pairing_if_it_runs(build, ask("6.1", driver="580.95.05"), FROZEN) is None
    assert builds_of(shipped("9.9.9+cu130"), FROZEN) == ()


@pytest.mark.parametrize("capability", ["8.7", "11.0"])
def test_no_lock_for_arm_servers_is_one_for_a_jetson(capability: str) -> None:
    """conda-forge's builds of CUDA 12 for both have one release and one tag; arm-variant tells them apart."""
    lock, facts = shipped("2.10.0 cuda129", subdir=Subdir.LINUX_AARCH64), Catalog.load()
    assert any(build.is_tegra for build in builds_of(lock, facts))
    asked = replace(ask(capability, "linux-aarch64"), glibc="2.39")
    assert newest(PackageSet.CONDA, [lock], asked, facts) is None
    assert newest(PackageSet.CONDA, [lock], ask("9.0", "linux-aarch64"), facts) is not None
