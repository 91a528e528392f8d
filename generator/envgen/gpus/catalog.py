"""The GPU catalog: every GPU with its compute capability, found by name, PCI id or chip.

Answers are exact. A name that can mean several GPUs is answered with all of them, an unknown one with suggestions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Self

from envgen.core.gpus import Gpu, Match
from envgen.facts.tables import once
from envgen.gpus import names
from envgen.gpus.answers import Answers
from envgen.gpus.index import GpuTables

if TYPE_CHECKING:
    from envgen.gpus.lookup import Lookup


_REMEMBERED = 500  # texts; a list of machines repeats a dozen


class GpuCatalog:
    """All GPUs. Each table is read when a question first needs it."""

    def __init__(self, tables: GpuTables, *, suggests: bool = True) -> None:
        self._tables = tables
        self._answers = Answers(tables, suggests=suggests)
        self._matches: dict[str, Match] = {}

    @classmethod
    @once
    def load(cls, *, suggests: bool = True) -> Self:
        """Return the catalog of the package's own tables, one a process.

        Without `suggests` an unknown name gets no suggestions, which take most of the time of a look-up.
        """
        return cls(GpuTables(), suggests=suggests)

    @cached_property
    def _lookup(self) -> Lookup:
        from envgen.gpus.lookup import Lookup

        return Lookup(self._tables, self._answers)

    def match(self, text: str) -> Match:
        """Return what a text names: as people write it, as a program prints it, or a PCI id."""
        if (found := self._matches.get(text)) is not None:
            return found
        key = names.without_maker(names.key(text))  # a name of the catalog as it is needs none of the readers
        rows = self._tables.named.get(key)
        match = self._answers.rows(text, rows, key) if rows else self._lookup.look_up(text)
        if len(self._matches) < _REMEMBERED:
            self._matches[text] = match
        return match

    def all(self) -> Iterator[Gpu]:
        """Every GPU, in the order of the table; a name with several compute capabilities yields one for each."""
        return (self._answers.gpu(row) for row in range(len(self._tables.gpus)))

    def search(self, query: str, limit: int = 2000) -> tuple[Gpu, ...]:
        """Return up to `limit` GPUs for a query: what it names first, then names with words that begin with its words.

        A word also fits a chip, an architecture, a PCI id or a compute capability.
        """
        match = self.match(query)
        found: dict[tuple[str, str], Gpu] = {}
        if match.gpu:
            found[match.gpu.name, str(match.gpu.capability)] = match.gpu
        for candidate in match.candidates:
            row = self._tables.by_identity[candidate.name, str(candidate.capability)]
            found[candidate.name, str(candidate.capability)] = self._answers.gpu(row)
        wanted = [word for word in names.words(query.replace(".", "·")).split() if word != "nvidia"]
        for row, cells in enumerate(self._tables.gpus):
            if len(found) >= limit or not wanted:
                break
            if all(_fits(word.replace("·", "."), cells) for word in wanted):
                found.setdefault((cells["name"], cells["compute_capability"]), self._answers.gpu(row))
        return tuple(found.values())[:limit]


def _fits(word: str, cells: dict[str, str]) -> bool:
    """True when a word of a row's name begins with it, or it is one of the row's other facts."""
    facts = f"{cells['chip']} {cells['architecture']} {cells['pci_ids']}".lower().split()
    return f" {word}" in names.words(cells["name"]) or word in facts or word == cells["compute_capability"]
