"""The words beside a name, and what they say against taking it.

A word may make another card of it (`RTX 5080 SUPER`, `A6000 Ada`), deny or compare (`not`, `or better`), or belong to
another model. A name of a letter and digits (T4, A10, P1000), or of digits alone, is also that of a phone or a printer:
it needs NVIDIA, a scheduler or a cloud in the text, or nothing but filler beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from envgen.core.dataclass import dataclass
from envgen.gpus import names
from envgen.gpus.finder import Finder, swap
from envgen.gpus.index import GpuTables, Rows, fits_brand
from envgen.gpus.text import GpuText

ARCHITECTURES = ("fermi", "kepler", "maxwell", "pascal", "volta", "turing", "ampere", "ada", "hopper", "blackwell")
LINE = re.compile(r"geforce|quadro|tesla|titan|jetson|gtx|rtx|gts|^gt[0-9]|^cmp|[0-9](?:ti|super)")
# Letters that make another card of a name only directly behind it: `RTX 4090 D`, but `a GeForce RTX 4090`.
_SUFFIXES = frozenset(
    ["a", "d", "dd", "e", "m", "s", "x", "le", "se", "gs", "mx", "pro", "plus", "max", "xt", "xtx", "tie"]
)
_REVISIONS = frozenset(("v2", "v3", "v4"))
_ANOTHER_MODEL = re.compile(
    r" (?:(?:geforce|quadro|tesla|titan|jetson|gtx|rtx|gts|gt) )+(?:[a-z]{1,2})?[0-9]{3,}| (?:gtx|rtx|gts|gt)[0-9]{3,}"
)
_FILLER = re.compile(r" (?:[0-9]{1,3}(?:g|gb|gib)|[0-9]{1,2}x|x[0-9]{1,2}|[·+])(?= )|^ [0-9]{1,2}(?= ¦)")


def is_distinctive(key: str) -> bool:
    """True for a key that no phone, printer or laptop has: with a line's name, `Ti` or `SUPER`."""
    return bool(LINE.search(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A name found at words `start` to `end`."""

    start: int
    end: int
    key: str
    rows: Rows
    forgiven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The names of a text and the words that are no part of them.

    `left` are these words with a bar for each name; `unknown` those of them that are no filler.
    """

    text: GpuText
    tokens: Sequence[str]
    spans: Sequence[Span]
    left: str
    unknown: tuple[str, ...]

    def has(self, phrase: str) -> bool:
        """True when a word or phrase is left over."""
        return f" {phrase} " in self.left


class Judge:
    """Judges the words beside names with one set of tables."""

    def __init__(self, tables: GpuTables, finder: Finder) -> None:
        self._tables = tables
        self._finder = finder

    def beside(self, text: GpuText, tokens: Sequence[str], spans: Sequence[Span]) -> Beside:
        """The words beside the names of a text."""
        kept: list[str] = []
        at = 0
        for span in spans:
            kept += [*tokens[at : span.start], "¦"]
            at = span.end
        kept += tokens[at:]
        left = f" {' '.join(word for word in kept if not self._is_revision(word, kept, spans))} "
        phrases = self._tables.phrases
        plain = _FILLER.sub("", swap(left, [*phrases["loose"], *phrases["context"]]))
        unknown = tuple(plain.replace("¦", " ").split())
        return Beside(text=text, tokens=tokens, spans=spans, left=left, unknown=unknown)

    def _is_revision(self, word: str, words: Sequence[str], spans: Sequence[Span]) -> bool:
        """True for the revision of a card maker's own model (its words stand there too); `D V2` is NVIDIA's."""
        is_nvidias = any(span.key.endswith("d") for span in spans)
        return word in _REVISIONS and not is_nvidias and not self._board_words.isdisjoint(words)

    @cached_property
    def _board_words(self) -> frozenset[str]:
        return frozenset(phrase.rpartition(" ")[2] for phrase, _ in self._tables.phrases["board"]) - _REVISIONS

    def hindrance(self, beside: Beside) -> str:
        """What speaks against taking the names, or an empty string."""
        return next(self._hindrances(beside), "")

    def ignored(self, beside: Beside) -> tuple[str, ...]:
        """The words that a reader should know were not read."""
        rest = swap(f" {' '.join(beside.unknown)} ", self._tables.phrases["board"])
        return tuple(word for word in rest.split() if word not in ARCHITECTURES)

    def extended(self, beside: Beside) -> Rows:
        """The rows of a text's one name with the words that change a card behind it (`RTX 4070 12GB Super`).

        Empty when no word does, when there is no such card, or when its capability is another one.
        """
        words = [word for word in beside.left.split() if word == "laptop" or word in self._changing]
        one_name = all(span.rows == beside.spans[0].rows for span in beside.spans)
        if not words or not one_name:
            return []
        first = beside.spans[0]
        rows = self._finder.find(first.key + "".join(dict.fromkeys(words)))
        return rows if self._tables.capabilities(rows) == self._tables.capabilities(first.rows) else []

    @cached_property
    def _changing(self) -> frozenset[str]:
        return frozenset(phrase for phrase, _ in self._tables.phrases["change"])

    def denial(self, spaced: str) -> str:
        """The reason when a word denies or compares (`not`, `or better`), or an empty string."""
        word = next((phrase for phrase, _ in self._tables.phrases["compare"] if f" {phrase} " in spaced), "")
        return f'"{word}" beside the name leaves open which GPU is meant' if word else ""

    def _hindrances(self, beside: Beside) -> Iterator[str]:
        phrases = self._tables.phrases
        for span in beside.spans:
            behind = beside.tokens[span.end] if span.end < len(beside.tokens) else ""
            if behind in _SUFFIXES or (behind and not behind.strip("0")):  # `T4 00` may be a T400
                yield f'"{behind}" behind the name would make it another card, which is not in the catalog'
        extended = self.extended(beside)
        words = [phrase for phrase, _ in phrases["change"] if beside.has(phrase) and not extended]
        words += [word for word in ARCHITECTURES if beside.has(word) and not self._is_of(beside.spans, word)]
        if words:
            yield f'"{words[0]}" beside the name would make it another card'
        if _ANOTHER_MODEL.search(beside.left) or not self._brands_fit(beside):
            yield "the text names another model beside it: give each its own --gpu"
        if beside.has("laptop") and not extended:
            yield "the laptop GPU of that number is another card"
        if (self._is_number(beside) or self._is_bare(beside)) and self._hinders(beside):
            yield f'"{" ".join(beside.unknown)}" beside a short name leaves open whether it is a GPU\'s'

    def _is_of(self, spans: Sequence[Span], architecture: str) -> bool:
        """True when each of the names has a GPU of an architecture."""
        return all(self._tables.of_architecture(span.rows, architecture) for span in spans)

    def _brands_fit(self, beside: Beside) -> bool:
        brands = [brand for brand in names.BRANDS if beside.has(brand)]
        rows = [span.rows[0] for span in beside.spans]
        return all(fits_brand(brand, self._tables.gpus[row]) for brand in brands for row in rows)

    def _is_bare(self, beside: Beside) -> bool:
        """True when neither a name itself nor the text says that it is a GPU's."""
        contexts = (phrase for phrase, _ in self._tables.phrases["context"])
        in_context = beside.text.in_context or " nvidia " in beside.text.spaced or beside.has("geforce")
        return not (in_context or any(map(beside.has, contexts)) or any(map(self._is_distinctive, beside.spans)))

    @staticmethod
    def _is_number(beside: Beside) -> bool:
        """True when the only names are numbers: even NVIDIA had others of the same (GeForce4 MX 440, nForce 630)."""
        return all(span.key.isdigit() for span in beside.spans)

    def _is_distinctive(self, span: Span) -> bool:
        """True for a name with its line, and for one of several words, such as a computer's."""
        words = span.end - span.start
        return is_distinctive(span.key) or words > 2 or (words > 1 and span.key in self._tables.systems)

    def _hinders(self, beside: Beside) -> bool:
        """Beside a bare number a graphics card maker's words are filler, beside a letter and digits they are not."""
        if not self._is_number(beside):
            return bool(beside.unknown)
        rest = swap(f" {' '.join(beside.unknown)} ", self._tables.phrases["board"])
        return bool(_FILLER.sub("", rest).split())
