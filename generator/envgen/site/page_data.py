"""The finder's data: names, decisions and commands, as small as it can be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Any, TypeVar

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.facts.tables import read_table
from envgen.gpus.beside import ARCHITECTURES, LINE
from envgen.gpus.names import BRANDS
from envgen.site.decisions import JETPACK, PYTHONS, Answer, Table
from envgen.site.names import CHANGING, CHIP_ENDINGS, LEADING, VENDORS, NameTables, core_key

# Stands for the Python of a question, so that one answer serves all of them.
ANY_PYTHON = "*"
# The words beside a name that the page reads as the program does: they deny or compare, are filler, or speak of GPUs.
_ACTIONS = ("compare", "loose", "context")
_FRONTS = [front.replace(" ", "") for front in LEADING]
_ENDINGS = [ending.lower() for ending in CHIP_ENDINGS]
_Entry = TypeVar("_Entry")


def page_data(table: Table, names: NameTables, sizes: Mapping[str, int], revision: str) -> dict[str, Any]:
    """Return what the page reads, as JSON values. `sizes` maps a shipped lock's folder to its download in bytes."""
    capabilities = sorted({gpu.capability for gpu in names.gpus})
    support = {gpu.capability: gpu.architecture for gpu in names.gpus}
    packed = _Packed(table=table)
    rows = {
        subdir.value: [[packed.row(capability, subdir, python) for python in PYTHONS] for capability in capabilities]
        for subdir in CUDA_SUBDIRS
    }
    return {
        "revision": revision,
        "capabilities": [str(capability) for capability in capabilities],
        "architectures": [support[capability] for capability in capabilities],
        "pythons": list(PYTHONS),
        "gpus": _gpus(names, capabilities),
        "homes": _homes(names.gpus, table),
        "rows": rows,
        "lines": list(packed.lines),
        "wsl": ",".join(_of_windows(table.windows_numbers)),
        "answers": [list(answer) for answer in packed.answers],
        "pairings": [list(pairing) for pairing in packed.pairings],
        "locks": list(packed.locks),
        "remarks": list(packed.remarks),
        "sizes": _sizes(packed.locks, sizes),
        "assumed": {
            subdir.value: [table.assumed.get((capability, subdir), "") for capability in capabilities]
            for subdir in CUDA_SUBDIRS
        },
        "leading": _FRONTS,
        "endings": _ENDINGS,
        "chips": sorted(
            {
                row[column].lower()
                for name, column in (("chips", "chip"), ("chip_names", "name"))
                for row in read_table(name)
            }
        ),
        "machines": [f"{pattern} {at}" for pattern, at in names.machines],
        "line": LINE.pattern,
        "brands": sorted(BRANDS),
        "archs": [*ARCHITECTURES],
        "replace": _replacements(),
        **{action: [row["phrase"] for row in read_table("words") if row["action"] == action] for action in _ACTIONS},
        "changing": sorted(CHANGING.split()),
        "vendors": sorted(VENDORS.split()),
    }


@dataclass(slots=True)
class _Packed:
    """Rows, answers, pairings, locks and remarks, each written once and named by its position.

    A remark has the reason when nothing runs, and the codes of notices.
    """

    table: Table
    lines: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    pairings: dict[tuple[Any, ...], int] = field(default_factory=dict)
    locks: dict[str, int] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)

    def row(self, capability: ComputeCapability, subdir: Subdir, python: str) -> int:
        """The line of a row, or -1."""
        where = capability, subdir, python
        answers = self.table.answers
        steps = {driver: str(self._answer(answers[at], python)) for driver, at in self.table.rows.get(where, ())}
        bare = {branch: str(self._answer(answers[at], python)) for branch, at in self.table.branches.get(where, ())}
        entries = _entries(steps, bare)
        return _place(self.lines, ",".join(entries)) if entries else -1

    def _answer(self, answer: Answer, python: str) -> int:
        locks = (answer.pip_lock, answer.conda_lock)
        entry = (
            *(self._pairing(pairing, python) for pairing in (answer.pip, answer.conda)),
            *(_place(self.locks, lock.replace(f"/py{python}/", f"/py{ANY_PYTHON}/")) if lock else -1 for lock in locks),
            _place(self.remarks, " ".join(filter(None, (answer.reason, *answer.notices)))),
        )
        return _place(self.answers, entry)

    def _pairing(self, pairing: Pairing | None, python: str) -> int:
        """Release, CUDA tag, code, floor, index or channels, torchvision, conda's specs."""
        if pairing is None:
            return -1
        build = pairing.build
        source = pairing.index_url if build.package_set is PackageSet.PIP else " ".join(build.conda.channels)
        specs = "\t".join(pairing.specs).replace(f"python={python}", f"python={ANY_PYTHON}")
        code = str(pairing.code[0].code)
        entry = (build.torch, build.cuda_tag, code, str(pairing.driver_floor), source, pairing.torchvision, specs)
        return _place(self.pairings, entry)


