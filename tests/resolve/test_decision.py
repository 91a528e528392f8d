"""What a decision holds beside the build: the driver it was made for, floors, what was passed over, and the error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.request import Machine
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Row
from envgen.resolve import resolve
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules
from envgen.resolve.errors import NoBuildError
from envgen.resolve.evaluation import Evaluation
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


@pytest.mark.parametrize(
    ("capability", "subdir", "driver"),
    [
        ("8.6", "linux-64", "610.43.02"),
        ("8.6", "win-64", "610.47"),
        ("6.1", "linux-64", "580.178.04"),
        ("6.1", "win-64", "582.78"),
        ("3.7 8.6", "linux-64", "470.256.02"),
        ("6.1 3.7", "linux-64", "470.256.02"),
        ("3.7 6.1", "win-64", "475.14"),
        ("8.7", "linux-aarch64", "595.78"),
    ],
)
def test_without_a_driver_the_newest_that_serves_all_gpus_is_assumed(capability: str, subdir: str, driver: str) -> None:
    assert str(resolve(FROZEN, ask(capability, subdir)).driver) == driver


def test_a_gpu_whose_last_release_is_not_known_gets_its_branch() -> None:
    rows = [row if row["branch"] != "470" else {**row, "last_linux": ""} for row in FROZEN.rows("driver_branches")]
    assert str(resolve(FROZEN.replaced("driver_branches", rows), ask("3.7")).driver) == "470"


def test_what_an_index_does_not_have_is_passed_over_and_said() -> None:
    absent = frozenset({(PackageSet.PIP, "2.15.0", "cu132"), (PackageSet.CONDA, "2.13.0", "cu130")})
    request = ask("8.6", driver="580.95.05")
    found = resolve(FROZEN, request, absent=absent)
    assert found.pip is not None
    assert found.conda is not None
    assert (found.pip.build.short_label, found.conda.build.short_label) == ("2.15.0+cu130", "2.13.0 cuda129")
    assert found.absent == absent
    assert str(found.driver) == "580.95.05"
    missing = [rejection for rejection in found.rejected if rejection.code == "no-file"]
    assert [(r.torch, r.cuda_tag, r.unlock) for r in missing] == [("2.15.0", "cu132", {}), ("2.13.0", "cu130", {})]
    assert missing[0].text.startswith("torch 2.15.0+cu132 is not there: the index or channel was asked")
    assert resolve(FROZEN, request).absent == frozenset()


def test_only_builds_of_the_chosen_release_and_of_newer_ones_were_passed_over() -> None:
    found = resolve(FROZEN, ask("8.6", driver="560.35.05"))
    wheels = [(r.torch, r.cuda_tag) for r in found.rejected if r.package_set is PackageSet.PIP]
    assert wheels == [
        ("2.15.0", "cu134"),
        ("2.15.0", "cu132"),
        ("2.15.0", "cu130"),
        ("2.14.1", "cu132"),
        ("2.14.1", "cu130"),
    ]
    assert len(found.rejected) == len(list(found.rejected))
    assert found.rejected[0].code == "existence-uncertain"
    assert [r.torch for r in found.rejected[:2]] == ["2.15.0", "2.15.0"]


@pytest.mark.parametrize(
    ("row", "capability", "driver", "floor", "fully"),
    [
        (wheel("2.8.0", "cu126", NEWEST, toolkit="12.6.3"), "8.6", "525.60.13", "525.60.13", False),
        (wheel("2.8.0", "cu126", NEWEST, toolkit="12.6.3"), "8.6", "560.35.05", "525.60.13", True),
        (wheel("2.8.0", "cu126", "compute_75", toolkit="12.6.3"), "8.6", "560.35.05", "560.35.05", True),
        # A GPU's first branch, where that is later than the floor of the CUDA major.
        (wheel("2.8.0", "cu128", NEWEST, toolkit="12.8.1"), "12.0", "570.26", "570", True),
        (wheel("2.8.0", "cu118", NEWEST, toolkit="11.8.0"), "8.6", "460.32.03", "455", False),
        # Below the floor of the major with a driver of that very CUDA: the floor is that of the branch.
        (wheel("1.7.1", "cu110", NEWEST, cudnn="8.0.5"), "8.0", "450.66", "450", True),
        (wheel("1.10.2", "cu102", NEWEST, toolkit="10.2.89", cudnn="7.6.5"), "7.5", "440.33.01", "440.33", True),
        # No minimum is stated for 12.4 here: the first branch that reports it.
        (wheel("2.5.1", "cu124", "compute_75"), "8.6", "550.54.15", "550", True),
    ],
)
def test_a_floor(row: Row, capability: str, driver: str, floor: str, fully: bool) -> None:
    found = resolve(catalog_of([row]), ask(capability, driver=driver, vision=False)).pip
    assert found is not None
    assert (str(found.driver_floor), found.fully_served) == (floor, fully)


@pytest.mark.parametrize(
    ("toolkit", "driver", "floor"),
    [
        ("12.8.0", "570.65", "570.65"),  # the driver that came with CUDA 12.8.0 on Windows, before R570's first release
        ("12.6.3", "560.94", "560"),  # below the stated 561.17, but of the branch that reports CUDA 12.6
        ("12.8.1", "572.61", "572.61"),
    ],
)
def test_a_floor_on_windows(toolkit: str, driver: str, floor: str) -> None:
    tag = "cu" + "".join(toolkit.split(".")[:2])
    row = wheel("2.8.0", tag, "compute_75", toolkit=toolkit, subdir="win-64", glibc="")
    found = resolve(catalog_of([row]), ask("8.6", "win-64", driver)).pip
    assert found is not None
    assert (str(found.driver_floor), found.fully_served) == (floor, True)


def test_a_driver_that_is_too_old_is_said_with_both_sides() -> None:
    for subdir, system, driver, floor in (
        ("linux-64", "Linux", "470.256.02", "525.60.13"),
        ("win-64", "Windows", "472.12", "528.33"),
    ):
        row = wheel("2.8.0", "cu128", NEWEST, subdir=subdir, glibc="")
        (rejection,) = resolve(catalog_of([row]), ask("8.6", subdir, driver)).rejected
        assert rejection.text == f"torch 2.8.0+cu128 needs driver {floor} or newer on {system}, the target has {driver}"


def test_of_several_machines_each_was_held_against_its_own_driver() -> None:
    """A GTX 1080 Ti with R550 and an RTX 5090 with R580: the older driver serves the first GPU alone."""
    request = ask("6.1 12.0", driver="550.54.15")
    newer = DriverVersion.parse("580.95.05")
    machines = tuple(
        Machine(gpus=(gpu,), driver=own) for gpu, own in zip(request.gpus, (request.driver, newer), strict=True)
    )
    rows = catalog_of([wheel("2.8.0", "cu128", f"sm_60 {NEWEST}")])
    alone = resolve(rows, request)
    assert alone.pip is None
    resolution = resolve(rows, replace(request, machines=machines))
    assert resolution.pip is not None
    assert str(resolution.pip.driver_floor) == "525.60.13"
    assert resolution.drivers == "drivers 550.54.15, 580.95.05"
    # NVIDIA: R570 is the first branch with an RTX 50.
    (said,) = [notice.text for notice in resolution.notices if notice.code == "driver-floors"]
    assert "525.60.13 with" in said
    assert "; 570 with" in said


def test_a_machine_that_runs_compiled_code_needs_no_driver_for_anothers_ptx() -> None:
    """PTX needs the toolkit's own driver (CUDA compatibility guide), on the machine that runs it and no other."""
    request = ask("6.1 9.0", driver="530.41.03")
    rows = catalog_of([wheel("2.8.0", "cu126", "sm_60 compute_80")])
    assert resolve(rows, request).pip is None
    old, new = request.gpus
    for driver, runs in (("580.95.05", True), ("530.41.03", False)):
        machines = (
            Machine(gpus=(old,), driver=request.driver),
            Machine(gpus=(new,), driver=DriverVersion.parse(driver)),
        )
        assert (resolve(rows, replace(request, machines=machines)).pip is not None) is runs


