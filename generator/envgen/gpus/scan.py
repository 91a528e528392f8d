"""Names that stand as whole words in a longer text.

The rule: one catalogue name (the longest match), or several with one compute capability and one platform, is taken,
unless the words beside it speak against that (`beside`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.gpus import names
from envgen.gpus.beside import ARCHITECTURES, Beside, Judge, Span, is_distinctive
from envgen.gpus.finder import Finder, swap
from envgen.gpus.index import GpuTables, Rows
from envgen.gpus.text import GpuText

_LONGEST_NAME = 10
_LONGEST_KEY = 60
_DIGIT = re.compile("[0-9]")
_BEFORE_ANY = frozenset((*names.BRANDS, *names.SERIES))
_BEHIND_ANY = frozenset(("laptop", "gpu", "mobile", "max", "q", "with", "design"))
# No names: versions, measures, counts in brackets, and the driver's branch.
_NUMBERS = re.compile(
    r"\b[0-9]+(?:\.[0-9]+)+[a-z]*|\b(?:sm|compute)_[0-9]{2,3}[af]?\b|\([0-9]+\)|\bdriver(?: version)?:? ?[0-9]{3}\b"
    r"|\b[0-9]+ ?(?:mi?b|[gmk]?hz|w|watts?|bits?|cores|sm|sms|usd|eur|euros?|fps|tflops|gbps)\b"
)
_CODE = re.compile(r"(?<![^\s\[(,])[0-9a-z]+(?:[-/][0-9a-z]+){2,}")
_GLUED_SIZE = re.compile(r"^(.*(?:[0-9](?:ti|super|s|d|m)))([0-9]{1,2}gb?)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a text says: the rows of the name that is taken, or none and `reason` says why.

    `ignored` are the words beside it that are neither a name nor filler; `also` are further names, as capable.
    """

    rows: Rows
    key: str = ""
    ignored: tuple[str, ...] = ()
    forgiven: bool = False
    also: tuple[str, ...] = ()
    reason: str = ""


class Scan:
    """Reads longer texts with one set of tables."""

    def __init__(self, tables: GpuTables, finder: Finder) -> None:
        self._tables = tables
        self._finder = finder
        self.judge = Judge(tables, finder)

    def read(self, text: GpuText) -> Reading | None:
        """The reading of a text; None when no name stands in it."""
        tokens = self._tokens(text.device)
        spans = self._spans(tokens)
        if not spans:
            return None
        beside = self.judge.beside(text, tokens, spans)
        if reason := self.judge.hindrance(beside):
            return Reading(rows=[], reason=reason)
        return self._taken(beside)

    def _tokens(self, device: str) -> Sequence[str]:
        """The words of a text, other languages' and makers' words for the same thing made one, numbers left out."""
        plain = _NUMBERS.sub(" · ", device)
        plain = _CODE.sub(lambda found: found[0] if self._is_readable(found[0]) else " · ", plain)
        phrases = self._tables.phrases
        spaced = swap(names.words(plain), [*phrases["replace"], *phrases["drop"]])
        pieces = (found.groups() if (found := _GLUED_SIZE.match(word)) else (word,) for word in spaced.split())
        words = [word for group in pieces for word in group]
        return re.sub(r"\b([0-9]{1,3}) (gi?b)\b", r"\1\2", " ".join(words)).split()

    def _is_readable(self, code: str) -> bool:
        """True for a name written with hyphens; a maker's part number (`11G-P4-6593-KR`) holds no name."""
        spaced = names.words(code)
        if "nvidia" in spaced or any(map(is_distinctive, spaced.split())):
            return True
        return bool(self._finder.rows(code.replace("/", "-")))

    def _spans(self, tokens: Sequence[str]) -> list[Span]:
        """The names in a text, from left to right, each the longest that stands there."""
        found: list[Span] = []
        at = 0
        while at < len(tokens):
            span = self._span(tokens, at)
            if span:
                found.append(span)
            at = span.end if span else at + 1
        # A name that says more of the same GPU in another place (`GT 730 [GT730 GDDR5]`) counts for both.
        every = {tuple(span.rows): span.rows for span in found}
        narrowest = {key: min((r for r in every.values() if set(r) <= set(key)), key=len) for key in every}
        return [replace(span, rows=narrowest[tuple(span.rows)]) for span in found]

    def _span(self, tokens: Sequence[str], start: int) -> Span | None:
        if not tokens[start].isascii() or tokens[start] == "·":
            return None
        for end in range(self._reach(tokens, start), start, -1):
            key = names.key(" ".join(tokens[start:end]))
            if not 1 < len(key) <= _LONGEST_KEY or not (_DIGIT.search(key) or self._tables.exact.has(key)):
                continue
            if rows := self._finder.find(key):
                return Span(start=start, end=end, key=key, rows=rows)
            if rows := self._finder.find_on_another_line(key):
                return Span(start=start, end=end, key=key, rows=rows, forgiven=True)
        return None

    def _reach(self, tokens: Sequence[str], start: int) -> int:
        """How far a name that begins at a word can go: while its words follow each other in some name."""
        end = start + 1
        while end < min(len(tokens), start + _LONGEST_NAME):
            before, after = names.pieces(tokens[end - 1])[-1:], names.pieces(tokens[end])[:1]
            free = _BEFORE_ANY.issuperset(before) or _BEHIND_ANY.issuperset(after)
            if not free and (*before, *after) not in self._tables.neighbours:
                break
            end += 1
        return end

    def _taken(self, beside: Beside) -> Reading:
        """The rows of the first name, when all names have one compute capability and one platform."""
        first = beside.spans[0]
        rows = self.judge.extended(beside) or self._refined(first, beside)
        every = [rows, *(span.rows for span in beside.spans if span.rows != first.rows)]
        kinds = {(*sorted(self._tables.capabilities(each)), self._is_module(each)) for each in every}
        if len(kinds) > 1 or (len(every) > 1 and len(self._tables.capabilities(rows)) > 1):
            return Reading(rows=[], reason="the text names several GPUs: give each its own --gpu")
        others = dict.fromkeys(self._tables.gpus[each[0]]["name"] for each in every)
        return Reading(
            rows=rows,
            key=first.key,
            ignored=self.judge.ignored(beside),
            forgiven=any(span.forgiven for span in beside.spans),
            also=tuple(others)[1:],
        )

    def _is_module(self, rows: Rows) -> bool:
        return self._tables.gpus[rows[0]]["segment"] == "jetson"

    def _refined(self, span: Span, beside: Beside) -> Rows:
        """Rows of a name for several GPUs, narrowed by an architecture, a memory type or a bus width in the text."""
        if len(self._tables.capabilities(span.rows)) < 2:
            return span.rows
        for word in ARCHITECTURES:
            if beside.has(word):
                return self._tables.of_architecture(span.rows, word)
        known = {phrase for phrase, _ in self._tables.phrases["loose"]}
        detail = " ".join(word for word in beside.left.split() if word in known)
        rows = self._finder.rows(f"{span.key} {detail}") if detail else []
        return [at for at in rows if at in span.rows] or span.rows
