"""A Jetson is decided by its JetPack, never by the number of its driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.request import Machine
from envgen.core.sets import PackageSet
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError
from envgen.resolve.jetson import computers_of, jetpack_of
from equipment.requests import ask
from resolve.catalog import catalog_of, package, wheel

ARM = {"subdir": "linux-aarch64"}
# PyPI's and PyTorch's wheels for Arm servers, and conda-forge's builds of both kinds (their arch lists of 2026-11).
SERVER = "sm_80 sm_90 sm_100 sm_110 sm_120"
WHEELS = [
    wheel("2.14.1", "cu126", "sm_80 sm_90", **ARM),
    wheel("2.15.0", "cu130", SERVER, cudnn="9.26.0.51", pythons_seen="", **ARM),
    wheel("2.15.0", "cu132", SERVER, cudnn="9.26.0.51", on_pypi="yes", **ARM),
]
PACKAGES = [
    package("2.7.1", "12.6", "sm_80 sm_90 compute_90", **ARM),
    package("2.13.0", "12.9", "sm_87 compute_87", variant="tegra", pins="arm-variant=*=tegra", glibc="2.34", **ARM),
    package("2.13.0", "13.0", f"sm_87 {SERVER}", glibc="2.28", **ARM),
]
CATALOG = catalog_of(WHEELS, PACKAGES)


@pytest.mark.parametrize(
    ("capability", "driver", "pip", "conda"),
    [
        # Thor with JetPack 7.0: cu130 runs, cu132 was shown by nobody (vllm#34470, OpenRAL/openral#167).
        pytest.param("11.0", "580.00", "2.15.0+cu130", "2.13.0 cuda130", id="thor-7.0"),
        pytest.param("11.0", "580", "2.15.0+cu130", "2.13.0 cuda130", id="thor-7.0-by-branch"),
        pytest.param("11.0", "595.78", "2.15.0+cu132", "2.13.0 cuda130", id="thor-7.2"),
        pytest.param("11.0", "595.73", "2.15.0+cu132", "2.13.0 cuda130", id="thor-7.2-with-an-earlier-driver"),
        # Orin with JetPack 6: only conda-forge's Tegra builds (dusty-nv/jetson-containers#1257).
        pytest.param("8.7", "540.4.0", None, "2.13.0 cuda129", id="orin-6.2"),
        pytest.param("8.7", "540.3.0", None, "2.13.0 cuda129", id="orin-6.0"),
        pytest.param("8.7", "540", None, "2.13.0 cuda129", id="orin-6-by-branch"),
        # Orin with JetPack 7.2: torch's second table lets machine code for 8.0 run (pytorch/pytorch#186285).
        pytest.param("8.7", "595.78", "2.15.0+cu132", "2.13.0 cuda130", id="orin-7.2"),
        pytest.param("8.7", None, "2.15.0+cu132", "2.13.0 cuda130", id="orin-with-the-newest"),
        pytest.param("8.7", "510.47.03", None, None, id="orin-5-has-no-driver-number"),
    ],
)
def test_what_a_jetson_gets(capability: str, driver: str | None, pip: str | None, conda: str | None) -> None:
    found = resolve(CATALOG, ask(capability, "linux-aarch64", driver, glibc="2.39"))
    labels = [p.build.short_label if (p := found.pairing(package_set)) else None for package_set in PackageSet]
    assert labels == [pip, conda]


def test_the_floor_is_the_driver_of_the_oldest_jetpack_that_does() -> None:
    thor = resolve(CATALOG, ask("11.0", "linux-aarch64", "595.78", glibc="2.39"))
    orin = resolve(CATALOG, ask("8.7", "linux-aarch64", "540.4.0", glibc="2.39"))
    assert thor.pip is not None
    assert thor.conda is not None
    assert orin.conda is not None
    assert [str(p.driver_floor) for p in (thor.pip, thor.conda, orin.conda)] == ["595.78", "580.00", "540.3.0"]


@pytest.mark.parametrize(
    ("cuda", "arch_list", "floor"),
    [
        # JetPack 6.0 has CUDA 12.2, 6.2 12.6, 7.2 13.2; up to CUDA 12 any of the major serves machine code.
        ("12.6.3", "sm_87", "540.3.0"),
        ("12.6.3", "compute_87", "540.4.0"),
        ("13.2.1", "sm_87", "595.78"),
    ],
)
def test_the_patch_of_a_toolkit_needs_no_newer_jetpack(cuda: str, arch_list: str, floor: str) -> None:
    tegra = package("2.9.1", cuda, arch_list, variant="tegra", pins="arm-variant=*=tegra", **ARM)
    found = resolve(catalog_of(packages=[tegra]), ask("8.7", "linux-aarch64", "595.78", glibc="2.35")).conda
    assert found is not None
    assert str(found.driver_floor) == floor


def test_why_a_build_is_not_for_a_jetson() -> None:
    rejected = {r.cuda_tag: r for r in resolve(CATALOG, ask("8.7", "linux-aarch64", "540.4.0")).rejected}
    assert rejected["cu126"].code == "no-kernel-image"
    newest = rejected["cu132"]
    assert newest.text.endswith("needs CUDA 13.2.2, JetPack 6.2 serves CUDA 12.6") or "13.2" in newest.text
    assert newest.unlock == {"driver": "JetPack 7.2"}
    assert newest.change is not None
    assert newest.change.action() == "install JetPack 7.2"
    thor = {r.cuda_tag: r for r in resolve(CATALOG, ask("11.0", "linux-aarch64", "580.00")).rejected}
    assert (thor["cu132"].code, thor["cu132"].unlock) == ("unproven", {"driver": "JetPack 7.2"})


@pytest.mark.parametrize(("cuda", "runs"), [("12.6", True), ("12.9", False)])
def test_ptx_needs_a_jetpack_with_its_cuda(cuda: str, runs: bool) -> None:
    tegra = package("2.9.1", cuda, "compute_87", variant="tegra", pins="arm-variant=*=tegra", **ARM)
    found = resolve(catalog_of(packages=[tegra]), ask("8.7", "linux-aarch64", "540.4.0", glibc="2.35"))
    assert (found.conda is not None) is runs
    if not runs:
        assert found.rejected[0].code == "driver-too-old"


def test_a_jetpack_without_a_driver_number() -> None:
    rows = CATALOG.replaced("jetpack", CATALOG.rows("jetpack")[:1])
    request = ask("8.7", "linux-aarch64", glibc="2.31")
    (requested,) = request.gpus
    module = replace(requested, gpu=replace(requested.gpu, segment="jetson"))
    found = resolve(rows, replace(request, gpus=(module,)))
    assert found.driver is not None
    assert (str(found.driver), found.driver.parts) == ("of Jetson Linux 35.4.1", (35, 4, 1))
    assert NoBuildError(found).hint().startswith("NVIDIA publishes wheels of its own at https://developer.download")


def test_builds_for_servers_run_on_no_jetson_before_cuda_13() -> None:
    rows = catalog_of(packages=PACKAGES[:1])
    (rejection,) = resolve(rows, ask("11.0", "linux-aarch64", "580.00", glibc="2.39")).rejected
    assert rejection.code == "gpu-not-on-platform"
    assert "built for Arm servers, which a Jetson runs from CUDA 13 on; JetPack 7.0 serves CUDA 13.0" in rejection.text


def test_what_is_said_to_the_owner_of_a_jetson() -> None:
    found = resolve(CATALOG, ask("8.7", "linux-aarch64", "540.4.0", glibc="2.35"))
    said = {notice.code: notice.text for notice in found.notices}
    assert said["jetpack"].startswith("decided for JetPack 6.2: CUDA 12.6, glibc 2.35, Ubuntu's Python 3.10")
    assert "developer.download.nvidia.com/compute/redist/jp/" in said["jetson-own-wheels"]
    nothing = NoBuildError(resolve(CATALOG, ask("8.7", "linux-aarch64", "510.47.03", glibc="2.31")))
    assert nothing.hint() == "install JetPack 7.2: then torch 2.15.0+cu132 from pip runs"


@pytest.mark.parametrize(
    ("tag", "toolkit", "driver", "needs"),
    [
        pytest.param("cu132", "13.2.2", "580.00", "CUDA 13.2.2, JetPack 7.0 serves CUDA 13.0", id="a-newer-one-does"),
        pytest.param("cu134", "13.4.3", "595.78", "CUDA 13.4.3, JetPack 7.2 serves CUDA 13.2", id="none-does"),
    ],
)
def test_what_nobody_has_shown_is_written_for_who_asks_for_it(tag: str, toolkit: str, driver: str, needs: str) -> None:
    rows = catalog_of([wheel("2.15.0", tag, SERVER, toolkit=toolkit, cudnn="9.26.0.51", **ARM)])
    thor = ask("11.0", "linux-aarch64", driver, glibc="2.39")
    (rejection,) = resolve(rows, thor).rejected
    assert rejection.code == "unproven"
    exact = resolve(rows, replace(thor, torch="==2.15.0", cuda=tag))
    assert exact.pip is not None
    assert str(exact.pip.driver_floor) == driver
    (said,) = (notice.text for notice in exact.notices if notice.code == "unproven")
    assert said == f"torch 2.15.0+{tag} needs {needs}; nobody has shown that it runs there"
    assert said == rejection.text


def test_a_newer_release_that_runs_on_an_orin_by_the_second_table_is_no_end() -> None:
    """torch's table for CUDA 13.2 lets machine code for 8.0 run on 8.7 (pytorch/pytorch#186285)."""
    rows = [wheel("2.14.1", "cu132", SERVER, **ARM), wheel("2.15.0", "cu132", SERVER, pythons="3.13", **ARM)]
    for newer, is_last in ((rows[1], False), ({**rows[1], "cuda_tag": "cu130"}, True)):
        found = resolve(catalog_of([rows[0], newer]), ask("8.7", "linux-aarch64", "595.78", glibc="2.39"))
        assert found.pip is not None
        assert found.pip.build.torch == "2.14.1"
        assert ("last-build-for-gpu" in {notice.code for notice in found.notices}) is is_last


