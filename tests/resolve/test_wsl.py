"""CUDA in WSL2 as NVIDIA limits it: https://docs.nvidia.com/cuda/wsl-user-guide/index.html, sections 2.1 and 5."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.errors import UsageError
from envgen.core.gpus import Gpu
from envgen.core.request import Machine, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.files.commands import request_command
from envgen.gpus.catalog import GpuCatalog
from envgen.records.document import from_json, to_json
from envgen.records.request import RequestRecord
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve import resolve
from envgen.resolve.wsl_branch import linux_branch
from equipment.requests import ask
from resolve.catalog import FROZEN

GPUS, FACTS = GpuCatalog.load(), Catalog.load()


def known(name: str) -> Gpu:
    gpu = GPUS.match(name).gpu
    assert gpu is not None
    return gpu


@pytest.mark.parametrize(
    ("gpu", "driver", "words"),
    [
        pytest.param("GeForce 930MX", "526.98", "Pascal and newer, GeForce 930MX is older", id="maxwell"),
        # microsoft/WSL#9254: a P100 in TCC mode is not seen.
        pytest.param("Tesla P100-PCIE-16GB", "526.98", "WDDM mode", id="tcc"),
        pytest.param("GeForce RTX 3060", "546.80", "", id="within"),
        pytest.param("Tesla P100-PCIE-16GB", "535.309.01", "", id="linux-itself"),
    ],
)
def test_what_the_guide_leaves_out_is_said(gpu: str, driver: str, words: str) -> None:
    asked = replace(ask("7.5", driver=driver, python="3.10"), gpus=(RequestedGpu(input=gpu, gpu=known(gpu)),))
    said = [notice.text for notice in resolve(FACTS, asked).notices if notice.code == "wsl-limits"]
    assert bool(said) == bool(words)
    assert all(words in text for text in said)


@pytest.mark.parametrize(
    ("gpu", "driver", "text", "change"),
    [
        # microsoft/WSL#6014: this GPU and driver give cudaErrorInsufficientDriver. R495's first releases are 496.
        pytest.param("7.5", "461.72", "since R495, the target has 461.72", "496", id="turing"),
        pytest.param("8.6", "471.96", "since R495, the target has 471.96", "496", id="ampere"),
        pytest.param("3.7", "474.82", "R470 is the last that serves", None, id="kepler-has-none"),
        pytest.param("3.5", None, "R470 is the last that serves", None, id="kepler-without-a-driver"),
    ],
)
def test_what_no_driver_serves_is_refused(gpu: str, driver: str | None, text: str, change: str | None) -> None:
    resolution = resolve(FACTS, replace(ask(gpu, driver=driver, python="3.10"), wsl=True))
    assert resolution.pip is None
    assert resolution.conda is None
    said = [rejection for rejection in resolution.rejected if text in rejection.text]
    assert said
    changes = {str(one.change.driver) for one in said if one.change and one.change.driver}
    assert (change in changes) if change else not changes


@pytest.mark.parametrize(
    ("gpu", "assumed", "pip", "words"),
    [
        # The last driver of Windows for Pascal and Maxwell is of R580; the floor of CUDA 12 there is 528.33.
        pytest.param("GeForce GTX 1080", "58", "528.33", "", id="pascal"),
        pytest.param("GeForce GTX 970", "58", "528.33", "Pascal and newer", id="maxwell"),
        pytest.param("Tesla V100-PCIE-16GB", "58", "528.33", "WDDM mode", id="tcc"),
    ],
)
def test_without_a_driver_wsl_has_that_of_windows(gpu: str, assumed: str, pip: str, words: str) -> None:
    found = read_request(RequestOptions(gpus=(gpu,), platforms=("wsl",)), FACTS)
    (request,) = found.requests
    assert request.wsl
    resolution = resolve(FACTS, request)
    assert resolution.driver is not None
    assert str(resolution.driver).startswith(assumed)
    assert len(resolution.driver.parts) == 2
    assert resolution.pip is not None
    assert str(resolution.pip.driver_floor) == pip
    limits = [notice.text for notice in resolution.notices if notice.code == "wsl-limits"]
    assert bool(limits) == bool(words)
    assert all(words in text for text in limits)
    assert "--platform wsl" in request_command(RequestRecord.of([request]))


@pytest.mark.parametrize(
    ("driver", "branches", "read"),
    [
        pytest.param("582.28", None, "580", id="of-its-branch"),
        pytest.param("527.41", None, "470", id="below-the-floor-of-cuda-12-as-cuda-11"),
        pytest.param("451.48", None, "440", id="below-the-floor-of-cuda-11-as-cuda-10"),
        pytest.param("451.48", ["450"], "450", id="with-no-older-branch-as-its-own"),
        pytest.param("999.10", None, "999", id="of-no-branch-that-is-known"),
    ],
)
def test_a_number_of_windows_is_of_a_branch_of_linux(driver: str, branches: list[str] | None, read: str) -> None:
    """NVIDIA's floors on Windows: 452.39 for CUDA 11, 528.33 for CUDA 12; R450 brought 11.0, R525 12.0."""
    rows = [row for row in FROZEN.rows("driver_branches") if branches is None or row["branch"] in branches]
    known = FROZEN.replaced("driver_branches", rows)
    assert str(linux_branch(DriverVersion.parse(driver), known.branches, known.floors)) == read


def test_the_platform_says_what_a_number_of_both_systems_is() -> None:
    """580.88 is Windows' first release of CUDA 13.0 and R580; Linux' R580 begins the same and goes on to 580.178."""
    options = RequestOptions(gpus=("RTX 3060",), drivers=("580.88",), platforms=("WSL2",))
    (request,) = read_request(options, FACTS).requests
    pip = resolve(FACTS, request).pip
    assert pip is not None
    assert pip.build.cuda_tag == "cu132"
    assert str(pip.driver_floor) == "580.88"
    assert RequestRecord.of([request]).platforms[0].wsl
    assert from_json(to_json(RequestRecord.of([request]))) == RequestRecord.of([request])


def test_a_number_of_linux_is_refused_in_wsl() -> None:
    options = RequestOptions(gpus=("RTX 3060",), drivers=("560.35.03",), platforms=("wsl",))
    with pytest.raises(UsageError, match="WSL2 runs on the driver of Windows"):
        read_request(options, FACTS)


def test_a_machine_in_wsl_is_one_beside_others() -> None:
    options = RequestOptions(machines=("GTX 970;;wsl", "RTX 4090;580.95.05;linux-64"))
    (request,) = read_request(options, FACTS).requests
    assert [machine.wsl for machine in request.machines] == [True, False]
    assert not request.wsl
    (limits,) = (n.text for n in resolve(FACTS, request).notices if n.code == "wsl-limits")
    assert "GeForce GTX 970" in limits
    assert ";;wsl" in request_command(RequestRecord.of([request]))
    (again,) = RequestRecord.of([request]).requests(lambda one: known(one.name), lambda _: None)
    assert [machine.wsl for machine in again.machines] == [True, False]


def test_each_of_several_computers_has_its_limits() -> None:
    asked = ask("5.2 8.6", driver="526.98", python="3.10")
    drivers = (DriverVersion.parse("526.98"), DriverVersion.parse("560.94"))
    machines = tuple(Machine(gpus=(gpu,), driver=driver) for gpu, driver in zip(asked.gpus, drivers, strict=True))
    (said,) = (
        notice.text
        for notice in resolve(FACTS, replace(asked, machines=machines)).notices
        if notice.code == "wsl-limits"
    )
    assert said.count("Pascal and newer") == 1
