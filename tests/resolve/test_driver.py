"""Which system a driver's number is of, and what is known of it, on the frozen branches of NVIDIA's driver archive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.request import Machine
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.driver import is_of_windows, of_linux
from envgen.resolve.evaluation import Evaluation
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


@pytest.mark.parametrize(
    ("driver", "read"),
    [
        pytest.param("582.28", "580", id="a-branch-of-windows-alone"),
        pytest.param("560.94", "560", id="above-the-last-of-linux-560.35.05"),
        pytest.param("560.35.05", "560.35.05", id="the-last-of-linux-itself"),
        pytest.param("580.88", "580.88", id="both-have-it-linux-goes-on-to-580.178.04"),
        pytest.param("580", "580", id="a-bare-branch-of-both"),
        pytest.param("581", "580", id="a-bare-number-of-windows"),
        pytest.param("581.57.01", "581.57.01", id="three-fields-are-of-linux"),
        pytest.param("620.70", "620.70", id="of-no-branch"),
        pytest.param("340.108", "340.108", id="the-last-of-linux-in-two-fields"),
        pytest.param("341.96", "340", id="a-branch-of-windows-that-old"),
        pytest.param("610.94", "610.94", id="a-branch-whose-last-of-linux-is-not-known"),
    ],
)
def test_a_number_that_only_windows_has(driver: str, read: str) -> None:
    rows = [{**row, "last_linux": ""} if row["branch"] == "610" else row for row in FROZEN.rows("driver_branches")]
    r340 = {**rows[0], "branch": "340", "cuda": "6.5", "windows_majors": "340 341 342", "last_linux": "340.108"}
    known, given = FROZEN.replaced("driver_branches", [r340, *rows]), DriverVersion.parse(driver)
    assert str(of_linux(given, known)) == read
    rules = Evaluation.of(ask("7.5", driver=driver), known).rules
    assert (str(rules.driver), str(rules.stated)) == (read, driver)
    assert rules.is_wsl is is_of_windows(given, known) is (read != driver)
    assert not Evaluation.of(ask("7.5", "win-64", driver), known).rules.is_wsl


def test_a_branch_begins_on_windows_with_a_number_of_its_own() -> None:
    """R525 is 525 on Linux, and 526 to 529 on Windows."""
    for subdir, driver, is_from in (
        ("win-64", "525.99", False),
        ("win-64", "526.47", True),
        ("linux-64", "525.60", True),
    ):
        assert Evaluation.of(ask("7.5", subdir, driver), FROZEN).rules.is_from(525) is is_from


def test_a_gpu_that_no_table_knows_has_the_floor_of_the_cuda_major() -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", NEWEST)])
    assert [str(c) for c in FROZEN.support if c.major == 10] == ["10.0"]
    found = resolve(rows, ask("10.3", driver="570.124.06")).pip
    assert found is not None
    assert str(found.driver_floor) == "525.60.13"


@pytest.mark.parametrize(
    ("arch_list", "driver", "floor"),
    [
        # NVIDIA's release notes: CUDA 12 needs 528.33 on Windows, the toolkit of 12.8.1 572.61.
        pytest.param(NEWEST, "526.98", "528.33", id="machine-code"),
        pytest.param("compute_75", "560.94", "572.61", id="ptx"),
    ],
)
def test_in_wsl_the_floor_is_a_driver_of_windows(builds: Catalog, arch_list: str, driver: str, floor: str) -> None:
    rows = builds.replaced("torch_builds", [wheel("2.8.0", "cu128", arch_list, toolkit="12.8.1")])
    asked = replace(ask("8.6", driver=driver, cuda="cu128"), wsl=True)
    (rejection,) = (one for one in resolve(rows, asked).rejected if one.package_set is PackageSet.PIP)
    assert rejection.text == f"torch 2.8.0+cu128 needs driver {floor} or newer on Windows, the target has {driver}"
    assert rejection.unlock == {"driver": floor}


def test_in_wsl_a_pairing_states_a_driver_of_windows(builds: Catalog) -> None:
    rows = builds.replaced("torch_builds", [wheel("2.8.0", "cu128", NEWEST, toolkit="12.8.1")])
    found = resolve(rows, replace(ask("8.6", driver="560.94"), wsl=True)).pip
    assert found is not None
    assert str(found.driver_floor) == "528.33"


def test_of_several_machines_one_in_wsl_has_its_own_floor() -> None:
    """NVIDIA: CUDA 12 needs 525.60.13 on Linux, 528.33 on Windows."""
    asked = ask("7.5 8.6", driver="535.309.01")
    drivers = ("560.94", "535.309.01")
    machines = tuple(
        Machine(gpus=(gpu,), driver=DriverVersion.parse(driver), wsl=driver == "560.94")
        for gpu, driver in zip(asked.gpus, drivers, strict=True)
    )
    found = resolve(catalog_of([wheel("2.8.0", "cu128", NEWEST)]), replace(asked, machines=machines))
    assert found.pip is not None
    assert str(found.pip.driver_floor) == "525.60.13"
    (said,) = (notice.text for notice in found.notices if notice.code == "driver-floors")
    assert said.endswith("is 528.33 with GPU 7.5; 525.60.13 with GPU 8.6")


def test_a_branch_that_is_the_last_for_one_gpu_and_the_first_for_another_serves_both() -> None:
    rows = [
        {**row, "first_branch": "580"} if row["capability"] == "12.0" else row for row in FROZEN.rows("capabilities")
    ]
    known = catalog_of([wheel("2.8.0", "cu128", f"sm_60 {NEWEST}")]).replaced("capabilities", rows)
    assert resolve(known, ask("6.1 12.0", driver="580.95.05")).pip is not None
    (rejection,) = resolve(known, ask("6.1 12.0", driver="570.124.06")).rejected
    assert (rejection.code, rejection.unlock) == ("driver-predates-gpu", {"driver": "580"})


def test_wsl_serves_what_its_first_branch_still_serves() -> None:
    """NVIDIA's guide: CUDA in WSL2 since R495."""
    rows = [{**row, "last_branch": "495"} if row["capability"] == "3.7" else row for row in FROZEN.rows("capabilities")]
    first = {**FROZEN.rows("driver_branches")[2], "branch": "495", "cuda": "11.5", "windows_majors": "496 497"}
    branches = [*FROZEN.rows("driver_branches")[:3], first, *FROZEN.rows("driver_branches")[3:]]
    known = catalog_of([wheel("2.3.1", "cu118", "sm_37 sm_75", cudnn="8.7.0.84")]).replaced("driver_branches", branches)
    served = known.replaced("capabilities", rows)
    assert resolve(served, replace(ask("3.7", driver="496.13"), wsl=True)).pip is not None
    for catalog, capability, driver, code in (
        (known, "3.7", "474.82", "driver-predates-gpu"),
        (served, "3.7", "474.82", "driver-too-old"),
        (served, "7.5", "474.82", "driver-too-old"),
    ):
        (rejection,) = resolve(catalog, replace(ask(capability, driver=driver), wsl=True)).rejected
        assert rejection.code == code
