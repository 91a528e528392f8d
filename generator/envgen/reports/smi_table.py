"""The table that `nvidia-smi` prints without options: its banner, and of each GPU name, address, memory and modes."""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.probe.observation import HostGpu, MigInstance, Vendor
from envgen.probe.parse.report import pci_address

# R610 calls the versions those of the kernel-mode and of the user-mode driver.
_BANNER = re.compile(
    r"NVIDIA-SMI\s+(?P<tool>[\d.]+)\s+(?:Driver|KMD) Version:\s*(?P<driver>\S+)"
    r"(?:\s+CUDA(?: UMD)? Version:\s*(?P<cuda>\S+))?"
)
_ROW = re.compile(
    r"^\s*\|\s+\d+\s+(?P<name>\S.*?)\s+(?P<mode>On|Off|WDDM|TCC|MCDM|N/A)\s*\|\s*(?P<address>[0-9A-Fa-f:.]{7,16})\s"
)
_MEMORY = re.compile(r"/\s*(?P<total>\d+)MiB\s*\|.*?(?P<mode>Default|E\. Process|E\. Thread|Prohibited)?\s*\|\s*$")
_QUERIED = re.compile(
    r"^\s*(?:\d+, *)?(?P<name>(?:NVIDIA|Tesla|Quadro|GeForce)[^,|]+), *(?P<driver>\d{3}\.\d+(?:\.\d+)?)\b"
)
_MODES = {"E. Process": "Exclusive_Process", "E. Thread": "Exclusive_Thread"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmiTable:
    """What the table shows. `tool` is the version of nvidia-smi itself: in WSL it is not that of the driver."""

    tool: str = ""
    driver: str = ""
    cuda: str = ""
    gpus: tuple[HostGpu, ...] = ()
    is_windows: bool = False
    is_linux: bool = False

    @property
    def is_wsl(self) -> bool:
        """True where a Linux tool shows the number of a Windows driver."""
        return self.tool.count(".") == 2 and self.driver.count(".") == 1


def read_smi_table(lines: list[str]) -> SmiTable | None:
    """Return what a table shows, or None when the text holds none."""
    table = SmiTable()
    gpus: list[HostGpu] = []
    for line in lines:
        if (found := _BANNER.search(line)) and not table.tool:
            table = replace(table, tool=found["tool"], driver=_number(found["driver"]), cuda=_number(found["cuda"]))
        elif found := _ROW.match(line):
            # Only Windows has driver models, and only Linux (WSL's included) persistence mode.
            is_windows, is_linux = found["mode"] in ("WDDM", "TCC", "MCDM"), found["mode"] in ("On", "Off")
            table = replace(table, is_windows=table.is_windows or is_windows, is_linux=table.is_linux or is_linux)
            address = pci_address(found["address"])
            gpus.append(HostGpu(vendor=Vendor.NVIDIA, name=found["name"], pci_address=address, is_driven=True))
        elif gpus:
            gpus[-1] = _filled(gpus[-1], line)
    if not table.tool and not gpus:
        return _queried(lines)
    return replace(table, gpus=tuple(gpus))


def _queried(lines: list[str]) -> SmiTable | None:
    """What `--query-gpu=name,driver_version` prints, in the order that most people ask in."""
    rows = [found for line in lines if (found := _QUERIED.match(line))]
    if not rows:
        return None
    gpus = tuple(HostGpu(vendor=Vendor.NVIDIA, name=row["name"].strip(), is_driven=True) for row in rows)
    return SmiTable(driver=rows[0]["driver"], gpus=gpus)


def _filled(gpu: HostGpu, line: str) -> HostGpu:
    """A GPU with what the further lines of its row say."""
    if (found := _MEMORY.search(line)) and gpu.memory_mib is None:
        mode = found["mode"] or ""
        return replace(gpu, memory_mib=int(found["total"]), compute_mode=_MODES.get(mode, mode))
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if cells[-1] in ("Enabled", "Disabled") and not any(cells[:-1]) and gpu.mig is None:
        # Which slices there are stands in a table of its own, which people leave out.
        slices = (MigInstance(name="not shown", uuid=""),) if cells[-1] == "Enabled" else ()
        return replace(gpu, mig=cells[-1] == "Enabled", mig_instances=slices)
    return gpu


def _number(text: str | None) -> str:
    return text if text and re.fullmatch(r"\d+(\.\d+)+", text) else ""
