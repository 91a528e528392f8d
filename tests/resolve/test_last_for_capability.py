"""A second, independent table: the newest release for each compute capability, collected apart from the build rows."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from equipment.requests import ask

HERE = Path(__file__).parent

# (channel, capability, subdir) -> why the decision is not what the independent table says.
KNOWN_DIFFERENCES = {
    ("pip", "3.5", "linux-64"): "1.3.0 needs a Python that no current system has; the catalog starts at 1.7.0",
    ("pip", "3.5", "win-64"): "1.3.1 needs a Python that no current system has; the catalog starts at 1.7.0",
    ("pip", "3.7", "linux-64"): "2.7.1+cu118 has the code but cuDNN 9.1, which starts at 5.0; 2.3.1 has cuDNN 8.7",
    ("pip", "3.7", "win-64"): "2.7.1+cu118 has the code but cuDNN 9.1, which starts at 5.0; 2.3.1 has cuDNN 8.7",
    ("pip", "5.0", "linux-aarch64"): "2.5.1+cu124 carries sm_50 (pytorch/pytorch PR 140844); no Arm host has that GPU",
    ("pip", "5.2", "linux-aarch64"): "2.5.1+cu124 carries sm_50 (pytorch/pytorch PR 140844); no Arm host has that GPU",
}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows("last_pip_for_capability.csv"), ids=lambda r: f"{r['capability']}-{r['subdir']}")
def test_pip(builds: Catalog, row: dict[str, str]) -> None:
    pairing = resolve(builds, ask(row["capability"], row["subdir"])).pip
    found = (pairing.build.torch, pairing.build.cuda_tag) if pairing else None
    exists = row["last_torch"][:1].isdigit()
    tags = row["cuda_tags"].replace(" (PyPI)", "").replace(",", "").split()
    agrees = found is not None and found[0] == row["last_torch"] and found[1] in tags if exists else found is None
    assert agrees != (("pip", row["capability"], row["subdir"]) in KNOWN_DIFFERENCES), found


@pytest.mark.parametrize("row", rows("last_conda_for_capability.csv"), ids=lambda r: f"{r['capability']}-{r['subdir']}")
def test_conda(builds: Catalog, row: dict[str, str]) -> None:
    python = "3.11" if row["capability"] == "3.5" else "3.12"
    pairing = resolve(builds, ask(row["capability"], row["subdir"], python=python)).conda
    if row["channel"] == "none":
        assert pairing is None
        return
    assert pairing is not None
    assert (pairing.build.conda.channels[0], pairing.build.torch) == (row["channel"], row["newest_pytorch"])
    assert pairing.build.cuda in row["cuda"].split()
