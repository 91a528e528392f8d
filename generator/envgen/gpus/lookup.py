"""From a text to a GPU: each kind of evidence as a whole, in the order in which it can be trusted.

What hides the card is refused first; then a PCI id, another vendor's word, a machine's type, a chip's codename, a name
by itself, and names in a longer text. The first that says something decides; never a guess from a number.
"""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.core.gpus import Match, MatchKind
from envgen.gpus import names
from envgen.gpus.answers import Answers
from envgen.gpus.beside import ARCHITECTURES, is_distinctive
from envgen.gpus.finder import MOST_PARTS, Finder
from envgen.gpus.index import GpuTables, Rows
from envgen.gpus.machines import Machines
from envgen.gpus.pci import Pci
from envgen.gpus.scan import Scan
from envgen.gpus.text import GpuText, read_text

LONGEST = 2000
_BAD = set("{}<>$`~^\\")
_NVIDIA_WORD = re.compile(r"nvidia|geforce|quadro|\b(?:rtx|gtx|tesla)\b|\b[rg]tx ?[0-9]")
_SEVERAL = re.compile(r" \+ | & |[,;|]| / | and ")
_NOT_A_CARD = {
    " or similar": "a browser prints that name for many GPUs, to hide which one it is",
    "graphics device": "NVIDIA Graphics Device is what a driver calls a GPU that it has no name for: give its PCI id",
}


