"""Forward compatibility is named for whom NVIDIA made it, and never chosen.

https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html, edition of R615: which package goes with
which driver branch; data-centre GPUs on Linux; 550, 525 and 470 are no targets any more.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.request import DriverOrigin, Machine, Request, RequestedGpu
from envgen.core.resolution import CUDA_COMPAT
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog, Row
from envgen.gpus.catalog import GpuCatalog
from envgen.resolve import resolve
from envgen.resolve.cuda_compat import beside_driver
from envgen.resolve.errors import NoBuildError
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.why_not import explain
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, wheel

GPUS = GpuCatalog.load()


def request(gpu: str, driver: str | None, subdir: str = "linux-64", **options: str) -> Request:
    """A request for one GPU by its name."""
    found = GPUS.match(gpu).gpu
    assert found is not None
    asked = ask(str(found.capability), subdir, driver, **options)  # type: ignore[arg-type] # texts
    return replace(asked, gpus=(RequestedGpu(input=gpu, gpu=found),))


@pytest.mark.parametrize(
    ("gpu", "driver", "package"),
    [
        pytest.param("H100", "535.183.01", "cuda-compat-13-", id="r535"),
        pytest.param("Tesla T4", "535.288.01", "cuda-compat-13-", id="turing-on-r535"),
        pytest.param("A100", "570.124.06", "cuda-compat-13-", id="r570"),
        pytest.param("H100", "550.54.15", "", id="r550-is-no-target"),
        pytest.param("A10", "470.256.02", "", id="nor-r470"),
        pytest.param("GeForce RTX 4090", "535.183.01", "", id="geforce-fails-with-error-804"),
        pytest.param("B200", "535.183.01", "", id="the-kernel-driver-does-not-know-the-gpu"),
        pytest.param("V100", "535.183.01", "", id="no-newer-torch-has-code"),
        pytest.param("H100", "580.95.05", "", id="the-driver-serves-the-newest-by-itself"),
        pytest.param("H100", None, "", id="nobody-said-which-driver"),
    ],
)
def test_whom_it_is_named_for(builds: Catalog, gpu: str, driver: str | None, package: str) -> None:
    asked = request(gpu, driver)
    found = resolve(builds, asked)
    texts = [notice.text for notice in found.notices if notice.code == CUDA_COMPAT]
    assert [package in text for text in texts] == ([True] if package else [])
    without = resolve(builds.replaced("cuda_compat", ()), asked)
    assert (found.pip, found.conda) == (without.pip, without.conda)


def test_windows_has_none(builds: Catalog) -> None:
    found = resolve(builds, request("Tesla T4", "537.70", "win-64"))
    assert CUDA_COMPAT not in {notice.code for notice in found.notices}


def test_an_error_names_it_beside_the_driver(builds: Catalog) -> None:
    """What was asked for of CUDA is left as it is: cu130 needs the driver only."""
    error = NoBuildError(resolve(builds, request("H100", "570.86.15", torch="==2.15.0", cuda="cu130")))
    assert any("cuda-compat-13-0" in fact for fact in error.facts())
    assert error.hint() == "update the driver to 580.65.06 or newer: then torch 2.15.0+cu130 from pip runs"


def test_why_not_names_it_for_the_build_that_was_asked_about(builds: Catalog) -> None:
    for gpu, is_named in (("Tesla T4", True), ("GeForce RTX 3060", False)):
        found = explain(builds, request(gpu, "535.183.01"), torch="2.15.0", cuda_tag="cu130")
        assert ["cuda-compat-13-0" in one.beside_driver for one in found] == [is_named]


def test_a_build_that_runs_needs_none(builds: Catalog) -> None:
    """CUDA 12.6 runs on R535 by minor-version compatibility, although cuda-compat-12-6 is for that branch too."""
    taken = [one for one in explain(builds, request("A100", "535.183.01"), torch="", cuda_tag="") if one.chosen]
    assert [one.build.short_label for one in taken] == ["2.14.1+cu126", "2.13.0 cuda129"]
    assert [one.beside_driver for one in taken] == ["", ""]


@pytest.mark.parametrize(
    ("capability", "row", "package"),
    [
        pytest.param("8.0", wheel("2.14.1", "cu130", "sm_80", toolkit="13.0.2"), "cuda-compat-13-0 ", id="of-13.0.2"),
        pytest.param("7.0", wheel("2.14.1", "cu132", "sm_70"), "", id="the-package-s-own-libraries-dropped-volta"),
        pytest.param("8.0", wheel("2.14.1", "cu131", "sm_80"), "", id="a-cuda-of-no-branch-that-is-known"),
    ],
)
def test_the_package_is_that_of_the_builds_cuda(capability: str, row: Row, package: str) -> None:
    compat = [{"cuda": cuda, "branches": "535", "source": "s", "note": ""} for cuda in ("13.0", "13.1", "13.2")]
    asked = ask(capability, driver="535.183.01")
    (requested,) = asked.gpus
    asked = replace(asked, gpus=(replace(requested, gpu=replace(requested.gpu, segment="datacenter")),))
    found = resolve(catalog_of([row]).replaced("cuda_compat", compat), asked)
    assert [package in n.text for n in found.notices if n.code == CUDA_COMPAT] == ([True] if package else [])


@pytest.mark.parametrize(
    ("asked", "is_named"),
    [
        pytest.param(ask("8.9", driver="535.183.01"), True, id="linux"),
        pytest.param(ask("8.9", "win-64", "535.98"), False, id="windows"),
        pytest.param(replace(ask("8.9", driver="537.70"), wsl=True), False, id="wsl"),
        pytest.param(replace(ask("8.9", driver="535.183.01"), driver_origin=DriverOrigin.ASSUMED), False, id="assumed"),
        pytest.param(replace(ask("8.9", driver="535.183.01"), gpus=()), False, id="no-gpu"),
        pytest.param(ask("8.9 10.0", driver="535.183.01"), False, id="one-that-the-driver-does-not-know"),
    ],
)
def test_where_a_package_helps(asked: Request, is_named: bool) -> None:
    """On Linux, beside a driver that was stated and that knows each GPU: R535 is made here the first for 8.9."""
    compat = [{"cuda": "13.0", "branches": "535", "source": "s", "note": ""}]
    first = [
        {**row, "first_branch": "535"} if row["capability"] == "8.9" else row for row in FROZEN.rows("capabilities")
    ]
    row = wheel("2.14.1", "cu130", "sm_89 sm_100", subdir=asked.subdir.value)
    rows = catalog_of([row]).replaced("cuda_compat", compat).replaced("capabilities", first)
    boards = tuple(replace(one, gpu=replace(one.gpu, segment="datacenter")) for one in asked.gpus)
    (build,) = rows.builds(PackageSet.PIP, asked.subdir)
    evaluation = Evaluation.of(replace(asked, gpus=boards), rows)
    assert bool(beside_driver(build, evaluation)) is is_named
    machines = tuple(Machine(gpus=(gpu,), driver=asked.driver) for gpu in (boards * 2)[:2])
    assert not beside_driver(build, Evaluation.of(replace(asked, gpus=boards, machines=machines), rows))


def test_packages_are_of_known_branches(builds: Catalog) -> None:
    """NVIDIA's page: cuda-compat-13-4 is made of the libraries of 615, and works from R535 to R610."""
    branches = {branch.branch: branch.cuda for branch in builds.branches}
    for row in builds.rows("cuda_compat"):
        assert row["cuda"] in branches.values()
        assert all(branches[int(branch)] < row["cuda"] for branch in row["branches"].split())
    assert builds.compat_packages(535)[-1] == builds.compat_packages(610)[-1] == "13.4"
    assert builds.compat_packages(550) == ()