@pytest.mark.parametrize(
    ("arch_list", "capability", "cuda", "expected"),
    [
        ("sm_80 sm_90", "8.7", "13.0", None),
        ("sm_80 sm_90", "8.7", "13.2.2", "sm_80"),
        ("sm_80 sm_90", "8.7", "", None),
        ("sm_100f", "10.0", "", "sm_100f"),
        ("compute_90", "9.0", "", "compute_90"),
        ("compute_80 sm_70", "8.0", "", "compute_80"),
        ("sm_90 sm_75 compute_75", "7.5", "", "sm_75"),
    ],
)
def test_the_code_of_a_list_for_a_toolkit(arch_list: str, capability: str, cuda: str, expected: str | None) -> None:
    gpu = Gpu(name="a GPU", capability=ComputeCapability.parse(capability), architecture="")
    found = code_for([ArchCode.parse(code) for code in arch_list.split()], gpu, cuda)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    ("driver", "minimum", "meets", "serves"),
    [
        ("570", "570.124.06", True, False),
        ("580", "570.124.06", True, True),
        ("560", "570.124.06", False, False),
        ("570.124.06", "570.124.06", True, True),
        ("570.86.15", "570.124.06", False, False),
    ],
)
def test_a_bare_branch_meets_a_floor_in_it_and_proves_no_minimum_in_it(
    driver: str, minimum: str, meets: bool, serves: bool
) -> None:
    have, wanted = DriverVersion.parse(driver), DriverVersion.parse(minimum)
    assert (have.meets_floor(wanted), have.serves_toolkit(wanted)) == (meets, serves)


