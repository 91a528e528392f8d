"""Asks NVML and prints one JSON object. Runs alone in a child process: it imports nothing of envgen.

Keys: `driver`, `cuda` (12080 for 12.8), `gpus`; or `code` and `error` when NVML can't be used. Each GPU holds `index`,
`name`, `address`, `pci` (0x268410de: device, then vendor), `capability`, `memory`, `uuid`, `mig`, `instances`,
`virtual`, `fabric`; a key that NVML does not answer is left out, `code` and `error` say that the GPU itself failed.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _gpu(nvml: ModuleType, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {"index": index}
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        return found | {"code": error.value, "error": str(error)}

    def put(key: str, read: Callable[[], Any]) -> None:
        try:
            found[key] = read()
        except nvml.NVMLError as error:
            # A lost GPU still has a handle; every question after that fails with these codes.
            if error.value in (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED, nvml.NVML_ERROR_UNKNOWN):
                found.update(code=error.value, error=str(error))

    def fabric() -> int:
        info = nvml.c_nvmlGpuFabricInfo_t()
        nvml.nvmlDeviceGetGpuFabricInfo(handle, ctypes.byref(info))
        return int(info.state)

    put("name", lambda: _text(nvml.nvmlDeviceGetName(handle)))
    put("uuid", lambda: _text(nvml.nvmlDeviceGetUUID(handle)))
    put("address", lambda: _text(nvml.nvmlDeviceGetPciInfo(handle).busId))
    put("pci", lambda: int(nvml.nvmlDeviceGetPciInfo(handle).pciDeviceId))
    put("capability", lambda: list(nvml.nvmlDeviceGetCudaComputeCapability(handle)))
    put("memory", lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).total))
    put("mig", lambda: int(nvml.nvmlDeviceGetMigMode(handle)[0]))
    put("virtual", lambda: int(nvml.nvmlDeviceGetVirtualizationMode(handle)))
    put("compute_mode", lambda: int(nvml.nvmlDeviceGetComputeMode(handle)))
    put("fabric", fabric)
    if found.get("mig"):
        found["instances"] = _instances(nvml, handle)
    return found


def _instances(nvml: ModuleType, handle: object) -> list[dict[str, str]]:
    try:
        count = nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except nvml.NVMLError:
        return []
    instances = []
    for index in range(count):
        try:
            part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            instances.append({"name": _text(nvml.nvmlDeviceGetName(part)), "uuid": _text(nvml.nvmlDeviceGetUUID(part))})
        except nvml.NVMLError:
            continue
    return instances


def _ask() -> dict[str, Any]:
    try:
        import pynvml as nvml  # type: ignore[import-untyped]  # nvidia-ml-py has no stubs
    except ImportError as error:
        return {"code": None, "error": f"nvidia-ml-py: {error}"}
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return {"code": error.value, "error": str(error)}
    found: dict[str, Any] = {}
    for key, read in (
        ("driver", lambda: _text(nvml.nvmlSystemGetDriverVersion())),
        ("cuda", lambda: int(nvml.nvmlSystemGetCudaDriverVersion_v2())),
    ):
        try:
            found[key] = read()
        except nvml.NVMLError:
            continue
    try:
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        return found | {"code": error.value, "error": str(error)}
    return found | {"gpus": [_gpu(nvml, index) for index in range(count)]}


if __name__ == "__main__":
    json.dump(_ask(), sys.stdout)
