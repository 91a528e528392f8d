"""The finder's data: names, decisions and commands, as small as it can be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envgen.core.capability import ComputeCapability
from envgen.core.platforms import CUDA_SUBDIRS
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.facts.tables import read_table
from envgen.gpus.beside import LINE
from envgen.site.decisions import PYTHONS, Answer, Table
from envgen.site.names import CHANGING, LEADING, VENDORS, NameTables


def page_data(table: Table, names: NameTables, sizes: Mapping[str, int], revision: str) -> dict[str, Any]:
    """Return what the page reads, as JSON values. `sizes` maps a shipped lock's folder to its download in bytes."""
    capabilities = sorted({gpu.capability for gpu in names.gpus})
    architectures = sorted({gpu.architecture for gpu in names.gpus})
    pairings: list[list[object]] = []
    places: dict[tuple[object, ...], int] = {}

    def place(pairing: Pairing | None) -> int:
        if pairing is None:
            return -1
        entry = _pairing(pairing)
        key = tuple(entry)
        if key not in places:
            places[key] = len(pairings)
            pairings.append(entry)
        return places[key]

    answers = [_answer(answer, place(answer.pip), place(answer.conda)) for answer in table.answers]
    locks = sorted({lock for answer in table.answers for lock in (answer.pip_lock, answer.conda_lock) if lock})
    for answer, entry in zip(table.answers, answers, strict=True):
        entry[2:4] = [locks.index(lock) if lock else -1 for lock in (answer.pip_lock, answer.conda_lock)]
    return {
        "revision": revision,
        "capabilities": [str(capability) for capability in capabilities],
        "architectures": architectures,
        "pythons": list(PYTHONS),
        "gpus": _gpus(names, capabilities, architectures),
        "shared": {key: list(rows) for key, rows in sorted(names.keys.items()) if len(rows) > 1},
        "pairings": pairings,
        "answers": answers,
        "locks": [[lock, sizes.get(lock, 0)] for lock in locks],
        **_decided(table, capabilities),
        "leading": [front.replace(" ", "") for front in LEADING],
        "chips": sorted(
            {
                row[column].lower()
                for table, column in (("chips", "chip"), ("chip_names", "name"))
                for row in read_table(table)
            }
        ),
        "machines": [f"{pattern} {at}" for pattern, at in names.machines],
        "line": LINE.pattern,
        "changing": sorted(CHANGING.split()),
        "vendors": sorted(VENDORS.split()),
    }


def _decided(table: Table, capabilities: Sequence[ComputeCapability]) -> dict[str, Any]:
    """Which answer holds from which driver on, and the driver that is assumed, by platform and capability."""
    return {
        "rows": {
            subdir.value: [
                [_thresholds(table.rows.get((capability, subdir, python), [])) for python in PYTHONS]
                for capability in capabilities
            ]
            for subdir in CUDA_SUBDIRS
        },
        "assumed": {
            subdir.value: [table.assumed.get((capability, subdir), "") for capability in capabilities]
            for subdir in CUDA_SUBDIRS
        },
    }


def _thresholds(row: list[tuple[str, int]]) -> str:
    """`450.80.02:3 525.60.13:7`: a driver and the position of the answer from it on."""
    return " ".join(f"{driver}:{at}" for driver, at in row)


def _answer(answer: Answer, pip: int, conda: int) -> list[Any]:
    return [pip, conda, -1, -1, answer.reason, " ".join(answer.notices)]


def _pairing(pairing: Pairing) -> list[object]:
    """release, CUDA tag, code, floor, index or channel, torchvision, conda's specs."""
    build = pairing.build
    source = pairing.index_url if build.package_set is PackageSet.PIP else build.conda.channels[0]
    code = str(pairing.code[0].code)
    specs = "\t".join(pairing.specs)
    return [build.torch, build.cuda_tag, code, str(pairing.driver_floor), source, pairing.torchvision, specs]


def _gpus(names: NameTables, capabilities: list[Any], architectures: list[str]) -> list[str]:
    """`name|capability|architecture|keys|PCI ids` of each GPU.

    Most keys are the name's core with something in front: `core:3f` has a bit for each entry of LEADING. Others stand
    as they are.
    """
    keys: dict[int, set[str]] = {}
    for key, rows in names.keys.items():
        if len(rows) == 1:
            keys.setdefault(rows[0], set()).add(key)
    pci: dict[int, list[str]] = {}
    for device, rows in names.pci.items():
        for row in rows:
            pci.setdefault(row, []).append(device)
    found = []
    for at, gpu in enumerate(names.gpus):
        short = " ".join(_packed(keys.get(at, set())))
        parts = (gpu.name, str(capabilities.index(gpu.capability)), str(architectures.index(gpu.architecture)), short)
        found.append("|".join((*parts, " ".join(sorted(pci.get(at, []))))))
    return found


def _packed(keys: set[str]) -> list[str]:
    """Keys grouped by their core: the shortest of those that differ in front only."""
    fronts = [front.replace(" ", "") for front in LEADING]
    packed = []
    left = set(keys)
    for core in sorted(keys, key=lambda key: (len(key), key)):
        with_front = {front + core for front in fronts} & left
        if core in left and len(with_front) > 1:
            mask = sum(1 << bit for bit, front in enumerate(fronts) if front + core in with_front)
            packed.append(f"{core}:{mask:x}")
            left -= with_front
    return packed + sorted(left)