def test_the_branches_of_windows() -> None:
    rules = Evaluation.of(ask("8.6", "win-64", "572.16"), FROZEN).rules
    assert (rules.last_major(580), rules.last_major(999)) == (582, 999)
    assert [str(rules.first_of(branch)) for branch in (570, 580, 999)] == ["572", "580", "999"]
    assert [rules.is_from(branch) for branch in (560, 570, 580)] == [True, True, False]
    between = Evaluation.of(ask("8.6", "win-64", "571.96"), FROZEN).rules
    assert between.own_cuda == (12, 6)  # R570 begins with 572 on Windows
    bare = replace(rules, driver=ask("8.6", driver="570").driver or rules.driver)
    assert (bare.is_from(570), bare.is_from(580)) == (True, False)
    linux: DriverRules = Evaluation.of(ask("8.6", driver="571.10"), FROZEN).rules
    assert (linux.last_major(580), linux.own_cuda, str(linux.driver)) == (580, (12, 8), "571.10")
    unlisted = [
        *FROZEN.rows("driver_branches"),
        {**FROZEN.rows("driver_branches")[-1], "branch": "999", "windows_majors": ""},
    ]
    unknown = Evaluation.of(ask("8.6", "win-64", "572.16"), FROZEN.replaced("driver_branches", unlisted)).rules
    assert (unknown.last_major(999), str(unknown.first_of(999)), unknown.own_cuda) == (999, "999", (12, 8))


@pytest.mark.parametrize(
    ("driver", "subdir", "read"),
    [
        ("581.57", "linux-64", "580"),
        ("571.10", "linux-64", "571.10"),  # of no branch that is known
        ("580.65.06", "linux-64", "580.65.06"),
        ("581.57", "win-64", "581.57"),
        ("526.98", "linux-64", "470"),  # below Windows' floor of CUDA 12, so no CUDA 12 under WSL
    ],
)
def test_a_windows_number_under_wsl(driver: str, subdir: str, read: str) -> None:
    asked = ask("7.5", subdir, driver)
    assert str(Evaluation.of(asked, FROZEN).rules.driver) == read
    assert str(resolve(FROZEN, asked).driver) == driver  # what the reader's computer shows


def test_an_error_says_each_kind_of_reason_once_and_the_liftable_one_first() -> None:
    found = resolve(FROZEN, ask("8.6", driver="440.33.01", python="3.10"))
    error = NoBuildError(found)
    first, *others = error.facts()
    assert first.startswith("no-file (") or first.startswith("driver-")
    assert len({fact.partition(" ")[0] for fact in (first, *others)}) == len(error.facts())
    assert all(", such as: " in fact for fact in error.facts())
    of_pip = NoBuildError(found, PackageSet.PIP)
    assert of_pip.headline().startswith("no pip build of PyTorch runs on GPU 8.6 (compute capability 8.6) with driver")
    assert {rejection.package_set for rejection in of_pip.rejected} == {PackageSet.PIP}
    assert (of_pip.resolution, of_pip.package_set) == (found, PackageSet.PIP)


def test_an_error_counts_its_builds() -> None:
    rows = catalog_of(
        [wheel("2.7.1", "cu126", "sm_90"), wheel("2.8.0", "cu128", "sm_90")], [package("2.7.1", "12.6", "")]
    )
    error = NoBuildError(resolve(rows, ask("8.6 7.5")))
    assert error.headline() == (
        "no PyTorch build runs on GPU 8.6 (compute capability 8.6), GPU 7.5 (compute capability 7.5) with driver "
        "610.43.02, linux-64, Python 3.12"
    )
    (fact,) = error.facts()
    assert fact.startswith("no-kernel-image (3 builds), such as: torch 2.8.0+cu128 has no code for GPU 8.6")
    assert error.hint() == "no option changes that for all of them together; run envgen for each GPU by itself"
    (one,) = NoBuildError(resolve(catalog_of([wheel("2.7.1", "cu126", "sm_90")]), ask("8.6"))).facts()
    assert one.startswith("no-kernel-image (1 build), such as")


