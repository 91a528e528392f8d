"""The JSON that the PowerShell query prints: display devices, drivers, problems, system."""

from __future__ import annotations

import re
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.core.drivers import windows_number
from envgen.core.json_text import JsonError, parse_json_object
from envgen.probe.observation import HostGpu, Vendor
from envgen.probe.parse.pci import VENDORS

# Device Manager's problem codes: 22 disabled, 28 no driver, 45 not connected. Get-PnpDevice may give their names.
_PROBLEMS = {"CM_PROB_DISABLED": 22, "CM_PROB_FAILED_INSTALL": 28, "CM_PROB_PHANTOM": 45, "CM_PROB_FAILED_START": 10}
_ID = re.compile(r"VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsReport:
    """What Windows says. `driver` is NVIDIA's version of the first NVIDIA device with NVIDIA's driver."""

    name: str
    gpus: tuple[HostGpu, ...]
    driver: str
    has_battery: bool


def parse_windows(text: str) -> WindowsReport | None:
    """Return the report, or None when the text is not the query's JSON object."""
    try:
        found = parse_json_object(text.lstrip("\ufeff"))
    except JsonError:
        return None
    system = next(iter(_rows(found, "system")), {})
    registry = _rows(found, "registry")
    gpus = _devices(_rows(found, "controllers"), _rows(found, "entities"), registry)
    drivers = [windows_number(_text(row, "DriverVersion")) for row in registry if _is_nvidia(row, "MatchingDeviceId")]
    drivers += [
        windows_number(_text(row, "DriverVersion"))
        for row in _rows(found, "controllers")
        if _is_nvidia(row, "PNPDeviceID")
    ]
    return WindowsReport(
        name=f"{_text(system, 'Caption')} {_text(system, 'Version')}".strip(),
        gpus=gpus,
        driver=next((driver for driver in drivers if driver), ""),
        has_battery=bool(found.get("batteries")),
    )


def _devices(
    controllers: list[dict[str, Any]], entities: list[dict[str, Any]], registry: list[dict[str, Any]]
) -> tuple[HostGpu, ...]:
    """Present controllers first; then the devices that Windows remembers but has not, unless they only moved slot."""
    memory = {_text(row, "DriverDesc"): row.get("MemorySize") for row in registry}
    gpus = [
        _gpu(_text(r, "Name"), _text(r, "PNPDeviceID"), r.get("ConfigManagerErrorCode"), memory) for r in controllers
    ]
    present = {gpu.pci_id for gpu in gpus if gpu is not None and gpu.pci_id}
    known = {_text(row, "PNPDeviceID").upper() for row in controllers}
    for row in entities:
        identifier = _text(row, "InstanceId")
        gpu = _gpu(_text(row, "FriendlyName"), identifier, row.get("Problem"), memory)
        if gpu is not None and identifier.upper() not in known and gpu.pci_id not in present:
            gpus.append(gpu)
    return tuple(gpu for gpu in gpus if gpu is not None)


def _gpu(name: str, identifier: str, problem: object, memory: dict[str, Any]) -> HostGpu | None:
    found = _ID.search(identifier)
    if not found:
        return None  # remote-display and mirror drivers have no PCI id
    code = _PROBLEMS.get(problem) if isinstance(problem, str) else problem
    size = memory.get(name)
    return HostGpu(
        vendor=VENDORS.get(found[1].lower(), Vendor.OTHER),
        name=name,
        pci_id=found[2].lower(),
        problem=code if isinstance(code, int) and code else None,
        memory_mib=size // (1 << 20) if isinstance(size, int) else None,
    )


def _rows(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = found.get(key) or []
    return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _is_nvidia(row: dict[str, Any], key: str) -> bool:
    found = _ID.search(_text(row, key))
    return found is not None and found[1].lower() == "10de"
