"""CUDA in WSL2 as NVIDIA limits it: https://docs.nvidia.com/cuda/wsl-user-guide/index.html, sections 2.1 and 5."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.request import Machine, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.resolve import resolve
from equipment.requests import ask

GPUS, FACTS = GpuCatalog.load(), Catalog.load()


@pytest.mark.parametrize(
    ("gpu", "driver", "words"),
    [
        # microsoft/WSL#6014: this GPU and driver give cudaErrorInsufficientDriver.
        pytest.param("GeForce GTX 1660 Ti", "461.72", "since R495, 461.72 is older", id="driver"),
        pytest.param("GeForce 930MX", "526.98", "Pascal and newer, GeForce 930MX is older", id="maxwell"),
        # microsoft/WSL#9254: a P100 in TCC mode is not seen.
        pytest.param("Tesla P100-PCIE-16GB", "526.98", "WDDM mode", id="tcc"),
        pytest.param("GeForce RTX 3060", "546.80", "", id="within"),
        pytest.param("Tesla P100-PCIE-16GB", "535.309.01", "", id="linux-itself"),
    ],
)
def test_what_the_guide_leaves_out_is_said(gpu: str, driver: str, words: str) -> None:
    found = GPUS.match(gpu).gpu
    assert found is not None
    asked = replace(ask("7.5", driver=driver, python="3.10"), gpus=(RequestedGpu(input=gpu, gpu=found),))
    said = [notice.text for notice in resolve(FACTS, asked).notices if notice.code == "wsl-limits"]
    assert bool(said) == bool(words)
    assert all(words in text for text in said)


def test_each_of_several_computers_has_its_limits() -> None:
    asked = ask("5.2 8.6", driver="461.72", python="3.10")
    drivers = (asked.driver, DriverVersion.parse("560.94"))
    machines = tuple(Machine(gpus=(gpu,), driver=driver) for gpu, driver in zip(asked.gpus, drivers, strict=True))
    (said,) = (
        notice.text
        for notice in resolve(FACTS, replace(asked, machines=machines)).notices
        if notice.code == "wsl-limits"
    )
    assert "461.72 is older" in said
    assert said.count("Pascal and newer") == 1