@pytest.mark.parametrize(("cuda", "runs"), [("12.9", False), ("13.0", True)])
def test_a_jetsons_own_build_is_for_every_arm_computer_from_cuda_13_on(cuda: str, runs: bool) -> None:
    tegra = package("2.13.0", cuda, "sm_87 sm_90 sm_100", variant="tegra", pins="arm-variant=*=tegra", **ARM)
    found = resolve(catalog_of(packages=[tegra]), ask("9.0 10.0", "linux-aarch64", "580.95.05"))
    assert (found.conda is not None) is runs
    for rejection in found.rejected:
        assert (rejection.code, rejection.unlock) == ("gpu-not-on-platform", {})
        assert rejection.text.endswith("for Jetson modules up to CUDA 12, which GPU 9.0, GPU 10.0 is no part of")


@pytest.mark.parametrize(
    ("capability", "driver", "release"),
    [
        pytest.param("8.7", None, "7.2", id="the-newest"),
        pytest.param("8.7", "540.3.0", "6.0", id="its-own-number"),
        pytest.param("8.7", "540", "6.0", id="of-several-with-a-number-the-oldest"),
        pytest.param("8.7", "540.9", "6.0", id="of-that-branch"),
        pytest.param("8.7", "560.35.05", "6.2", id="the-newest-below"),
        pytest.param("8.7", "535.54.03", "5.1.2", id="one-without-a-number-is-below-all"),
        pytest.param("11.0", "570.86.15", "7.0", id="below-all-the-oldest"),
        pytest.param("11.0", "610.43.02", "7.2", id="above-all-the-newest"),
        pytest.param("8.7 11.0", None, "7.2", id="for-both-modules"),
        pytest.param("9.0", "540.3.0", None, id="no-module"),
        pytest.param("8.7 9.0", None, None, id="not-a-module-alone"),
    ],
)
def test_the_jetpack_that_a_number_stands_for(capability: str, driver: str | None, release: str | None) -> None:
    found = jetpack_of(ask(capability, "linux-aarch64", driver), CATALOG)
    assert (found.release if found else None) == release


