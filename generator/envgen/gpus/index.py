"""The GPU tables, each read when it is first needed, and the keys by which their rows are found.

A row is named by its position in `gpus.csv`. One name can have several rows: one for each compute capability.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from envgen.core.capability import ComputeCapability
from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir
from envgen.facts.errors import FactInvalidError, Violation
from envgen.facts.tables import read_table
from envgen.gpus import names

Rows = list[int]

_BRAND_SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "geforce": ("geforce-desktop", "geforce-laptop", "titan", "workstation", "workstation-laptop"),
    "quadro": ("workstation", "workstation-laptop"),
    "tesla": ("datacenter",),
    "jetson": ("jetson",),
}


class KeyIndex:
    """Keys of names -> row positions, and the shorter forms in which people leave something out."""

    def __init__(self, keys: Mapping[str, Rows], gpus: Sequence[Mapping[str, str]]) -> None:
        self._keys = keys
        self._gpus = gpus

    @cached_property
    def _glued(self) -> Mapping[str, Rows]:
        """Without the separator between two digits, for a text that has no separators at all."""
        return _regroup((key.replace("~", ""), rows) for key, rows in self._keys.items())

    def items(self) -> Iterable[tuple[str, Rows]]:
        """All keys as written, with their rows."""
        return self._keys.items()

    def has(self, key: str) -> bool:
        """True when a key is one as written."""
        return key in self._keys

    def find(self, key: str) -> Rows:
        """Return the rows that a key stands for: as it is, then with what people leave out, each step as a whole.

        A brand that is written must fit: `GeForce 6000` is not Quadro 6000, and there is no `Jetson A100`. Only GeForce
        may lack its series (`GeForce 3090`), because on other brands the letters in front of the number decide. A bare
        number stands for every brand and series that has it.
        """
        if rows := self._keys.get(key):
            return rows
        if "~" not in key and (rows := self._glued.get(key)):
            return rows
        short, brand = names.without_brand(key)
        if brand:
            series = names.SERIES if brand == "geforce" else ("rtx",) if brand == "quadro" else ()
            fronts = ("geforce",) if brand == "geforce" else ("",)
            rows = self._keys.get(short) or self._prefixed(short, fronts, series)
            return [at for at in rows if fits_brand(brand, self._gpus[at])]
        brandless = [] if key.isdigit() else self._prefixed(key, names.BRANDS, series=("",))
        return brandless or self._prefixed(key, ("", *names.BRANDS))

    def _prefixed(self, key: str, brands: Iterable[str], series: Iterable[str] = ("", *names.SERIES)) -> Rows:
        """Rows of all keys that are this one with a brand and a series in front."""
        lines = series if names.is_model(key) else ("",) if "" in series else ()
        fronts = (brand + line for brand in brands for line in lines)
        return list(dict.fromkeys(row for front in fronts for row in self._keys.get(front + key, ())))


def fits_brand(brand: str, gpu: Mapping[str, str]) -> bool:
    """True when a brand that a text names can be that of a GPU.

    People write GeForce or Quadro in front of workstation cards that carry no brand of their own (`Quadro T1200`).
    """
    own = names.without_brand(names.key(gpu["name"]))[1]
    return brand == own if own else gpu["segment"] in _BRAND_SEGMENTS[brand]


class GpuTables:
    """The GPU tables of one data folder (the package's own when None)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def read(self, name: str) -> list[dict[str, str]]:
        """The rows of one table."""
        return read_table(name, self._folder)

    def capability(self, table: str, row: dict[str, str], column: str = "compute_capability") -> ComputeCapability:
        """The capability in a cell.

        Raises: FactInvalidError with all violations of the table when it isn't one.
        """
        try:
            return ComputeCapability.parse(row[column])
        except ValueFormatError as error:
            from envgen.facts.schema_checks import check_table

            check_table(table, self._folder)
            where = Violation(file=f"{table}.csv", line=0, column=column, value=row[column], expected=error.expected)
            raise FactInvalidError((where,)) from error

    def _references(self, table: str, rows: list[dict[str, str]]) -> Rows:
        """The row of `gpus.csv` that each row of another table names.

        Raises: FactInvalidError with every row that names none.
        """
        found = [self.by_identity.get((row["gpu"], row["compute_capability"]), -1) for row in rows]
        dangling = tuple(
            Violation(
                file=f"{table}.csv",
                line=line,
                column="gpu",
                value=f"{row['gpu']},{row['compute_capability']}",
                expected="a name and capability of gpus.csv",
            )
            for line, (row, at) in enumerate(zip(rows, found, strict=True), start=2)
            if at < 0
        )
        if dangling:
            raise FactInvalidError(dangling)
        return found

    @cached_property
    def gpus(self) -> list[dict[str, str]]:
        return self.read("gpus")

    @cached_property
    def ambiguous(self) -> Mapping[str, list[dict[str, str]]]:
        """Key of a name that can mean several GPUs -> its rows of `ambiguous.csv`."""
        found: dict[str, list[dict[str, str]]] = {}
        for row in self.read("ambiguous"):
            found.setdefault(names.key(row["name"]), []).append(row)
        return found

    @cached_property
    def named(self) -> Mapping[str, Rows]:
        """Key of each catalog name -> its rows."""
        found: dict[str, Rows] = {}
        for position, key in enumerate(names.keys(row["name"] for row in self.gpus)):
            found.setdefault(key, []).append(position)
        return found

    @cached_property
    def details(self) -> Mapping[tuple[str, str], dict[str, str]]:
        """Name and compute capability -> its row of `ambiguous.csv`; a row about namesakes wins over a shorthand's."""
        rows = [row for group in self.ambiguous.values() for row in group]
        rows.sort(key=lambda row: row["kind"] != "shorthand")
        return {(row["gpu"], row["compute_capability"]): row for row in rows}

    def identity(self, row: int) -> tuple[str, str]:
        """Name and compute capability of a row."""
        return self.gpus[row]["name"], self.gpus[row]["compute_capability"]

    def usual(self, rows: Rows) -> Rows:
        """The rows without a rare card that shares the name of a common one."""
        if len(rows) < 2:
            return rows
        kinds = (self.details.get(self.identity(at)) for at in rows)
        usual = [at for at, detail in zip(rows, kinds, strict=True) if not detail or detail["kind"] != "rare"]
        return usual or rows

    def capabilities(self, rows: Rows) -> set[str]:
        """The compute capabilities of rows, without that of a rare namesake."""
        return {self.gpus[at]["compute_capability"] for at in self.usual(rows)}

    def of_architecture(self, rows: Rows, architecture: str) -> Rows:
        """The rows of one architecture, whose name is in lower case."""
        return [at for at in rows if self.gpus[at]["architecture"].lower().startswith(architecture)]

    @cached_property
    def by_identity(self) -> Mapping[tuple[str, str], int]:
        """Name and compute capability -> row."""
        return {(row["name"], row["compute_capability"]): at for at, row in enumerate(self.gpus)}

    @cached_property
    def by_pci(self) -> Mapping[str, Rows]:
        """PCI device id -> the rows that list it; they share one compute capability."""
        pairs = ((device, [at]) for at, row in enumerate(self.gpus) for device in row["pci_ids"].split())
        return _regroup(pairs)

    @cached_property
    def shorthand(self) -> Mapping[str, Rows]:
        """Key of a short name that stands for several full names -> their rows."""
        rows = self.read("ambiguous")
        pairs = zip(rows, self._references("ambiguous", rows), strict=True)
        return _regroup((names.key(row["name"]), [at]) for row, at in pairs if row["kind"] == "shorthand")

    @cached_property
    def exact(self) -> KeyIndex:
        """Catalog names, names that can mean several GPUs, and other spellings."""
        spelled: dict[str, Rows] = {}
        rows = self.read("spellings")
        spellings = names.keys(row["spelling"] for row in rows)
        for at, key in zip(self._references("spellings", rows), spellings, strict=True):
            spelled.setdefault(key, []).append(at)
        return KeyIndex({**self.systems, **spelled, **self.named, **self.shorthand}, self.gpus)

    @cached_property
    def systems(self) -> Mapping[str, Rows]:
        """Key of a computer's name -> the rows of the GPUs that are built into it."""
        rows = self.read("systems")
        pairs = zip(rows, self._references("systems", rows), strict=True)
        return _regroup((names.key(row["system"]), [at]) for row, at in pairs)

    @cached_property
    def loose(self) -> KeyIndex:
        """The same without laptop words: a desktop GPU and its laptop forms come out together."""
        return KeyIndex(_regroup((names.loosened(key), rows) for key, rows in self.exact.items()), self.gpus)

    @cached_property
    def neighbours(self) -> frozenset[tuple[str, str]]:
        """All pairs of words or numbers that follow each other in a name, `SXM4 80GB` and `sxm480gb` alike."""
        every = [row["name"] for row in (*self.gpus, *self.read("ambiguous"))]
        every += [row["spelling"] for row in self.read("spellings")] + [row["system"] for row in self.read("systems")]
        return frozenset(pair for name in every for pair in pairwise(names.pieces(name)))

    @cached_property
    def reordered(self) -> Mapping[str, Rows]:
        """The sorted words of each catalog name -> its rows."""
        pairs = ((" ".join(sorted(names.words(row["name"]).split())), [at]) for at, row in enumerate(self.gpus))
        return _regroup(pairs)

    @cached_property
    def chips(self) -> Mapping[str, dict[str, str]]:
        """Codename -> its row."""
        return {row["chip"]: row for row in self.read("chips")}

    @cached_property
    def chip_names(self) -> Mapping[str, dict[str, str]]:
        """Another name of a chip (nouveau's `NV166`), in upper case -> the chip's row."""
        return {row["name"].upper(): self.chips[row["chip"]] for row in self.read("chip_names")}

    @cached_property
    def only_platforms(self) -> Mapping[str, Subdir]:
        """Name of a GPU or a board -> the one platform that it is built into."""
        return {row["name"]: Subdir(row["only_subdir"]) for row in self.read("gpu_platforms")}

    @cached_property
    def product_codes(self) -> list[tuple[str, str]]:
        """Pattern of a graphics card maker's model code -> the GPU's name in it."""
        return [(row["pattern"], row["meaning"]) for row in self.read("product_codes")]

    @cached_property
    def instance_types(self) -> list[tuple[dict[str, str], int]]:
        """Rows of `instance_types.csv`, each with the row of its GPU; -1 for another vendor's, or for any GPU."""
        rows = self.read("instance_types")
        named = [row for row in rows if row["gpu"]]
        found = iter(self._references("instance_types", named))
        return [(row, next(found) if row["gpu"] else -1) for row in rows]

    @cached_property
    def boards(self) -> Mapping[str, dict[str, str]]:
        """Key of a virtual GPU's board, with and without GRID in front -> its row."""
        rows = self.read("vgpu_boards")
        short = {names.key(row["board"]).removeprefix("grid"): row for row in rows}
        return {**short, **{names.key(row["board"]): row for row in rows}}

    @cached_property
    def vendor_signs(self) -> list[dict[str, str]]:
        return self.read("vendor_signs")

    @cached_property
    def phrases(self) -> Mapping[str, list[tuple[str, str]]]:
        """Action of `words.csv` -> (phrase, replacement), the longest phrase first."""
        found: dict[str, list[tuple[str, str]]] = {}
        for row in sorted(self.read("words"), key=lambda row: -len(row["phrase"])):
            found.setdefault(row["action"], []).append((row["phrase"], row["replacement"]))
        return found


def _regroup(pairs: Iterable[tuple[str, Rows]]) -> dict[str, Rows]:
    """Collect rows under their keys, in order and without repeats."""
    found: dict[str, Rows] = {}
    for key, rows in pairs:
        group = found.setdefault(key, [])
        group += [row for row in rows if row not in group]
    return found
