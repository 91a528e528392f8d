"""The outputs of nvidia-smi: the NVSMI log (`-q`), the selective query as CSV, and its failures."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from envgen.core.capability import ComputeCapability
from envgen.probe.observation import HostGpu, MigInstance, Vendor, VirtualMode
from envgen.probe.parse.report import DriverReport, device_id, pci_address

_VIRTUAL = {
    "none": VirtualMode.NONE,
    "pass-through": VirtualMode.PASSTHROUGH,
    "vgpu": VirtualMode.VGPU,
    "host vgpu": VirtualMode.HOST_VGPU,
    "host vsga": VirtualMode.HOST_VGPU,
}
# What nvidia-smi says when it fails, and NVML's return code for it. The exit status is often that code, not always.
_FAILURES = (
    ("Driver/library version mismatch", 18),
    ("couldn't communicate with the NVIDIA driver", 9),
    ("Driver Not Loaded", 9),
    ("couldn't find libnvidia-ml", 12),
    ("couldn't find nvml.dll", 12),
    ("GPU access blocked by the operating system", 17),
    ("Insufficient Permissions", 4),
    ("GPU is lost", 15),
    ("Unable to determine the device handle", 15),
    ("No devices were found", 6),
    ("Unknown Error", 999),
)
_VERSION = re.compile(r"\d+(\.\d+)+")
_GPU = re.compile(r"GPU ([0-9A-Fa-f:.]+)")

Fields = list[tuple[tuple[str, ...], str]]


def parse_log(text: str) -> DriverReport:
    """Return what `nvidia-smi -q` said. From R610 on the versions are called KMD and CUDA UMD; both forms are read."""
    head: Fields = []
    gpus: list[tuple[str, Fields]] = []
    for path, value in _fields(text):
        if len(path) == 1 and not value and (found := _GPU.fullmatch(path[0])):
            gpus.append((found[1], []))
        elif gpus and len(path) > 1:
            gpus[-1][1].append((path[1:], value))
        else:
            head.append((path, value))
    fabrics = [state for _, fields in gpus if (state := _value(fields, "Fabric", "State"))]
    return DriverReport(
        driver=_version(head, "KMD Version", "Driver Version"),
        cuda=_version(head, "CUDA UMD Version", "CUDA Version"),
        gpus=tuple(_gpu(address, fields) for address, fields in gpus),
        fabric=next((state for state in fabrics if state != "Completed"), fabrics[0] if fabrics else ""),
    )


def parse_csv(text: str) -> tuple[HostGpu, ...]:
    """Return the rows of the selective query; a query that nvidia-smi refuses (an old one) has no rows."""
    rows = csv.reader((line for line in text.splitlines() if "," in line), skipinitialspace=True)
    gpus = []
    for row in rows:
        if len(row) != 6 or not pci_address(row[0]):
            continue
        address, pci, name, uuid, memory, capability = (_known(cell) for cell in row)
        gpus.append(
            HostGpu(
                vendor=Vendor.NVIDIA,
                name=name,
                pci_id=device_id(int(pci, 16)) if pci else "",
                pci_address=pci_address(address),
                capability=_capability(capability),
                memory_mib=_mib(memory),
                uuid=uuid,
                is_driven=True,
            )
        )
    return tuple(gpus)


def parse_failure(text: str) -> tuple[int | None, str]:
    """Return NVML's code for a failure message of nvidia-smi (None when unknown) and its line."""
    for words, code in _FAILURES:
        for line in text.splitlines():
            if words in line:
                return code, line.strip()
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return None, line


def _fields(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path, value) of the log, where the path follows the indentation; a heading has an empty value."""
    stack: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("="):
            continue
        name, colon, value = line.partition(" : ")
        depth = len(line) - len(line.lstrip())
        while stack and stack[-1][0] >= depth:
            stack.pop()
        key = (name if colon else line).strip()
        stack.append((depth, key))
        yield tuple(part for _, part in stack), value.strip()


def _gpu(address: str, fields: Fields) -> HostGpu:
    pci = _value(fields, "PCI", "Device Id")
    name = _value(fields, "Product Name")
    mode = _value(fields, "MIG Mode", "Current")
    broken = name in ("Unknown Error", "GPU is lost")
    return HostGpu(
        vendor=Vendor.NVIDIA,
        name="" if broken else name,
        error=name if broken else "",
        pci_id=device_id(int(pci, 16)) if re.fullmatch(r"0x[0-9A-Fa-f]{8}", pci) else "",
        pci_address=pci_address(address),
        memory_mib=_mib(_value(fields, "FB Memory Usage", "Total")),
        uuid=_value(fields, "GPU UUID"),
        mig={"Enabled": True, "Disabled": False}.get(mode),
        mig_instances=tuple(_instances(fields)),
        virtual=_virtual(fields),
        compute_mode=_value(fields, "Compute Mode"),
        is_driven=True,
    )


def _virtual(fields: Fields) -> VirtualMode:
    """The mode; the last word of its field was written with a small m before R410."""
    names = ("Virtualization Mode", "Virtualization mode")
    value = next((v for name in names if (v := _value(fields, "GPU Virtualization Mode", name))), "")
    return _VIRTUAL.get(value.lower(), VirtualMode.UNKNOWN)


def _instances(fields: Fields) -> Iterator[MigInstance]:
    instance = ""
    for path, value in fields:
        if path[:1] == ("MIG Device",) and path[-1] == "GPU Instance ID":
            instance = value
        if path[:1] == ("MIG Device",) and path[-1] == "Compute Instance ID":
            yield MigInstance(name=f"MIG GPU instance {instance}, compute instance {value}", uuid="")


def _value(fields: Fields, *path: str) -> str:
    return next((_known(value) for at, value in fields if at == path), "")


def _version(fields: Fields, *names: str) -> str:
    """The first of several fields that holds a version; a deprecated field may hold a remark instead."""
    values = (_value(fields, name) for name in names)
    return next((value for value in values if _VERSION.fullmatch(value)), "")


def _known(value: str) -> str:
    """The value, or an empty text for the ways in which nvidia-smi says that it has none (`[N/A]`, `Not Supported`)."""
    stripped = value.strip()
    return "" if stripped.startswith("[") or stripped in ("N/A", "Not Supported") else stripped


def _mib(text: str) -> int | None:
    number = text.partition(" ")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _capability(text: str) -> ComputeCapability | None:
    return ComputeCapability.parse(text) if re.fullmatch(r"\d{1,2}\.\d", text) else None
