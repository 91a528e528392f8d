"""The JSON object that the NVML child prints."""

from __future__ import annotations

from typing import Any

from envgen.core.capability import ComputeCapability
from envgen.core.json_text import JsonError, parse_json_object
from envgen.probe.observation import HostGpu, MigInstance, Vendor, VirtualMode
from envgen.probe.parse.report import DriverReport, device_id, pci_address

_VIRTUAL: dict[int | None, VirtualMode] = {
    0: VirtualMode.NONE,
    1: VirtualMode.PASSTHROUGH,
    2: VirtualMode.VGPU,
    3: VirtualMode.HOST_VGPU,
    4: VirtualMode.HOST_VGPU,
}
# nvmlComputeMode_t, nvml.h; the words are those of nvidia-smi.
_COMPUTE_MODES: dict[int | None, str] = {
    0: "Default",
    1: "Exclusive_Thread",
    2: "Prohibited",
    3: "Exclusive_Process",
}
# nvmlGpuFabricState_t, nvml.h: 0 not supported, 1 not started, 2 in progress, 3 completed.
_FABRIC: dict[int | None, str] = {1: "Not Started", 2: "In Progress", 3: "Completed"}


def parse_nvml(text: str) -> DriverReport:
    """Return what NVML said; an object that is not the child's is a failed report."""
    try:
        found = parse_json_object(text)
    except JsonError:
        return DriverReport(error="the NVML child printed no JSON object")
    rows = [row for row in _list(found.get("gpus")) if isinstance(row, dict)]
    fabrics = [_FABRIC[state] for row in rows if (state := _number(row, "fabric")) in _FABRIC]
    cuda = _number(found, "cuda") or 0
    return DriverReport(
        driver=_text(found, "driver"),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda > 0 else "",
        gpus=tuple(_gpu(row) for row in rows),
        fabric=next((state for state in fabrics if state != "Completed"), fabrics[0] if fabrics else ""),
        code=_number(found, "code"),
        error=_text(found, "error"),
    )


def _gpu(row: dict[str, Any]) -> HostGpu:
    memory, mig = _number(row, "memory"), _number(row, "mig")
    capability = [part for part in _list(row.get("capability")) if isinstance(part, int)]
    instances = [instance for instance in _list(row.get("instances")) if isinstance(instance, dict)]
    return HostGpu(
        vendor=Vendor.NVIDIA,
        name=_text(row, "name"),
        pci_id=device_id(_number(row, "pci") or 0),
        pci_address=pci_address(_text(row, "address")),
        capability=ComputeCapability(*capability) if len(capability) == 2 else None,
        memory_mib=memory // (1 << 20) if memory else None,
        uuid=_text(row, "uuid"),
        mig=None if mig is None else bool(mig),
        mig_instances=tuple(MigInstance(name=_text(i, "name"), uuid=_text(i, "uuid")) for i in instances),
        compute_mode=_COMPUTE_MODES.get(_number(row, "compute_mode"), ""),
        virtual=_VIRTUAL.get(_number(row, "virtual"), VirtualMode.UNKNOWN),
        error=_text(row, "error"),
        is_driven=True,
    )


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _number(row: dict[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
