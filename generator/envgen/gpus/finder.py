"""From a key or a name by itself to the rows of the catalog that it stands for; what is around a name is `scan`'s."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.gpus import names
from envgen.gpus.index import GpuTables, Rows

_SIZE = re.compile(r" [0-9]{1,3} ?g(?:i?b)?(?= )| [0-9]{3,6} ?mi?b(?= )")  # 16 GB, 16G, 32 GiB, 24576 MiB
_SERIES = re.compile(r"(?:geforce)?(gtx|rtx|gts|gt)([0-9]{3,4}(?![0-9]).*)")
# Cards of these numbers differ from line to line, or within one: never forgiven, whatever the tables say today.
_LINE_DECIDES = ("240", "260m", "320", "640", "645", "745", "750")
MOST_PARTS = 12  # more than lspci names for one chip
_PROFILE = re.compile(r"(.+?)((?:-[0-9]{1,3}){1,2}(?:[abcq][0-9]?|cme|me)?)")


class Finder:
    """Finds names in one set of tables."""

    def __init__(self, tables: GpuTables) -> None:
        self._tables = tables

    def find(self, name_key: str) -> Rows:
        """Rows of a key: as written, with a short suffix written out, then without the words for laptops."""
        short = names.loosened(name_key)
        is_loose = short != name_key
        rows = (
            (self._tables.shorthand.get(short, []) if is_loose else [])  # `RTX 5000 Mobile` is as open as `RTX 5000`
            or self._tables.exact.find(name_key)
            or (self.find(longer) if (longer := names.spelled_out(name_key)) else [])
        )
        if rows or not short:
            return rows
        rows = self._tables.loose.find(short)
        return self._laptops(rows, short) if names.is_laptop(name_key) else rows

    def _laptops(self, rows: Rows, short: str) -> Rows:
        """Of the rows of a name, those of laptops; else the rows of a laptop's GPU with a name of its own.

        Before the 10 series that is a letter behind the number: of `GTX 670 laptop`, 670M and 670MX are meant.
        """
        laptops = [at for at in rows if names.is_laptop(names.key(self._tables.gpus[at]["name"]))]
        own = [at for suffix in ("m", "mx") for at in self._tables.exact.find(short + suffix)]
        return laptops or own or rows

    def find_on_another_line(self, name_key: str) -> Rows:
        """`GTX 4060`: the rows of a GeForce number under every other line, when they share one capability."""
        found = _SERIES.fullmatch(name_key)
        if not found or found[2].startswith(_LINE_DECIDES):
            return []
        lines = (line for line in ("gtx", "rtx", "gts", "gt", "") if line != found[1])
        rows = list(dict.fromkeys(at for line in lines for at in self.find(f"geforce{line}{found[2]}")))
        return rows if len(self._tables.capabilities(rows)) == 1 else []

    def rows(self, text: str) -> Rows:
        """The rows that a name stands for, whatever their capabilities; of `A / B`, those of the first known part."""
        for part in (text, *text.split("/")[:MOST_PARTS]):
            for spaced, _ in self.candidates(names.words(part)):
                if rows := self.find(names.without_maker(names.key(spaced))):
                    return rows
        return []

    def candidates(self, spaced: str) -> Iterator[tuple[str, bool]]:
        """The words with more and more left out that say nothing about the chip, and whether a maker's are left out."""
        phrases = self._tables.phrases
        plain = swap(spaced, [*phrases["replace"], *phrases["drop"]])
        yield plain, False
        yield swap(plain, phrases["loose"]), False
        bare = swap(plain, phrases["board"])
        sized = _SIZE.sub("", bare)
        for kept in (bare, sized, swap(bare, phrases["loose"]), swap(sized, phrases["loose"])):
            yield kept, bare != plain

    def virtual(self, text: str) -> tuple[dict[str, str] | None, str, Rows]:
        """A virtual GPU (`A100X-1-10C`): its board's row, the profile, and else the rows of a card of that name."""
        found = _PROFILE.fullmatch(text) if "-" in text else None
        if not found:
            return None, "", []
        board = names.without_maker(names.key(found[1]))
        row = self._tables.boards.get(board)
        return row, found[2].upper(), self.rows(found[1]) if row is None and found[2][-1:].isalpha() else []

    def completions(self, start: str) -> Rows:
        """The rows of all names that begin with a key that a program cut short; none for a key without a number."""
        if not any(c.isdigit() for c in start):
            return []
        short, brand = names.without_brand(start)
        return [
            at
            for key, rows in self._tables.exact.items()
            if key.startswith(start) or (not brand and names.without_brand(key)[0].startswith(short))
            for at in rows
        ]


def swap(spaced: str, phrases: list[tuple[str, str]]) -> str:
    """Replace whole-word phrases in a text that has a space at each end."""
    for phrase, replacement in phrases:
        if phrase in spaced:
            spaced = spaced.replace(f" {phrase} ", f" {replacement} " if replacement else " ")
    return spaced
