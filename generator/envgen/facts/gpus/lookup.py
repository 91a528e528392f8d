"""From a text to a GPU: PCI id, then vendor, then chip codename, then name. Never a guess from a number.

`look_up` tries one kind of evidence after the other, each as a whole; the first that says something decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from envgen.core.gpus import Match, MatchKind
from envgen.facts.gpus import names
from envgen.facts.gpus.answers import Answers
from envgen.facts.gpus.index import GpuTables, Rows

LONGEST = 300
_BAD = set("{}<>$`;*?!~^%=\\")
_ARCHITECTURES = ("fermi", "kepler", "maxwell", "pascal", "volta", "turing", "ampere", "ada", "hopper", "blackwell")
# Compiled when first used: a plain name needs neither.
_PCI = (
    r"(?:0x)?10de[: \-]+(?:0x)?([0-9a-f]{4})(?![0-9a-f])|ven_10de&dev_([0-9a-f]{4})|0x([0-9a-f]{4})10de(?![0-9a-f])"
    r"|v000010ded0000([0-9a-f]{4})|nvidia.*\(0x0000([0-9a-f]{4})\)"
)
# One part of a list that is a GPU by itself.
_MODEL = r"\b(?:rtx|gtx|gts|gt|geforce|quadro|tesla|titan)\b.*[0-9]{2}|\b[abhlptv][0-9]{1,4}\b"
_PROFILE = r"(.+?)((?:-[0-9]{1,3}){1,2}(?:[abcq][0-9]?|cme|me)?)"


class Lookup:
    """Look-ups over one set of tables."""

    def __init__(self, tables: GpuTables) -> None:
        self._tables = tables
        self._answers = Answers(tables)

    def look_up(self, query: str) -> Match:
        """Return what the text names: one GPU, several, another vendor's, or nothing."""
        text = names.plain(query) if len(query) <= LONGEST else ""
        if not text or not text.isprintable() or "../" in text or names.has_stray_quote(text):
            return self._answers.unknown(query, "")
        if rows := self._tables.named.get(names.without_maker(names.key(text))):
            return self._answers.rows(query, rows, names.key(text))
        lowered = text.lower()
        match = self._by_pci_id(query, lowered)
        if match:
            return match
        if _BAD.intersection(text if "ven_" not in lowered else text.replace("\\", "")):
            return self._answers.unknown(query, "")
        spaced = self._translated(names.words(text))
        name = names.device_text(text)
        return (
            self._by_vendor(query, spaced, lowered)
            or self._by_bare_id(query, lowered)
            or self._by_chip(query, text)
            or (None if name.endswith(("...", "…")) else self._by_name(query, name))
            or self._answers.unknown(query, self._core(name), self._remarks(text))
        )

    def _by_pci_id(self, query: str, lowered: str) -> Match | None:
        """An id of vendor 10de. An id that no row lists leaves the decision to the rest of the text."""
        if "10de" not in lowered and "(0x0000" not in lowered:
            return None
        for found in re.finditer(_PCI, lowered):
            device = next(group for group in found.groups() if group)
            if rows := self._tables.by_pci.get(device):
                return self._answers.device(query, device, rows, self._name_rows(names.bracketed(query)))
        return None

    def _by_bare_id(self, query: str, lowered: str) -> Match | None:
        """`Device 2d04`, or nothing but four hex digits. A bare number that is also a name is taken as the name."""
        if "device" not in lowered and len(lowered) > 6:
            return None
        found = re.search(r"\bdevice (?:0x)?([0-9a-f]{4})(?![0-9a-z])", lowered)
        bare = found or re.fullmatch(r"(?:0x)?([0-9a-f]{4})", lowered)
        rows = self._tables.by_pci.get(bare[1]) if bare else None
        if not bare or not rows:
            return None
        named = self._tables.exact.find(bare[1]) if not found and bare[1].isdigit() else []
        if not named:
            return self._answers.device(query, bare[1], rows, [])
        other = self._tables.gpus[rows[0]]["name"]
        note = f"read as a name; {bare[1]} is also the PCI id of {other}, written 10de:{bare[1]}"
        match = self._answers.rows(query, named, bare[1])
        return replace(match, notes=(*match.notes, note))

    def _by_vendor(self, query: str, spaced: str, lowered: str) -> Match | None:
        from envgen.facts.gpus.vendors import other_vendor

        vendor = other_vendor(self._tables, spaced, lowered)
        if vendor is None:
            return None
        if any(word in spaced for word in ("nvidia", "geforce", "quadro")):
            note = f"the text names two vendors, NVIDIA and {vendor.name}: give one GPU at a time"
            return self._answers.unknown(query, "", (note,))
        return Match(kind=MatchKind.OTHER_VENDOR, query=query, vendor=vendor.name, advice=vendor.advice)

    def _by_chip(self, query: str, text: str) -> Match | None:
        """A full codename decides the capability; the name beside it, when it fits, says which GPU of that chip."""
        for token in names.words(text).split():
            chip = self._chip(token)
            if chip is None:
                continue
            if not chip["compute_capability"]:
                note = f"the chip {chip['chip']} is known by name only: no source states its compute capability"
                return self._answers.unknown(query, "", (note,))
            rest = names.words(text).replace(f" {token} ", " ")
            rows = next((rows for part in (names.bracketed(text), text, rest) if (rows := self._name_rows(part))), [])
            return self._answers.chip(query, chip, rows)
        return None

    def _chip(self, token: str) -> dict[str, str] | None:
        """The chip that lspci's codename stands for: `GK208BM` is GK208, but GB10B is a chip of its own."""
        name = token.upper()
        while name not in self._tables.chips:
            shorter = name.removesuffix("GL") if name.endswith("GL") else name[:-1] if name[-1:] in "BCMS" else name
            if shorter == name or len(shorter) < 3:
                return None
            name = shorter
        return self._tables.chips[name]

    def _by_name(self, query: str, text: str) -> Match | None:
        if virtual := self._virtual(query, text):
            return virtual
        for candidate in self._candidates(text):
            name_key = names.without_maker(names.key(candidate))
            if rows := self._find(name_key):
                return self._answers.rows(query, rows, name_key)
        return self._by_architecture(query, text) or self._by_parts(query, text) or self._board(query, text)

    def _name_rows(self, text: str) -> Rows:
        """The rows that a name stands for, whatever their capabilities; of `A / B`, those of the first known part."""
        for part in (text, *text.split("/")):
            for candidate in self._candidates(part):
                if rows := self._find(names.without_maker(names.key(candidate))):
                    return rows
        return []

    def _find(self, name_key: str) -> Rows:
        """Rows of a key: as written, with a short suffix written out, then without the words for laptops."""
        if not name_key:
            return []
        short = names.loosened(name_key)
        if short != name_key and (rows := self._tables.shorthand.get(short, [])):
            return rows  # `RTX 5000 Mobile` leaves as much open as `RTX 5000`
        if rows := self._tables.exact.find(name_key):
            return rows
        if (longer := names.spelled_out(name_key)) and (rows := self._find(longer)):
            return rows
        rows = self._tables.loose.find(short) if short else []
        laptops = [at for at in rows if names.is_laptop(names.key(self._tables.gpus[at]["name"]))]
        return laptops if laptops and names.is_laptop(name_key) else rows

    def _translated(self, spaced: str) -> str:
        """Words of other languages put into English."""
        if not spaced.isascii():
            for phrase, replacement in (*self._tables.phrases["replace"], *self._tables.phrases["drop"]):
                if not phrase.isascii():
                    spaced = spaced.replace(phrase, f" {replacement} ")
            return f" {' '.join(spaced.split())} "
        return spaced

    def _candidates(self, text: str) -> Iterator[str]:
        """The text with more and more words left out that say nothing about the chip."""
        phrases = self._tables.phrases
        spaced = _swap(self._translated(names.words(text)), [*phrases["replace"], *phrases["drop"]])
        yield spaced
        spaced = _swap(spaced, phrases["board"])
        yield spaced
        sized = re.sub(r" [0-9]{1,3} ?gb?(?= )| [0-9]{3,6} ?mi?b(?= )", "", spaced)  # 16 GB, 16G, 24576 MiB
        yield sized
        yield _swap(spaced, phrases["loose"])
        yield _swap(sized, phrases["loose"])

    def _by_architecture(self, query: str, text: str) -> Match | None:
        """`GTX 860M Maxwell`: the architecture chooses among the GPUs of a name, or the text says two things."""
        spaced = names.words(text)
        for word in _ARCHITECTURES:
            if f" {word} " in spaced:
                rows = self._name_rows(spaced.replace(f" {word} ", " "))
                kept = [at for at in rows if self._tables.gpus[at]["architecture"].lower().startswith(word)]
                return self._answers.rows(query, kept, names.key(text)) if kept else None
        return None

    def _by_parts(self, query: str, text: str) -> Match | None:
        """`A / B` of lspci, or a comma list in which one part is a name; and the same words in another order."""
        listed = [part for part in re.split(r" ?[,;] ?", text) if re.search(_MODEL, part.lower())]
        if len(listed) > 1:
            return self._answers.unknown(query, "", ("the text names several GPUs: give each its own --gpu",))
        parts = [part for part in re.split(r" ?[/,] ?", text) if part]
        if len(parts) > 1:
            found = [rows for part in parts for rows in [self._name_rows(part)] if rows]
            both = list(dict.fromkeys(at for rows in found for at in rows))
            return self._answers.rows(query, both, names.key(text)) if both else None
        rows = self._tables.reordered.get(" ".join(sorted(names.words(text).split())), [])
        return self._answers.rows(query, rows, names.key(text)) if rows else None

    def _virtual(self, query: str, text: str) -> Match | None:
        """A virtual GPU: the board in front of the profile decides (`A100X-1-10C`, `RTX6000-Ada-48Q`)."""
        found = re.fullmatch(_PROFILE, text.lower().strip()) if "-" in text else None
        if not found:
            return None
        board, profile = names.without_maker(names.key(found[1])), found[2]
        if row := self._tables.boards.get(board):
            return self._answers.board(query, row, profile.upper())
        rows = self._name_rows(found[1]) if profile[-1:].isalpha() else []
        return self._answers.rows(query, rows, board) if rows else None

    def _board(self, query: str, text: str) -> Match | None:
        """A board of virtual GPUs without a profile; some are sold under no other name (`A800`)."""
        keys = (names.key(candidate) for candidate in self._candidates(text))
        row = next((row for key in keys if (row := self._tables.boards.get(key))), None)
        return self._answers.board(query, row, "") if row else None

    def _core(self, text: str) -> str:
        """What of an unknown name is compared with the known ones: all but board vendors' words and memory sizes."""
        return text if text.endswith(("...", "…")) else list(self._candidates(text))[2].strip()

    def _remarks(self, text: str) -> tuple[str, ...]:
        """What an unknown text looks like."""
        lowered = text.lower()
        if names.device_text(text).endswith(("...", "…")):
            return ("the name was cut short by the program that printed it: `nvidia-smi -L` prints it in full",)
        if "graphics device" in lowered:
            return ("NVIDIA Graphics Device is what a driver calls a GPU that it has no name for: give its PCI id",)
        if lowered.startswith("mig"):
            return ("a MIG slice has the compute capability of its card: give the card's name",)
        if found := re.search(_PCI, lowered):
            return (f"the PCI id in {found[0]} is in no list that the catalog was made from",)
        return ()


def _swap(spaced: str, phrases: list[tuple[str, str]]) -> str:
    """Replace whole-word phrases in a text that has a space at each end."""
    for phrase, replacement in phrases:
        if phrase in spaced:
            spaced = spaced.replace(f" {phrase} ", f" {replacement} " if replacement else " ")
    return spaced
