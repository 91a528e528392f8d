"""From rows of the catalog to the answer of a look-up: one GPU, candidates, or nothing with suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envgen.core.capability import ComputeCapability
from envgen.core.errors import some_of
from envgen.core.gpus import Candidate, Gpu, Match, MatchKind
from envgen.gpus import names
from envgen.gpus.index import GpuTables, Rows


class Answers:
    """Builds answers from one set of tables."""

    def __init__(self, tables: GpuTables, *, suggests: bool = True) -> None:
        self._tables = tables
        self._suggests = suggests

    def gpu(self, row: int) -> Gpu:
        """The GPU of one row."""
        cells = self._tables.gpus[row]
        older = cells["renumbered"]
        return Gpu(
            name=cells["name"],
            capability=self._tables.capability("gpus", cells),
            architecture=cells["architecture"],
            chip=cells["chip"].replace(" ", "/"),
            segment=cells["segment"],
            pci_ids=tuple(cells["pci_ids"].split()),
            renumbered=self._tables.capability("gpus", cells, "renumbered") if older else None,
            only_subdir=self._tables.only_platforms.get(cells["name"]),
        )

    def rows(self, query: str, rows: Rows, key: str) -> Match:
        """The answer for a name that stands for these rows. Laptop rows come first when the text says laptop."""
        rows, notes = self._without_rarities(rows)
        if len(self._tables.capabilities(rows)) > 1:
            return self._ambiguous(query, rows)
        wants_laptop = names.is_laptop(key)
        best = min(rows, key=lambda at: names.is_laptop(names.key(self._tables.gpus[at]["name"])) is not wants_laptop)
        return self._exact(query, self.gpu(best), best, notes)

    def device(self, query: str, device: str, rows: Rows, named: Rows) -> Match:
        """The answer for a PCI id; `named` are the rows of the name beside it, which may pick one of several."""
        both = [at for at in named if at in rows]
        best = both[0] if both else min(rows, key=self._distance_from_driver)
        others = [self._tables.gpus[at]["name"] for at in rows if at != best]
        shared = f"PCI id 10de:{device} is also listed as {some_of(others, 4)}, with the same compute capability"
        return self._exact(query, self.gpu(best), best, (shared,) if others and not both else ())

    def chip(self, query: str, chip: dict[str, str], named: Rows) -> Match:
        """The answer for a codename; `named` are the rows of the name beside it."""
        capability = chip["compute_capability"]
        fitting = [at for at in named if self._tables.gpus[at]["compute_capability"] == capability]
        fitting.sort(key=lambda at: chip["chip"] not in self._tables.gpus[at]["chip"].split())
        if fitting:
            gpu = replace(self.gpu(fitting[0]), chip=chip["chip"])
            return self._exact(query, gpu, fitting[0], ())
        name = chip["chip"]
        told = self._tables.capability("chips", chip)
        gpu = Gpu(name=name, capability=told, architecture=chip["architecture"], chip=name)
        note = f"told by the chip {name}; the name beside it belongs to another compute capability"
        return Match(kind=MatchKind.EXACT, query=query, gpu=gpu, notes=(note,) if named else ())

    def board(self, query: str, board: dict[str, str], profile: str) -> Match:
        """The answer for a virtual GPU: its board has one capability, whatever the profile."""
        capability = self._tables.capability("vgpu_boards", board)
        name = board["board"] + profile if profile else board["board"].removeprefix("GRID ")
        gpu = Gpu(
            name=name,
            capability=capability,
            architecture=self._tables.chips[board["chip"]]["architecture"],
            chip=board["chip"],
            segment="vgpu",
            only_subdir=self._tables.only_platforms.get(board["board"]),
        )
        return Match(kind=MatchKind.EXACT, query=query, gpu=gpu)

    def vendor(self, query: str, name: str) -> Match:
        """Another vendor's GPU."""
        from envgen.gpus.vendors import vendor_named

        vendor = vendor_named(self._tables, name)
        return Match(kind=MatchKind.OTHER_VENDOR, query=query, vendor=vendor.name, advice=vendor.advice)

    def unknown(self, query: str, text: str, notes: Sequence[str] = ()) -> Match:
        """Nothing was found. Suggestions are the names closest to `text`; none when it is empty."""
        suggestions: tuple[str, ...] = ()
        if text and self._suggests:
            from envgen.gpus.suggest import closest

            suggestions = closest(text, [row["name"] for row in self._tables.gpus])
        return Match(kind=MatchKind.UNKNOWN, query=query, suggestions=suggestions, notes=tuple(notes))

    def _exact(self, query: str, gpu: Gpu, row: int, notes: Sequence[str]) -> Match:
        found = list(notes)
        if note := self._tables.gpus[row]["note"]:
            found.append(f"{gpu.name}: {note}")
        if gpu.renumbered:
            found.append(
                f"{gpu.name}: CUDA 12.8 and 12.9 call it {gpu.renumbered}, CUDA 13.0 and later {gpu.capability}"
            )
        return Match(kind=MatchKind.EXACT, query=query, gpu=gpu, notes=tuple(found))

    def _ambiguous(self, query: str, rows: Rows) -> Match:
        candidates = []
        same_name = True
        for at in sorted(rows, key=self._capability):
            gpu, detail = self.gpu(at), self._tables.details.get(self._tables.identity(at))
            same_name = same_name and detail is not None and detail["name"] == gpu.name
            told = detail["how_to_tell"] if detail else gpu.chip
            candidates.append(Candidate(name=gpu.name, capability=gpu.capability, detail=told))
        tell = "; ".join(f"{c.capability}: {c.detail}" for c in candidates if c.detail)
        return Match(
            kind=MatchKind.AMBIGUOUS,
            query=query,
            candidates=tuple(candidates),
            how_to_tell=tell,
            may_agree=same_name,
        )

    def _without_rarities(self, rows: Rows) -> tuple[Rows, tuple[str, ...]]:
        """Leave out a rare card that shares the name of a common one, and say so."""
        usual = self._tables.usual(rows)
        rare = [self._tables.identity(at) for at in rows if at not in usual]
        notes = tuple(
            f"{name} is taken as {self._tables.gpus[usual[0]]['compute_capability']}; a rare card of that name is "
            f"{capability} ({self._tables.details[name, capability]['how_to_tell']})"
            for name, capability in rare
        )
        return usual, notes

    def _capability(self, row: int) -> ComputeCapability:
        return self._tables.capability("gpus", self._tables.gpus[row])

    def _distance_from_driver(self, row: int) -> tuple[bool, int]:
        """Rows that NVIDIA's driver sources name come first, then those with fewer ids: the closest fit to an id."""
        cells = self._tables.gpus[row]
        return "nvidia-open-gpu-kernel-modules" not in cells["sources"], len(cells["pci_ids"])
