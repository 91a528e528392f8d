"""The look-up against the system's own pci.ids: each NVIDIA GPU in it, as lspci prints it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envgen.facts.tables import read_table
from gpus.gpu_catalog import ask

PLACES = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/var/lib/pciutils/pci.ids")
NOT_A_GPU = re.compile(
    r"audio|usb|type-c|ucsi|bridge|smbus|controller\b|ethernet|nvswitch|processor|pcie host|isa|ide\b|sata",
    re.IGNORECASE,
)


def devices(text: str) -> dict[str, str]:
    """Device id -> name, of vendor 10de."""
    section = re.search(r"^10de  .*\n((?:\t.*\n|#.*\n)*)", text, re.MULTILINE)
    assert section is not None
    return dict(re.findall(r"^\t([0-9a-f]{4})  (.+)$", section[1], re.MULTILINE))


def capability_of_codename(name: str) -> str:
    """The capability of the codename in front of a pci.ids name, or an empty string."""
    chips = {row["chip"]: row["compute_capability"] for row in read_table("chips")}
    codename = re.match(r"([A-Z]+[0-9]+[A-Z0-9]?)", name)
    if not codename:
        return ""
    return next((chips[c] for c in (codename[1], codename[1][:-1]) if c in chips), "")


@pytest.mark.interop
def test_every_gpu_of_pci_ids_has_the_capability_of_its_chip() -> None:
    path = next((Path(place) for place in PLACES if Path(place).exists()), None)
    if path is None:
        pytest.skip("no pci.ids on this system")
    listed = devices(path.read_text(encoding="utf-8", errors="replace"))
    expected = {
        device: capability_of_codename(name)
        for device, name in listed.items()
        if capability_of_codename(name) and not NOT_A_GPU.search(name)
    }
    assert len(expected) > 300
    line = "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation {name}{id} (rev a1)"
    with_id = {d: ask(line.format(name=listed[d], id=f" [10de:{d}]")) for d in expected}
    without = {d: ask(line.format(name=listed[d], id="")) for d in expected}
    assert with_id == expected
    assert without == expected
