"""One list of GPUs out of what several sources said, with the places where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from envgen.probe.observation import Disagreement, HostGpu, VirtualMode

# Fields in which two sources must agree. Names differ by nature (the driver's, the PCI database's).
_FACTS = ("pci_id", "capability", "uuid", "mig")


def merge_gpus(
    groups: Iterable[tuple[str, tuple[HostGpu, ...]]],
) -> tuple[tuple[HostGpu, ...], tuple[Disagreement, ...]]:
    """Return one entry per device from (source name, its GPUs), the preferred source first.

    Devices are the same when their PCI addresses are; without an address, when their ids are and nobody claimed it yet.
    """
    merged: list[HostGpu] = []
    disagreements: list[Disagreement] = []
    for source, gpus in groups:
        claimed: set[int] = set()
        for gpu in gpus:
            index = _same(merged, gpu, claimed)
            if index is None:
                claimed.add(len(merged))
                merged.append(replace(gpu, sources=(source,)))
            else:
                claimed.add(index)
                disagreements.extend(_differences(merged[index], gpu, source))
                merged[index] = _filled(merged[index], gpu, source)
    return tuple(merged), tuple(disagreements)


def _same(merged: list[HostGpu], gpu: HostGpu, claimed: set[int]) -> int | None:
    for index, known in enumerate(merged):
        if index in claimed or known.vendor is not gpu.vendor:
            continue
        if known.pci_address and gpu.pci_address:
            if known.pci_address == gpu.pci_address:
                return index
        elif known.pci_id and gpu.pci_id and known.pci_id == gpu.pci_id:
            return index
    return None


def _filled(known: HostGpu, other: HostGpu, source: str) -> HostGpu:
    """The known entry with its empty fields taken from the other."""
    changes = {
        field.name: getattr(other, field.name)
        for field in fields(HostGpu)
        if field.name not in ("sources", "is_driven") and _is_empty(getattr(known, field.name))
    }
    return replace(known, **changes, sources=(*known.sources, source))


def _is_empty(value: object) -> bool:
    return value is None or value in ("", ()) or value is VirtualMode.UNKNOWN


def _differences(known: HostGpu, other: HostGpu, source: str) -> Iterable[Disagreement]:
    for name in _FACTS:
        one, two = getattr(known, name), getattr(other, name)
        if not _is_empty(one) and not _is_empty(two) and one != two:
            yield Disagreement(
                subject=f"{name} of {known.label} at {known.pci_address or 'an unknown address'}",
                kept=str(one),
                kept_from=known.sources[0],
                other=str(two),
                other_from=source,
            )