def _place(known: dict[_Entry, int], entry: _Entry) -> int:
    return known.setdefault(entry, len(known))


def _short(driver: str) -> str:
    """A bare branch stands for its first release."""
    return driver.removesuffix(".00")


def _entries(steps: Mapping[str, str], bare: Mapping[str, str]) -> list[str]:
    """What holds from a driver on, the oldest first: `450.80.02:3`.

    A bare branch has what the last entry of its branch, or of one before, has; where it hasn't, its own follows:
    `=525:7`. `bare` has those that differ from the branch's first release.
    """
    found = [f"{_short(driver)}:{what}" for driver, what in steps.items()]
    if any(driver.startswith(JETPACK) for driver in steps):
        return found
    drivers = [(DriverVersion.parse(driver).parts, what) for driver, what in steps.items()]
    for branch in sorted({*(parts[0] for parts, _ in drivers), *map(int, bare)}):
        last = [what for parts, what in drivers if parts[0] <= branch][-1:]
        first = [what for parts, what in drivers if parts <= (branch, 0)][-1:]
        own = [bare[str(branch)]] if str(branch) in bare else first
        found += [f"={branch}:{what}" for what in own if own != last]
    return found


def _of_windows(numbers: Mapping[str, str]) -> list[str]:
    """Entries with the branch on Linux for what WSL shows of drivers of Windows; 0 for those without CUDA there."""
    return _entries(
        {driver: branch or "0" for driver, branch in numbers.items() if "." in driver},
        {driver: branch or "0" for driver, branch in numbers.items() if "." not in driver},
    )


def _sizes(locks: Mapping[str, int], sizes: Mapping[str, int]) -> list[dict[str, int]]:
    """For each lock: Python -> its download in millions of bytes."""
    return [
        {
            python: round(sizes[folder] / 1_000_000)
            for python in PYTHONS
            if (folder := lock.replace(ANY_PYTHON, python)) in sizes
        }
        for lock in locks
    ]


def _homes(gpus: Sequence[Gpu], table: Table) -> dict[str, list[int]]:
    """Platform -> the GPUs that are built into its computers only, by position."""
    found: dict[str, list[int]] = {}
    for at, gpu in enumerate(gpus):
        only = gpu.only_subdir or table.only.get(gpu.capability)
        if only is not None:
            found.setdefault(only.value, []).append(at)
    return found


def _gpus(names: NameTables, capabilities: Sequence[ComputeCapability]) -> list[list[str]]:
    """For each capability its GPUs, in their order: `name|keys|PCI ids`.

    Most keys are the name's core with something in front: `core:3f` has a bit for each entry of LEADING, and `:3f` is
    about the core that the name itself has; `core+3f` has one for each ending of a chip. Others stand as they are. PCI
    ids leave the two digits out that they share with the one before: `1f97 98 9c`.
    """
    keys: dict[int, set[str]] = {}
    for key, rows in names.keys.items():
        for row in rows:
            keys.setdefault(row, set()).add(key)
    pci: dict[int, list[str]] = {}
    for device, rows in names.pci.items():
        for row in rows:
            pci.setdefault(row, []).append(device)
    groups: dict[ComputeCapability, list[str]] = {capability: [] for capability in capabilities}
    before = ""
    for at, gpu in enumerate(names.gpus):
        short = " ".join(_packed(keys.get(at, set()), core_key(gpu.name)))
        devices = sorted(pci.get(at, []))
        shorter = (b[2:] if a[:2] == b[:2] else b for a, b in pairwise([before, *devices]))
        groups[gpu.capability].append("|".join((gpu.name, short, " ".join(shorter))))
        before = devices[-1] if devices else before
    return list(groups.values())


def _packed(keys: set[str], own: str) -> list[str]:
    """Keys grouped by the shortest of those that differ in front or at the end only. `own` is the core of the name."""
    packed = []
    left = set(keys)
    for core in sorted(keys, key=lambda key: (len(key), key)):
        for mark, around in ((":", [front + core for front in _FRONTS]), ("+", [core + end for end in _ENDINGS])):
            found = {*around} & left
            if core in left and len(found) > 1:
                mask = sum(1 << bit for bit, key in enumerate(around) if key in found)
                packed.append(f"{'' if core == own else core}{mark}{mask:x}")
                left -= found
    return packed + sorted(left)


def _replacements() -> list[list[str]]:
    """[word, its Latin form] of the words in other scripts, the longest first."""
    rows = (row for row in read_table("words") if row["action"] == "replace" and not row["phrase"].isascii())
    return [[row["phrase"], row["replacement"]] for row in sorted(rows, key=lambda row: -len(row["phrase"]))]
