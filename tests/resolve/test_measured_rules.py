"""The rules of the decision against what was read from wheels: torch's own tables, and the code in cuDNN."""

from __future__ import annotations

import pytest

from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.gpus import Gpu
from envgen.core.releases import release_key
from envgen.facts.tables import read_table
from envgen.resolve.coverage import code_for
from envgen.resolve.rules.libraries import dropped_by
from equipment.catalogs import whole_catalog

CATALOG = whole_catalog()


def devices_of(row: dict[str, str]) -> set[ComputeCapability]:
    """The compute capabilities of the catalog that torch's table lets run the row's code."""
    if row["only"]:
        return {ComputeCapability.parse(text) for text in row["only"].split()} & set(CATALOG.support)
    first = ComputeCapability.parse(row["above"])
    excluded = {ComputeCapability.parse(text) for text in row["excluded"].split()}
    return {c for c in CATALOG.support if c.major == first.major and c.minor >= first.minor} - excluded


def effective(torch: str, cuda: str) -> list[dict[str, str]]:
    """The rules of one release for builds of one CUDA: those that hold from a CUDA on replace the others."""
    own = [row for row in read_table("device_rules") if row["torch"] == torch]
    holding = [row for row in own if not row["cuda_from"] or release_key(row["cuda_from"]) <= release_key(cuda)]
    return list({row["code"]: row for row in holding}.values())


@pytest.mark.parametrize("cuda", ["12.6", "13.0", "13.2"])
@pytest.mark.parametrize("torch", sorted({row["torch"] for row in read_table("device_rules")}))
def test_code_runs_where_torchs_own_table_says(torch: str, cuda: str) -> None:
    """DEVICE_REQUIREMENT and the same table for CUDA 13.2, of every PyPI wheel that has them."""
    # 2.11 to 2.13 came before the second table; no build of theirs for 13.2 has Jetson code, so only newer ones say it.
    if cuda == "13.2" and release_key(torch) < (2, 14):
        pytest.skip("its wheels have no table for CUDA 13.2 and no code for it")
    differing = set()
    for row in effective(torch, cuda):
        code = ArchCode(CodeKind.SASS, ComputeCapability.parse(row["code"]))
        for capability in CATALOG.support:
            gpu = Gpu(name="a GPU", capability=capability, architecture="")
            if (code_for([code], gpu, cuda) is not None) != (capability in devices_of(row)):
                differing.add((row["code"], str(capability)))
    assert differing == set()


@pytest.mark.parametrize("row", [row for row in read_table("library_code") if row["library"] == "cudnn"], ids=str)
def test_what_cudnn_carries_is_what_the_floors_say(row: dict[str, str]) -> None:
    lowest = min(ArchCode.parse(code).capability for code in row["code"].split() if code.startswith("sm_"))
    served = [capability for capability in CATALOG.support if capability >= ComputeCapability(3, 5)]
    dropped = {str(c) for c in served if dropped_by(row["version"], c) is not None}
    assert dropped == {str(c) for c in served if c < lowest} - ({"5.0"} if lowest == ComputeCapability(5, 0) else set())
