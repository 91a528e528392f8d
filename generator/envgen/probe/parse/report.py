"""What NVIDIA's own software says in one answer, whichever program gave it."""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass
from envgen.probe.observation import HostGpu


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverReport:
    """One answer of NVML or nvidia-smi. `code` is NVML's return code, None without an error or when it has none."""

    driver: str = ""
    cuda: str = ""
    gpus: tuple[HostGpu, ...] = ()
    fabric: str = ""
    code: int | None = None
    error: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.error)


def pci_address(text: str) -> str:
    """Return a PCI address as sysfs writes it (`0000:01:00.0`); NVIDIA's programs pad the domain to eight digits."""
    found = re.fullmatch(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})(?:\.([0-7]))?", text.strip().lower())
    if not found:
        return ""
    domain, bus, device, function = found.groups()
    return f"{int(domain or '0', 16):04x}:{bus}:{device}.{function or '0'}"


def device_id(combined: int) -> str:
    """Return the device id of NVML's number, which holds the device in the high half: 2684 of 0x268410de."""
    return f"{combined >> 16:04x}" if combined >> 16 and combined & 0xFFFF == 0x10DE else ""
