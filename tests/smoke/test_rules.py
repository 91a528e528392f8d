"""The smoke test as source text, and its rule of which code runs on which GPU, against torch's own table."""

from __future__ import annotations

import ast
import types

import pytest

from envgen.files.formats.smoke import SmokeExpectation, smoke_body


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    module = types.ModuleType("smoke_test")
    exec(compile(smoke_body(SmokeExpectation()), "smoke_test.py", "exec"), module.__dict__)
    return module


def interval(start: int, *excluded: int) -> set[int]:
    return set(range(start, start // 10 * 10 + 10)) - set(excluded)


# DEVICE_REQUIREMENT of torch/cuda/__init__.py in torch 2.15.0: code -> the devices that run it.
DEVICE_REQUIREMENT = {
    50: interval(50, 53),
    52: interval(52, 53),
    53: {53},
    60: interval(60, 62),
    61: interval(61, 62),
    62: {62},
    70: interval(70, 72),
    72: {72},
    75: interval(75),
    80: interval(80, 87),
    86: interval(86, 87),
    87: {87},
    89: interval(89),
    90: interval(90),
    100: interval(100, 101),
    101: {101, 110},
    103: interval(103),
    110: {101, 110},
    120: interval(120),
    121: interval(121),
}
DEVICES = [50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 103, 110, 120, 121]


@pytest.mark.parametrize("code", DEVICE_REQUIREMENT)
def test_machine_code_runs_where_torch_says(script: types.ModuleType, code: int) -> None:
    found = {n for n in DEVICES if script.runs_on(f"sm_{code}", script.capability_of(f"sm_{n}"))}
    assert found == DEVICE_REQUIREMENT[code] & set(DEVICES)


# CUDA programming guide, "Compute capability, family-specific and architecture-specific targets".
@pytest.mark.parametrize(
    ("arch", "devices"),
    [
        pytest.param("sm_90a", {90}, id="a-is-that-capability-only"),
        pytest.param("sm_100a", {100}, id="a-not-even-its-family"),
        pytest.param("compute_100a", {100}, id="ptx-with-a-is-no-forward-promise"),
        pytest.param("sm_100f", {100, 103}, id="f-is-the-family"),
        pytest.param("sm_103f", {103}, id="f-from-its-own-number-up"),
        pytest.param("sm_120f", {120, 121}, id="f-of-12"),
        pytest.param("compute_120f", {120, 121}, id="ptx-with-f-stays-in-the-family"),
        pytest.param("compute_103", {103, 101, 110, 120, 121}, id="ptx-runs-on-anything-newer"),
        pytest.param("compute_90", {90, 100, 101, 103, 110, 120, 121}, id="ptx-crosses-majors"),
    ],
)
def test_suffixes_and_ptx(script: types.ModuleType, arch: str, devices: set[int]) -> None:
    assert {n for n in DEVICES if script.runs_on(arch, script.capability_of(f"sm_{n}"))} == devices


@pytest.mark.parametrize(
    ("archs", "gpu", "arch"),
    [
        ("sm_80 sm_86 sm_90 compute_86", "8.9", "sm_86"),
        ("sm_50 compute_50", "7.5", "compute_50"),
        ("compute_70 compute_80", "9.0", "compute_80"),
        ("sm_80", "7.5", ""),
    ],
)
def test_the_nearest_machine_code_wins_over_ptx(script: types.ModuleType, archs: str, gpu: str, arch: str) -> None:
    assert script.code_for(archs.split(), script.capability_of(gpu)) == arch


def test_the_file_is_python_3_8_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(smoke_body(SmokeExpectation()), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {
        *("argparse", "ctypes", "faulthandler", "importlib", "json", "os", "re", "subprocess", "sys", "warnings"),
    }
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_a_student_can_read_it_in_one_sitting() -> None:
    lines = smoke_body(SmokeExpectation()).splitlines()
    assert len(lines) < 700
    assert max(len(line) for line in lines) <= 120


def test_every_remedy_belongs_to_a_code_that_can_occur(script: types.ModuleType) -> None:
    text = smoke_body(SmokeExpectation())
    made = {"compile-failed", "context-failed"}  # `<check>-failed` is put together in Report.run
    assert [code for code in script.REMEDIES if text.count(f'"{code}"') < 2 and code not in made] == []
