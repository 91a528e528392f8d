"""The child that asks NVML, run as it is with a small NVML in its place, and against the names of the real bindings."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.core.capability import ComputeCapability
from envgen.probe import commands
from envgen.probe.observation import MigInstance, VirtualMode
from envgen.probe.parse.nvml import parse_nvml
from envgen.probe.process import run_command

CHILD = Path(commands.__file__).with_name("nvml_child.py")

_FAKE = """
import ctypes
NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED, NVML_ERROR_UNKNOWN = 15, 16, 999
class NVMLError(Exception):
    def __init__(self, value): self.value = value
    def __str__(self): return {3: "Not Supported", 15: "GPU is lost", 18: "Driver/library version mismatch"}[self.value]
class c_nvmlGpuFabricInfo_t(ctypes.Structure):
    _fields_ = [("state", ctypes.c_uint8)]
class Pci: pass
MODE = %r
def nvmlInit():
    if MODE == "mismatch": raise NVMLError(18)
def nvmlSystemGetDriverVersion(): return b"535.129.03" if MODE == "bytes" else "535.129.03"
def nvmlSystemGetCudaDriverVersion_v2(): return 12020
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(index):
    if MODE == "lost" and index == 1: raise NVMLError(15)
    return index
def nvmlDeviceGetName(handle):
    if MODE == "dying": raise NVMLError(15)
    return "NVIDIA A100 MIG 1g.10gb" if handle == "part" else "NVIDIA A100"
def nvmlDeviceGetUUID(handle): return "MIG-1" if handle == "part" else f"GPU-{handle}"
def nvmlDeviceGetPciInfo(handle):
    pci = Pci(); pci.busId = b"00000000:0%%d:00.0" %% (handle + 1); pci.pciDeviceId = 0x20b010de
    return pci
def nvmlDeviceGetCudaComputeCapability(handle): return (8, 0)
def nvmlDeviceGetComputeMode(handle): return 3
def nvmlDeviceGetMemoryInfo(handle):
    memory = Pci(); memory.total = 40 << 30
    return memory
def nvmlDeviceGetMigMode(handle):
    if MODE == "no-mig": raise NVMLError(3)
    return (1 if handle == 0 else 0, 0)
def nvmlDeviceGetMaxMigDeviceCount(handle): return 7
def nvmlDeviceGetMigDeviceHandleByIndex(handle, index):
    if index: raise NVMLError(3)
    return "part"
def nvmlDeviceGetVirtualizationMode(handle): return 1
def nvmlDeviceGetGpuFabricInfo(handle, info): info._obj.state = 3
"""


def ask(folder: Path, mode: str) -> str:
    """What the child prints beside an NVML that behaves so."""
    (folder / "pynvml.py").write_text(_FAKE % mode)
    environ = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, str(CHILD)], capture_output=True, text=True, check=True, env=environ)
    return done.stdout


@pytest.mark.parametrize("mode", ["text", "bytes"])
def test_everything_is_asked(tmp_path: Path, mode: str) -> None:
    report = parse_nvml(ask(tmp_path, mode))
    assert (report.driver, report.cuda, report.fabric, report.error) == ("535.129.03", "12.2", "Completed", "")
    first, second = report.gpus
    assert (first.name, first.uuid, first.pci_id, first.pci_address) == ("NVIDIA A100", "GPU-0", "20b0", "0000:01:00.0")
    assert (first.capability, first.memory_mib) == (ComputeCapability(8, 0), 40960)
    assert (first.mig, first.mig_instances) == (True, (MigInstance(name="NVIDIA A100 MIG 1g.10gb", uuid="MIG-1"),))
    assert (second.mig, second.mig_instances, second.virtual) == (False, (), VirtualMode.PASSTHROUGH)


def test_what_is_not_supported_is_left_out(tmp_path: Path) -> None:
    report = parse_nvml(ask(tmp_path, "no-mig"))
    assert [(gpu.mig, gpu.error) for gpu in report.gpus] == [(None, ""), (None, "")]


def test_a_mismatch_is_an_error_with_its_code(tmp_path: Path) -> None:
    report = parse_nvml(ask(tmp_path, "mismatch"))
    assert (report.code, report.error, report.gpus) == (18, "Driver/library version mismatch", ())


def test_a_gpu_without_a_handle_is_listed_with_its_error(tmp_path: Path) -> None:
    first, second = parse_nvml(ask(tmp_path, "lost")).gpus
    assert (first.error, second.error) == ("", "GPU is lost")


def test_a_gpu_that_dies_under_the_questions_is_listed_with_its_error(tmp_path: Path) -> None:
    assert [gpu.error for gpu in parse_nvml(ask(tmp_path, "dying")).gpus] == ["GPU is lost", "GPU is lost"]


def test_every_name_is_one_of_the_real_bindings() -> None:
    import pynvml  # type: ignore[import-untyped]  # nvidia-ml-py has no stubs

    tree = ast.parse(CHILD.read_text("utf-8"))
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    names = {use.attr for use in uses if isinstance(use.value, ast.Name) and use.value.id == "nvml"}
    assert len(names) > 15
    assert {name for name in names if not hasattr(pynvml, name)} == set()


def test_the_real_child_answers_in_its_form() -> None:
    done = run_command(commands.nvml(sys.executable), timeout_s=60)
    found = json.loads(done.stdout)
    assert "gpus" in found or found["error"]
