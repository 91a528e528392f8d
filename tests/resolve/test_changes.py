"""The change that is named for a build was tried, and is said to a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.changes import Change
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.rules.file import nearest_first
from envgen.resolve.why_not import explain
from equipment.requests import ask
from resolve.catalog import catalog_of, wheel


def change_for(catalog: Catalog, request: Request, torch: str, cuda_tag: str) -> Change | None:
    """The change that is named for one wheel build."""
    found = explain(catalog, request, torch=torch, cuda_tag=cuda_tag)
    (rejection,) = (one.rejection for one in found if one.build.package_set is PackageSet.PIP)
    assert rejection is not None
    return rejection.change


def test_a_python_without_torchvision_is_not_named(builds: Catalog) -> None:
    """torch 2.5.1 has a wheel for Python 3.13, torchvision 0.20.1 has none (PyPI); 3.12 has both."""
    asked = ask("7.5", python="3.14", driver="580.65.06", torch="==2.5.1")
    assert change_for(builds, asked, "2.5.1", "cu124") == Change(python="3.12")
    assert resolve(builds, Change(python="3.12").applied(asked)).pip is not None
    alone = ask("7.5", python="3.14", driver="580.65.06", torch="==2.5.1", vision=False)
    assert change_for(builds, alone, "2.5.1", "cu124") == Change(python="3.13")


def test_at_a_python_without_torchvision_it_is_left_out(builds: Catalog) -> None:
    asked = ask("7.5", python="3.13", driver="580.65.06", torch="==2.5.1")
    assert change_for(builds, asked, "2.5.1", "cu124") == Change(without_vision=True)


def test_a_driver_that_dropped_the_gpu_is_gone_back_from(builds: Catalog) -> None:
    change = change_for(builds, ask("6.1", driver="595.58.03"), "2.14.1", "cu126")
    assert change is not None
    assert (change.older_driver, change.action()) == (
        True,
        f"go back to driver {change.driver}, the last that serves the GPU",
    )


def test_a_change_that_uncovers_another_is_followed(builds: Catalog) -> None:
    """The T4 on R410: cu118's driver first, and 2.7.1 has no wheel for Python 3.14 (PyTorch's index)."""
    asked = ask("7.5", driver="410.104", python="3.14")
    expected = Change(driver=DriverVersion.parse("450.80.02"), python="3.13")
    assert change_for(builds, asked, "2.7.1", "cu118") == expected


def test_three_changes_in_a_row_are_found() -> None:
    """The platform of a GH200; Python 3.13 is all that is there; torchvision 0.20.1 has no wheel for that (PyPI)."""
    rows = catalog_of(
        [wheel("2.5.1", "cu124", "sm_90", subdir=s, pythons="3.13") for s in ("linux-64", "linux-aarch64")]
    )
    asked = ask("9.0", python="3.12")
    (requested,) = asked.gpus
    gpu = replace(requested.gpu, only_subdir=Subdir.LINUX_AARCH64)
    (rejection,) = resolve(rows, replace(asked, gpus=(replace(requested, gpu=gpu),))).rejected
    assert rejection.change == Change(subdir=Subdir.LINUX_AARCH64, python="3.13", without_vision=True)


def test_changes_that_undo_each_other_are_none() -> None:
    """R470 is the last branch for Kepler, CUDA 12 needs 525.60.13 (NVIDIA)."""
    rows = catalog_of([wheel("2.5.1", "cu124", "sm_37", cudnn="8.7.0.84")])
    for driver in ("470.256.02", "525.60.13"):
        (rejection,) = resolve(rows, ask("3.7", driver=driver)).rejected
        assert rejection.change is None


@pytest.mark.parametrize(
    ("pythons", "wanted", "expected"),
    [
        (["3.9", "3.11", "3.13"], "3.12", ["3.11", "3.9", "3.13"]),
        (["3.13", "3.12", "3.9"], "3.12", ["3.9", "3.13"]),
        (["3.13", "3.14"], "3.12", ["3.13", "3.14"]),
        ([], "3.12", []),
    ],
)
def test_the_nearest_python_is_tried_first(pythons: list[str], wanted: str, expected: list[str]) -> None:
    assert nearest_first(wanted, pythons) == expected


def test_a_python_is_named_where_the_companion_is_missing_for_one_and_torch_for_another() -> None:
    """torchvision 0.20.1 has no wheel for 3.13; this torch has none for 3.12t and 3.14."""
    rows = catalog_of([wheel("2.5.1", "cu124", "sm_75", pythons="3.11 3.12t 3.13")])
    (rejection,) = resolve(rows, ask("7.5", python="3.14")).rejected
    assert rejection.change == Change(python="3.11")


def test_another_platform_is_named_with_what_is_needed_there(builds: Catalog) -> None:
    """Jetson modules are linux-aarch64, and a build that has no wheel for Python 3.9 has none there either."""
    rejected = resolve(builds, ask("11.0", "linux-64", python="3.9")).rejected
    found = [r.change for r in rejected if r.change and r.package_set is PackageSet.PIP]
    assert found
    assert all(change.subdir is Subdir.LINUX_AARCH64 and change.python for change in found)


@pytest.mark.parametrize(
    ("change", "action"),
    [
        (Change(driver=DriverVersion.parse("572.16")), "update the driver to 572.16 or newer"),
        (
            Change(driver=DriverVersion.parse("582.78"), older_driver=True),
            "go back to driver 582.78, the last that serves the GPU",
        ),
        (
            Change(python="3.12", glibc="2.34"),
            "use Python 3.12 (--python 3.12) and use a system with glibc 2.34 or newer (--glibc 2.34)",
        ),
        (Change(subdir=Subdir.LINUX_AARCH64), "use linux-aarch64 (--platform linux-aarch64)"),
        (
            Change(torch="==2.5.1", cuda="cu126"),
            "ask for torch 2.5.1 (--torch ==2.5.1) and ask for CUDA 12.6 (--cuda cu126)",
        ),
        (Change(without_vision=True), "leave torchvision out (--no-vision)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_is_said_as_what_a_person_does(change: Change, action: str) -> None:
    assert change.action() == action


def test_two_changes_together_take_the_newer_driver_and_glibc() -> None:
    one = Change(driver=DriverVersion.parse("525.60.13"), glibc="2.9", python="3.11")
    other = Change(driver=DriverVersion.parse("450.80.02"), glibc="2.28", without_vision=True)
    assert one.merged(other) == Change(
        driver=DriverVersion.parse("525.60.13"), glibc="2.28", python="3.11", without_vision=True
    )
    assert other.merged(one) == one.merged(other)