def test_a_jetpack_that_is_stated_counts_whatever_the_number() -> None:
    stated = CATALOG.jetpacks[1]
    for driver in (None, "595.78"):
        asked = replace(ask("8.7", "linux-aarch64", driver), jetpack=stated)
        assert jetpack_of(asked, CATALOG) == stated


def test_modules_and_other_gpus_are_computers_of_their_own() -> None:
    jetpack, (orin, hopper) = CATALOG.jetpacks[2], ask("8.7 9.0", "linux-aarch64").gpus
    number, other = DriverVersion.parse("540.4.0"), DriverVersion.parse("581.57")
    both = replace(ask("8.7 9.0", "linux-aarch64"), driver=number)
    own = replace(both, gpus=(orin,), jetpack=jetpack)
    # The JetPack's number says nothing of a driver for the other GPU; one that was given for both does.
    assert computers_of(replace(both, jetpack=jetpack), CATALOG) == [own, replace(both, gpus=(hopper,), driver=None)]
    for asked in (both, replace(both, wsl=True)):
        assert computers_of(asked, CATALOG) == [replace(asked, gpus=(orin,)), replace(asked, gpus=(hopper,))]
    machines = (
        Machine(gpus=(hopper,), driver=other, wsl=True),
        Machine(gpus=(orin, hopper), driver=number, jetpack=jetpack),
    )
    assert computers_of(replace(both, machines=machines), CATALOG) == [
        replace(both, gpus=(hopper,), driver=other, wsl=True),
        own,
        replace(both, gpus=(hopper,), driver=None),
    ]
    for alone in (ask("8.7", "linux-aarch64"), ask("9.0", driver="535.54.03"), replace(ask("9.0"), wsl=True)):
        assert computers_of(alone, CATALOG) == []
    assert computers_of(replace(both, gpus=()), CATALOG) == []


def test_a_toolkit_is_fully_served_by_the_cuda_of_the_jetpack() -> None:
    """540.4.0 is JetPack 6.2's CUDA 12.6 on a Jetson, and by its number between R535's 12.2 and R550's 12.4."""
    tegra = package("2.9.1", "12.6", "sm_87", variant="tegra", pins="arm-variant=*=tegra", **ARM)
    for driver, is_full in (("540.4.0", True), ("540.3.0", False)):
        found = resolve(catalog_of(packages=[tegra]), ask("8.7", "linux-aarch64", driver, glibc="2.35")).conda
        assert found is not None
        assert found.fully_served is is_full
