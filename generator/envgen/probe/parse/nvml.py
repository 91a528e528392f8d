"""The JSON object that the NVML child prints."""

from __future__ import annotations

import json
from typing import Any

from envgen.core.capability import ComputeCapability
from envgen.core.observation import HostGpu, MigInstance, Vendor, VirtualMode
from envgen.probe.parse.report import DriverReport, device_id, pci_address

_VIRTUAL = {
    0: VirtualMode.NONE,
    1: VirtualMode.PASSTHROUGH,
    2: VirtualMode.VGPU,
    3: VirtualMode.HOST_VGPU,
    4: VirtualMode.HOST_VGPU,
}
# nvmlGpuFabricState_t, nvml.h: 0 not supported, 1 not started, 2 in progress, 3 completed.
_FABRIC = {1: "Not Started", 2: "In Progress", 3: "Completed"}


def parse_nvml(text: str) -> DriverReport:
    """Return what NVML said; an object that is not the child's is a failed report."""
    try:
        found = json.loads(text)
    except ValueError:
        return DriverReport(error="the NVML child printed no JSON")
    if not isinstance(found, dict):
        return DriverReport(error="the NVML child printed no JSON object")
    cuda = found.get("cuda")
    rows = [row for row in found.get("gpus", ()) if isinstance(row, dict)]
    fabrics = [_FABRIC[row["fabric"]] for row in rows if row.get("fabric") in _FABRIC]
    return DriverReport(
        driver=str(found.get("driver", "")),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if isinstance(cuda, int) and cuda else "",
        gpus=tuple(_gpu(row) for row in rows),
        fabric=next((state for state in fabrics if state != "Completed"), fabrics[0] if fabrics else ""),
        code=found.get("code"),
        error=str(found.get("error", "")),
    )


def _gpu(row: dict[str, Any]) -> HostGpu:
    capability, memory = row.get("capability"), row.get("memory")
    return HostGpu(
        vendor=Vendor.NVIDIA,
        name=str(row.get("name", "")),
        pci_id=device_id(row.get("pci", 0)),
        pci_address=pci_address(str(row.get("address", ""))),
        capability=ComputeCapability(*capability) if capability else None,
        memory_mib=memory // (1 << 20) if memory else None,
        uuid=str(row.get("uuid", "")),
        mig=bool(row["mig"]) if "mig" in row else None,
        mig_instances=tuple(MigInstance(name=i["name"], uuid=i["uuid"]) for i in row.get("instances", ())),
        virtual=_VIRTUAL.get(row.get("virtual", -1), VirtualMode.UNKNOWN),
        error=str(row.get("error", "")),
        is_driven=True,
    )
