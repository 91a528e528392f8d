"""A PCI device id names one chip, so it settles everything else that a text says."""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.core.gpus import Match
from envgen.gpus import names
from envgen.gpus.answers import Answers
from envgen.gpus.finder import Finder
from envgen.gpus.index import GpuTables
from envgen.gpus.text import GpuText

# Compiled when first used: a plain name needs it not.
_ID = (
    r"(?:0x)?10de[^0-9a-z]+(?:(?:device|pid|product|model) ?(?:id)?[^0-9a-z]*)?(?:0x)?([0-9a-f]{4})(?![0-9a-f])"
    r"|ven_10de&dev_([0-9a-f]{4})|0x([0-9a-f]{4})10de(?![0-9a-f])"
    r"|v000010ded0000([0-9a-f]{4})|nvidia.*\(0x0000([0-9a-f]{4})\)"
)


class Pci:
    """Reads PCI ids with one set of tables."""

    def __init__(self, tables: GpuTables, answers: Answers, finder: Finder) -> None:
        self._tables = tables
        self._answers = answers
        self._finder = finder

    def by_id(self, text: GpuText) -> Match | None:
        """An id of vendor 10de. An id that no row lists leaves the decision to the rest of the text."""
        if "10de" not in text.lowered and "(0x0000" not in text.lowered:
            return None
        for found in re.finditer(_ID, text.lowered):
            device = next(group for group in found.groups() if group)
            if rows := self._tables.by_pci.get(device):
                return self._answers.device(text.query, device, rows, self._finder.rows(names.bracketed(text.lowered)))
        return None

    def by_bare_id(self, text: GpuText) -> Match | None:
        """`Device 2d04`, or nothing but four hex digits. A bare number that is also a name is taken as the name."""
        if "device" not in text.lowered and len(text.lowered) > 6:
            return None
        found = re.search(r"\bdevice (?:0x)?([0-9a-f]{4})(?![0-9a-z])", text.lowered)
        bare = found or re.fullmatch(r"(?:0x)?([0-9a-f]{4})", text.lowered)
        rows = self._tables.by_pci.get(bare[1]) if bare else None
        if not bare or not rows:
            return None
        named = self._tables.exact.find(bare[1]) if not found and bare[1].isdigit() else []
        if not named:
            return self._answers.device(text.query, bare[1], rows, [])
        other = self._tables.gpus[rows[0]]["name"]
        note = f"read as a name; {bare[1]} is also the PCI id of {other}, written 10de:{bare[1]}"
        match = self._answers.rows(text.query, named, bare[1])
        return replace(match, notes=(*match.notes, note))

    @staticmethod
    def unlisted(lowered: str) -> str:
        """What to say of an id that no table lists, or an empty string."""
        found = re.search(_ID, lowered)
        return f"the PCI id in {found[0]} is in no list that the catalog was made from" if found else ""
