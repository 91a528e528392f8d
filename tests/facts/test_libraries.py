"""What the libraries beside torch carry: a second reading of the wheels, and of public reports."""

from __future__ import annotations

import pytest

from envgen.core.capability import CodeKind, ComputeCapability
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.facts.tables import read_table
from envgen.refresh.device_rules import DeviceRule, parse_device_rules
from equipment.catalogs import whole_catalog

CATALOG = whole_catalog()


def sass(library: str, cuda_major: int, version: str, subdir: Subdir = Subdir.LINUX_64) -> list[str]:
    codes = CATALOG.library_code[library, cuda_major, version, subdir].codes
    return [str(code.capability) for code in codes if code.kind is CodeKind.SASS]


@pytest.mark.parametrize(
    ("cuda_major", "version", "lowest", "highest"),
    [
        # conda-forge/cudnn-feedstock#124: 9.11 dropped everything below 7.5; NVIDIA's matrices: 8.8 dropped Kepler
        (11, "8.7.0.84", "3.5", "9.0"),
        (11, "8.9.4.25", "5.0", "9.0"),
        (12, "9.5.1.17", "5.0", "9.0"),
        (12, "9.10.2.21", "5.0", "12.0"),
        (12, "9.11.0.98", "7.5", "12.0"),
        (13, "9.26.0.51", "7.5", "12.1"),
    ],
)
def test_the_bounds_of_cudnn(cuda_major: int, version: str, lowest: str, highest: str) -> None:
    found = sass("cudnn", cuda_major, version)
    assert (found[0], found[-1]) == (lowest, highest)


def test_thor_has_code_in_the_arm_wheels_alone() -> None:
    assert "11.0" in sass("cudnn", 13, "9.26.0.51", Subdir.LINUX_AARCH64)
    assert "11.0" not in sass("cudnn", 13, "9.26.0.51")
    assert "8.7" not in sass("cudnn", 13, "9.26.0.51", Subdir.LINUX_AARCH64)


@pytest.mark.parametrize(
    ("version", "cuda_major", "knows", "knows_not"),
    [
        ("12.8.93", 12, "12.0", "12.1"),  # GB10 with 2.11.0+cu128: nvrtc: invalid value for --gpu-architecture
        ("12.8.93", 12, "10.0", "10.3"),
        ("11.7.99", 11, "8.6", "8.9"),
        ("13.0.88", 13, "12.1", "7.0"),
    ],
)
def test_what_nvrtc_compiles_for(version: str, cuda_major: int, knows: str, knows_not: str) -> None:
    found = sass("nvrtc", cuda_major, version)
    assert knows in found
    assert knows_not not in found


def test_nvrtc_compiles_for_what_ptxas_of_its_toolkit_does() -> None:
    """Two ways to ask: nvrtcGetSupportedArchs, and ptxas of the same X.Y, which cuda_toolkits.csv has."""
    ptxas = {".".join(row["version"].split(".")[:2]): row["sm_list"] for row in read_table("cuda_toolkits")}
    for code in CATALOG.library_code.values():
        if code.library == "nvrtc":
            listed = ptxas[".".join(code.version.split(".")[:2])].partition(" (")[0].split()
            found = {f"{c.capability.major}{c.capability.minor}" for c in code.codes}
            assert found == {arch for arch in listed if arch.isdigit()} - {"30", "32"}, code


def test_every_release_that_requires_triton_has_a_row() -> None:
    required = {row["torch"] for row in read_table("torch_requires") if "triton" in row["requires_dist"]}
    assert set(CATALOG.torch_compile) == required


def test_a_triton_that_was_tried_is_tried_for_all_its_releases() -> None:
    for triton in {row.triton for row in CATALOG.torch_compile.values()}:
        rows = [row for row in CATALOG.torch_compile.values() if row.triton == triton]
        assert len({(row.broken, row.is_tried) for row in rows}) == 1


@pytest.mark.parametrize(
    ("torch", "capability", "compiles"),
    [
        pytest.param("2.15.0", "6.1", False, id="inductor-refuses-pascal"),
        pytest.param("2.10.0", "11.0", False, id="vllm-34470-sm-110a-is-not-defined"),
        pytest.param("2.14.1", "12.1", True, id="gb10"),
        pytest.param("2.14.1", "10.7", False, id="rubin-before-3.9"),
        pytest.param("2.15.0", "10.7", True, id="rubin"),
    ],
)
def test_where_torch_compile_works(torch: str, capability: str, compiles: bool) -> None:
    row = CATALOG.torch_compile[torch]
    gpu = ComputeCapability.parse(capability)
    assert row.is_tried
    assert (gpu >= row.lowest and gpu not in row.broken) == compiles


def test_arm_wheels_require_triton_since_2_11() -> None:
    for torch, row in CATALOG.torch_compile.items():
        assert (Subdir.LINUX_AARCH64 in row.subdirs) == (release_key(torch) >= (2, 11))
        assert Subdir.WIN_64 not in row.subdirs


# An excerpt of torch/cuda/__init__.py of 2.15.0.
TABLES = """
DEVICE_REQUIREMENT: dict[int, _CompatSet | _CompatInterval] = {
    75: _CompatInterval(start=75),
    80: _CompatInterval(start=80, exclude={87}),
    87: _CompatSet({87}),
    110: _CompatSet({101, 110}),  # 101 was renamed to 110
}

DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION: dict[
    int, _CompatSet | _CompatInterval
] = DEVICE_REQUIREMENT | {
    80: _CompatInterval(start=80),
}


def _device_requirement(code_cc):
    requirement = (
        DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION
        if tuple(int(x) for x in torch.version.cuda.split(".")) >= (13, 2)
        else DEVICE_REQUIREMENT
    )
"""


def test_both_tables_of_a_wheel_are_read() -> None:
    assert parse_device_rules(TABLES) == (
        DeviceRule(cuda_from="", code=75, above=75),
        DeviceRule(cuda_from="", code=80, above=80, excluded=(87,)),
        DeviceRule(cuda_from="", code=87, above=None, only=(87,)),
        DeviceRule(cuda_from="", code=110, above=None, only=(101, 110)),
        DeviceRule(cuda_from="13.2", code=80, above=80),
    )
    assert parse_device_rules("import torch\n") == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("_CompatSet({87})", "_CompatRange(87)", id="unknown-kind"),
        pytest.param(">= (13, 2)", ">= NEWEST", id="no-version"),
        pytest.param("DEVICE_REQUIREMENT | {", "other | {", id="is-read-alike"),
        pytest.param("75: _CompatInterval(start=75)", "75: {75}", id="no-call"),
    ],
)
def test_a_table_in_another_form_stops_it(old: str, new: str) -> None:
    assert old in TABLES
    if old.startswith("DEVICE"):
        assert parse_device_rules(TABLES.replace(old, new)) == parse_device_rules(TABLES)
        return
    with pytest.raises(ValueError, match="DEVICE_REQUIREMENT"):
        parse_device_rules(TABLES.replace(old, new))
