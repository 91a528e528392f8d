"""Which build a conda solver takes where a file leaves it open: the channels' order and the driver's CUDA decide.

conda's documentation (managing channels): a package of a channel with a higher priority comes before any of a lower
one, whatever its version. conda-forge's cuda-version 13 constrains `__cuda >=13` (recipe of cuda-version-feedstock).
"""

from __future__ import annotations

import pytest

from envgen.audits.report import audit_text
from envgen.facts.catalog import Catalog
from equipment.requests import ask

CATALOG = Catalog.load()


def verdict(channels: list[str], spec: str, capability: str, driver: str | None) -> tuple[str, str]:
    listed = "".join(f"  - {channel}\n" for channel in channels)
    text = f"channels:\n{listed}dependencies:\n  - python=3.11\n  - {spec}\n"
    report = audit_text(text, "environment.yml", [ask(capability, driver=driver)], CATALOG)
    (one,) = report.verdicts
    return one.judgement.outcome.value, one.judgement.label


@pytest.mark.parametrize(
    ("channels", "driver", "outcome", "cuda"),
    [
        pytest.param(["conda-forge"], "535.183.01", "runs", "CUDA 12.9, conda-forge", id="cuda-12-driver"),
        pytest.param(["conda-forge"], "580.65.06", "fails", "CUDA 13.0, conda-forge", id="cuda-13-driver"),
        pytest.param(["pytorch", "conda-forge"], "580.65.06", "runs", "CUDA 12.4, pytorch", id="legacy-channel-first"),
        pytest.param(["conda-forge", "pytorch"], "535.183.01", "runs", "CUDA 12.9, conda-forge", id="legacy-last"),
        pytest.param(["nvidia", "pytorch"], "535.183.01", "runs", "CUDA 12.4, pytorch", id="a-channel-without-it"),
        pytest.param(["defaults", "conda-forge"], "535.183.01", "unknown", "", id="anacondas-own-first"),
    ],
)
def test_pascal(channels: list[str], driver: str, outcome: str, cuda: str) -> None:
    """The legacy channel ends with 2.5.1; conda-forge's CUDA 12.9 builds keep Pascal, its CUDA 13 builds do not."""
    found, label = verdict(channels, "pytorch>=2.0", "6.1", driver)
    assert found == outcome
    assert cuda in label


def test_an_exact_release_is_one_of_the_builds_that_the_driver_allows() -> None:
    found, label = verdict(["conda-forge"], "pytorch=2.13.0", "6.1", "535.183.01")
    assert (found, "CUDA 12.9" in label) == ("runs", True)