def test_builds_that_nobody_has_seen_are_a_reason_only_where_their_cuda_is_asked_for() -> None:
    rows = catalog_of(
        [wheel("2.8.0", "cu128", "sm_90"), wheel("2.8.0", "cu134", NEWEST, existence="uncertain", pythons_seen="")]
    )
    assert [fact.partition(" ")[0] for fact in NoBuildError(resolve(rows, ask("8.6"))).facts()] == ["no-kernel-image"]
    asked = NoBuildError(resolve(rows, ask("8.6", cuda="cu134")))
    assert {fact.partition(" ")[0] for fact in asked.facts()} >= {"existence-uncertain"}
    alone = catalog_of([wheel("2.8.0", "cu134", NEWEST, existence="uncertain", pythons_seen="")])
    assert [fact.partition(" ")[0] for fact in NoBuildError(resolve(alone, ask("8.6"))).facts()] == [
        "existence-uncertain"
    ]


def test_another_torch_is_named_only_when_nothing_else_helps() -> None:
    rows = catalog_of([wheel("2.7.1", "cu126", NEWEST, pythons="3.11"), wheel("2.8.0", "cu128", NEWEST)])
    asked = ask("8.6", driver="580.95.05", torch="<2.8")
    assert (
        NoBuildError(resolve(rows, asked)).hint()
        == "use Python 3.11 (--python 3.11): then torch 2.7.1+cu126 from pip runs"
    )
    only = catalog_of([wheel("2.8.0", "cu128", NEWEST)])
    assert (
        "torch-excluded (1 build), such as: torch 2.8.0+cu128 is outside"
        in NoBuildError(resolve(only, asked)).facts()[0]
    )
    assert NoBuildError(resolve(only, asked)).hint() == (
        "ask for torch 2.8.0 (--torch ==2.8.0): then torch 2.8.0+cu128 from pip runs"
    )


def test_why_a_build_is_not_proven() -> None:
    for cudnn, said in (("9.1.0.70", "its cuDNN 9.1.0.70 for"), ("", "its cuDNN, which no source states, for")):
        rows = catalog_of([wheel("2.7.1", "cu118", "sm_90 compute_37", cudnn=cudnn)])
        (rejection,) = resolve(rows, ask("12.0")).rejected
        assert rejection.text == (
            f"torch 2.7.1+cu118 would run from compute_37 (PTX) on GPU 12.0 (compute capability 12.0), but {said} "
            "CUDA 11.8 is not known to serve a GPU of that major"
        )


def test_what_is_announced_is_said_for_the_set_that_it_is_about() -> None:
    row = wheel("2.8.0", "cu128", NEWEST, pythons_seen="3.11", source="its build script")
    other = package("2.13.0", "12.9", NEWEST, pythons_seen="3.11", source="its recipe")
    for python, expected in (("3.12", {"pip-build-announced", "conda-build-announced"}), ("3.11", set())):
        found = resolve(catalog_of([row], [other]), ask("8.6", driver="580.95.05", python=python))
        said = {n.code: n for n in found.notices if n.code.endswith("announced")}
        assert set(said) == expected
        assert all(notice.package_set == notice.code.partition("-")[0] for notice in said.values())
        assert all("3.12" in notice.text for notice in said.values())


def test_the_floors_of_both_sets_are_said_when_a_driver_was_assumed() -> None:
    (notice,) = (n for n in resolve(FROZEN, ask("6.1")).notices if n.code == "driver-assumed")
    assert "580.178.04 is assumed; the oldest that will do is pip 525.60.13, conda 525.60.13 (linux-64)" in notice.text


@pytest.mark.parametrize(
    ("wheels", "packages", "code"),
    [(1, 0, "no-conda-pairing"), (0, 1, "no-pip-pairing"), (1, 1, ""), (0, 0, "")],
)
def test_a_set_without_a_pairing_is_named(wheels: int, packages: int, code: str) -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", NEWEST)] * wheels, [package("2.13.0", "12.9", NEWEST)] * packages)
    found = [n.code for n in resolve(rows, ask("8.6", driver="580.95.05")).notices]
    assert [one for one in found if one.endswith("-pairing")] == ([code] if code else [])
