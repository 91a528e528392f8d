"""PCI devices as lspci prints them and as sysfs holds them."""

from __future__ import annotations

import re

from envgen.probe.observation import HostGpu, Vendor
from envgen.probe.parse.report import pci_address

VENDORS = {"10de": Vendor.NVIDIA, "1002": Vendor.AMD, "1022": Vendor.AMD, "8086": Vendor.INTEL}
# PCI class 03 is display: 0300 VGA, 0302 3D controller, 0380 other. 0680 is a bridge, which is what NVSwitch is.
_DISPLAY = "03"
_DEVICE = re.compile(
    r"(?P<address>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) .+? \[(?P<kind>[0-9a-f]{4})\]: (?P<text>.+?)"
    r" \[(?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4})\](?: \(rev (?P<rev>[0-9a-f]{2})\))?.*"
)
_NAMED = re.compile(r"(?:NVIDIA Corporation )?(?P<chip>(?:AD|TU|NV|MCP|G[A-Z]{0,2})\d\w*)(?: \[(?P<name>.+)\])?")


def parse_lspci(text: str) -> tuple[HostGpu, ...]:
    """Return the display devices of `lspci -D -nn -k`."""
    devices: list[tuple[re.Match[str], str]] = []
    for line in text.splitlines():
        if found := _DEVICE.fullmatch(line):
            devices.append((found, ""))
        elif devices and line.strip().startswith("Kernel driver in use:"):
            devices[-1] = (devices[-1][0], line.partition(":")[2].strip())
    return tuple(_gpu(found, driver) for found, driver in devices if found["kind"].startswith(_DISPLAY))


def has_nvswitch(text: str) -> bool:
    """True when `lspci -D -nn` lists an NVIDIA bridge, which is how NVSwitch shows itself."""
    found = (_DEVICE.fullmatch(line) for line in text.splitlines())
    return any(f is not None and f["vendor"] == "10de" and f["kind"] == "0680" for f in found)


def sysfs_gpu(address: str, values: dict[str, str]) -> HostGpu | None:
    """Return a display device from the files of its sysfs folder, or None when it is another kind of device.

    `values` holds `vendor`, `device`, `class` (`0x030000`), `driver` (the driver's name) and `power` (runtime status).
    """
    if not values.get("class", "").startswith(f"0x{_DISPLAY}"):
        return None
    vendor = values.get("vendor", "").removeprefix("0x")
    return HostGpu(
        vendor=VENDORS.get(vendor, Vendor.OTHER),
        pci_id=values.get("device", "").removeprefix("0x"),
        pci_address=pci_address(address),
        kernel_driver=values.get("driver", ""),
        power=values.get("power", ""),
    )


def _gpu(found: re.Match[str], driver: str) -> HostGpu:
    named = _NAMED.fullmatch(found["text"])
    unnamed = re.fullmatch(r".*\bDevice", found["text"])
    return HostGpu(
        vendor=VENDORS.get(found["vendor"], Vendor.OTHER),
        name="" if unnamed else (named["name"] or named["chip"]) if named else found["text"],
        chip=named["chip"] if named else "",
        pci_id=found["device"],
        pci_address=pci_address(found["address"]),
        kernel_driver=driver,
        # A device that answers reads with all ones is off, or has fallen off the bus.
        power="no answer (rev ff)" if found["rev"] == "ff" else "",
    )