class Lookup:
    """Look-ups over one set of tables."""

    def __init__(self, tables: GpuTables, answers: Answers) -> None:
        self._tables = tables
        self._answers = answers
        self._finder = Finder(tables)
        self._scan = Scan(tables, self._finder)
        self._machines = Machines(tables)
        self._pci = Pci(tables, self._answers, self._finder)

    def look_up(self, query: str) -> Match:
        """Return what the text names: one GPU, several, another vendor's, or nothing."""
        plain = names.plain(query) if len(query) <= LONGEST else ""
        if not plain or not plain.isprintable() or "../" in plain:
            return self._answers.unknown(query, "")
        text = read_text(query, plain, self._tables.phrases)
        match = self._pci.by_id(text)
        if match:
            return match
        checked = text.device if text.in_context else text.lowered
        if _BAD.intersection(checked.replace("\\", "") if "ven_" in checked else checked):
            return self._answers.unknown(query, "")
        steps = (self._hidden, self._by_vendor, self._scheduled, self._denied, self._by_machine, self._named)
        match = next((found for step in steps if (found := step(text))), None)
        return match or self._answers.unknown(query, self._core(text), self._remarks(text))

    def _hidden(self, text: GpuText) -> Match | None:
        """What is a GPU of NVIDIA's, but hides which one."""
        note = next((note for part, note in _NOT_A_CARD.items() if part in text.lowered), "")
        if self._machines.is_slice(text.lowered):
            note = "a MIG slice has the compute capability of its card: give the card's name (`nvidia-smi -L`)"
        if self._machines.is_count(text.lowered):
            note = "that asks the scheduler for any GPU: give the name of the one that the job gets"
        return self._answers.unknown(text.query, "", (note,)) if note else None

    def _by_vendor(self, text: GpuText) -> Match | None:
        """Another vendor's GPU. Of a list (`Intel UHD 630 + GeForce GTX 1650`), NVIDIA's part alone is read."""
        from envgen.gpus.vendors import other_vendor

        vendor = other_vendor(self._tables, text.spaced, text.lowered)
        if vendor is None:
            return None
        if not _NVIDIA_WORD.search(text.lowered):
            return Match(kind=MatchKind.OTHER_VENDOR, query=text.query, vendor=vendor.name, advice=vendor.advice)
        parts = [part.strip() for part in _SEVERAL.split(text.lowered) if part.strip()]
        own = [part for part in parts if other_vendor(self._tables, names.words(part), part) is None]
        others = [part for part in parts if part not in own]
        if own and others and not any(_NVIDIA_WORD.search(part) for part in others):
            note = f"left out, as it is not NVIDIA's: {' '.join(', '.join(others).split())}"
            return self._named(text.narrowed(", ".join(own), note))
        note = f"the text names two vendors, NVIDIA and {vendor.name}: give one GPU at a time"
        return self._answers.unknown(text.query, "", (note,))

    def _scheduled(self, text: GpuText) -> Match | None:
        """What Slurm or Kubernetes call a GPU."""
        named = self._machines.scheduled(text)
        return self._named(named) if named else None

    def _denied(self, text: GpuText) -> Match | None:
        """`not a GTX 1080`, `RTX 3060 or better`: no GPU is named."""
        reason = self._scan.judge.denial(names.words(text.device))
        return self._answers.unknown(text.query, self._core(text), (reason,)) if reason else None

    def _by_machine(self, text: GpuText) -> Match | None:
        """A cloud's instance type, or a graphics card maker's model code."""
        if named := self._machines.product_code(text):
            return self._named(named)
        found, rest = self._machines.instance_types(text.lowered)
        if not found:
            return None
        vendors = {row["vendor"] for row, _ in found} - {""}
        if vendors:
            return self._answers.vendor(text.query, vendors.pop())
        rows = list(dict.fromkeys(at for _, at in found if at >= 0))
        beside = self._named(text.narrowed(rest, in_context=True)) if re.search("[0-9]", rest) else None
        if not rows:
            note = "that machine type has the GPU that was attached to it: give the GPU's name"
            return beside or self._answers.unknown(text.query, "", (note,))
        kinds = self._tables.capabilities(rows)
        if beside and beside.gpu:
            kinds.add(str(beside.gpu.capability))
        if len(kinds) > 1:
            return self._answers.unknown(text.query, "", ("the text names machines with different GPUs",))
        match = self._answers.rows(text.query, rows, "")
        provider, name = found[0][0]["provider"], self._tables.gpus[rows[0]]["name"]
        return replace(match, notes=(*match.notes, f"that instance type of {provider} has {name}"))

    def _named(self, text: GpuText) -> Match | None:
        """A bare PCI id, a chip's codename or a name; of a name that was cut short, what its completions share."""
        if text.cut:
            return self._by_completions(text)
        match = self._pci.by_bare_id(text) or self._by_chip(text) or self._by_name(text) or self._by_scan(text)
        return replace(match, notes=(*text.notes, *match.notes)) if match and text.notes else match

    def _by_completions(self, text: GpuText) -> Match | None:
        rows = self._tables.usual(self._finder.completions(text.cut))
        kinds = self._tables.capabilities(rows)
        if len(kinds) != 1:
            return None
        shortest = min(rows, key=lambda at: len(self._tables.gpus[at]["name"]))
        match = self._answers.rows(text.query, [shortest], text.cut)
        note = f"the name was cut short; every GPU whose name begins so has compute capability {kinds.pop()}"
        return replace(match, notes=(*match.notes, note))

    def _by_chip(self, text: GpuText) -> Match | None:
        """A full codename decides the capability; the name beside it, when it fits, says which GPU of that chip."""
        for token in text.spaced.split():
            chip = self._chip(token)
            if chip is None:
                continue
            if not chip["compute_capability"]:
                note = f"the chip {chip['chip']} is known by name only: no source states its compute capability"
                return self._answers.unknown(text.query, "", (note,))
            rest = text.spaced.replace(f" {token} ", " ")
            rest = "" if rest.strip().isdigit() else rest  # `GP107-400`: a grade of the chip
            parts = (names.bracketed(text.lowered), text.device, rest)
            rows = next((rows for part in parts if (rows := self._finder.rows(part))), [])
            if not rows and (reading := self._scan.read(text.narrowed(rest))):
                rows = reading.rows
            return self._answers.chip(text.query, chip, rows)
        return None

    def _chip(self, token: str) -> dict[str, str] | None:
        """The chip that lspci's codename stands for: `GK208BM` is GK208, but GB10B is a chip of its own."""
        name = token.upper()
        if name.startswith("NV") and name in self._tables.chip_names:
            return self._tables.chip_names[name]
        while name not in self._tables.chips:
            shorter = name.removesuffix("GL") if name.endswith("GL") else name[:-1] if name[-1:] in "BCMS" else name
            if shorter == name or len(shorter) < 3:
                return None
            name = shorter
        return self._tables.chips[name]

    def _by_name(self, text: GpuText) -> Match | None:
        """A text that is nothing but a name and words that say nothing about the chip."""
        board, profile, rows = self._finder.virtual(text.device)
        if board:
            return self._answers.board(text.query, board, profile)
        for spaced, without_board in self._finder.candidates(names.words(text.device)):
            key = names.without_maker(names.key(spaced))
            rows = rows or self._finder.find(key)
            is_free = key.isdigit() or is_distinctive(key) or text.in_context
            if rows and without_board and not is_free:
                return None  # `TUF Gaming A16` is a laptop
            if rows:
                return self._stated(text, rows, key)
        key = names.key(text.device)
        return self._by_architecture(text) or self._by_parts(text, key) or self._board(text)

    def _stated(self, text: GpuText, rows: Rows, key: str) -> Match:
        """The answer for rows; a capability that the text states picks one, or contradicts them all."""
        if text.stated is None:
            return self._answers.rows(text.query, rows, key)
        fitting = [at for at in rows if self._tables.gpus[at]["compute_capability"] == str(text.stated)]
        if fitting:
            return self._answers.rows(text.query, fitting, key)
        name = self._tables.gpus[rows[0]]["name"]
        note = f"the text states compute capability {text.stated}, which is not that of {name}"
        return self._answers.unknown(text.query, "", (note,))

    def _by_architecture(self, text: GpuText) -> Match | None:
        """`GTX 860M Maxwell`: the architecture chooses among the GPUs of a name, or the text says two things."""
        for word in ARCHITECTURES:
            if f" {word} " in text.spaced and (rows := self._finder.rows(text.spaced.replace(f" {word} ", " "))):
                kept = self._tables.of_architecture(rows, word)
                return self._answers.rows(text.query, kept, text.device) if kept else None
        return None

    def _by_parts(self, text: GpuText, key: str) -> Match | None:
        """`A / B` of lspci, and the same words in another order."""
        parts = [part for part in re.split(r" ?/ ?", text.device) if part]
        if 1 < len(parts) <= MOST_PARTS:
            both = list(dict.fromkeys(at for part in parts for at in self._finder.rows(part)))
            return self._answers.rows(text.query, both, key) if both else None
        rows = self._tables.reordered.get(" ".join(sorted(names.words(text.device).split())), [])
        return self._answers.rows(text.query, rows, key) if rows else None

    def _board(self, text: GpuText) -> Match | None:
        """A board of virtual GPUs without a profile; some are sold under no other name (`A800`)."""
        keys = (names.key(spaced) for spaced, _ in self._finder.candidates(names.words(text.device)))
        row = next((row for key in keys if (row := self._tables.boards.get(key))), None)
        return self._answers.board(text.query, row, "") if row else None

    def _by_scan(self, text: GpuText) -> Match | None:
        """Names in a longer text; what was read, and what was not, is part of the answer."""
        reading = self._scan.read(text)
        if reading is None:
            return None
        if not reading.rows:
            return self._answers.unknown(text.query, self._core(text), (reading.reason,))
        match = self._stated(text, reading.rows, reading.key)
        if match.gpu is None:
            return match
        beside = f"; ignored: {' '.join(reading.ignored)}" if reading.ignored else ""
        line = "; no GPU of that number is of the line that was written" if reading.forgiven else ""
        notes = [f"read as {match.gpu.name}{line}{beside}"]
        if reading.also:
            notes.append(f"also named, with the same compute capability: {', '.join(reading.also)}")
        plain = not (reading.ignored or reading.forgiven or reading.also)
        return match if plain else replace(match, notes=(*match.notes, *notes))

    def _core(self, text: GpuText) -> str:
        """What of an unknown name is compared with the known ones: all but board vendors' words and memory sizes."""
        if text.cut:
            return f"{text.device}..."
        return list(self._finder.candidates(names.words(text.device)))[3][0].strip()

    def _remarks(self, text: GpuText) -> tuple[str, ...]:
        """What an unknown text looks like."""
        if text.cut:
            return ("the name was cut short by the program that printed it: `nvidia-smi -L` prints it in full",)
        if note := self._pci.unlisted(text.lowered):
            return (note,)
        if re.fullmatch(r"(?:[a-z]+ )?[0-9a-z]+(?:[-/][0-9a-z]+)+", text.lowered) and re.search("[0-9]", text.lowered):
            return ("that looks like a part number: the box, the maker's page or `nvidia-smi -L` has the GPU's name",)
        if text.stated:
            return (f"the text states compute capability {text.stated}: --compute-capability {text.stated} takes it",)
        return ()
