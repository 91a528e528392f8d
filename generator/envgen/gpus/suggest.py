"""Names that are close to a text that matched nothing. They are shown, never picked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from envgen.core.patterns import Pattern
from envgen.gpus import names

_LIMIT = 5
_LONGEST = 80
_CUTOFF = 0.45
_COMPARED = 60
_WORDS = 3
# What a scan, a photograph or a hand takes for each other, Cyrillic letters that look like Latin ones included.
_ALIKE = str.maketrans(
    "oqilsbztg\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0437", "001158276a8ekmh0pc7yx3"
)
_IN_NUMBER = Pattern(r"(?<=[0-9])[oilsbzg]{1,3}(?=[0-9])|(?<=[0-9])[oil]{1,3}\b|\b[oil]{1,3}(?=[0-9])")


def closest(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to five known names, the closest first; none when nothing is close.

    When the text holds a number, only names with a similar one are compared: the same digits in another order, or one
    digit off. A text that ends in dots was cut short, so names that begin with it are returned. Of a text with a
    letter for a digit or the other way round (`RTX 4O90`), the names that look like it come first.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return ()
    unique = list(dict.fromkeys(known))
    if text.endswith(("...", "…")):
        start = names.without_brand(names.without_maker(names.key(text)))[0]
        longer = [name for name in unique if names.without_brand(names.key(name))[0].startswith(start)]
        return tuple(longer[:_LIMIT])
    wanted = names.without_maker(names.key(text))
    alike = _alike(wanted, unique)
    text = _IN_NUMBER.sub(lambda found: found[0].translate(_ALIKE), text.lower())
    wanted = names.without_maker(names.key(text))
    numbers = _numbers(text)
    if numbers:
        same = [name for name in unique if set(numbers) & set(_numbers(name))]
        similar = [name for name in unique if any(_similar(a, b) for a in numbers for b in _numbers(name))]
        unique = same or similar or unique
    if len(wanted) < 3:
        return ()
    unique = sorted(unique, key=lambda name: -len(_pairs(wanted) & _pairs(names.key(name))))[:_COMPARED]
    scored = [(_score(wanted, names.key(name)), at, name) for at, name in enumerate(unique)]
    scored.sort(key=lambda entry: (-entry[0], entry[1]))
    near = [name for score, _, name in scored[:_LIMIT] if score >= _CUTOFF]
    return tuple(dict.fromkeys((*alike, *_with_all_words(text, unique), *near)))[:_LIMIT]


def _alike(wanted: str, known: Iterable[str]) -> list[str]:
    """The names that a key looks like: the same when letters and digits that look alike count as one."""
    looks = wanted.translate(_ALIKE).replace("~", "")
    keys = ((name, names.key(name).replace("~", "")) for name in known)
    return [
        name for name, key in keys if looks in (key.translate(_ALIKE), names.without_brand(key)[0].translate(_ALIKE))
    ]


def _with_all_words(text: str, known: Iterable[str]) -> list[str]:
    """The names that hold every word of a text, the shortest first: `RTX 6000 Pro`, whose words stand otherwise."""
    wanted = {*names.words(text).split()} - {"nvidia"}
    if len(wanted) < _WORDS:
        return []
    return sorted((name for name in known if wanted <= {*names.words(name).split()}), key=len)[:2]


def _pairs(key: str) -> set[str]:
    """Neighbouring letters of a key: names that share few of them need no closer look."""
    return {key[at : at + 2] for at in range(len(key) - 1)}


def _score(wanted: str, name_key: str) -> float:
    """How alike two keys are, 0 to 1, with or without the brand in front of them."""
    matcher = SequenceMatcher(autojunk=False)
    best = 0.0
    for target in sorted({wanted, names.without_brand(wanted)[0]}):
        matcher.set_seq2(target)
        for candidate in sorted({name_key, names.without_brand(name_key)[0]}):
            matcher.set_seq1(candidate)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
                best = max(best, matcher.ratio())
    return best


def _numbers(text: str) -> Sequence[str]:
    """The numbers of a name that tell models apart; memory sizes are left out."""
    return re.findall(r"[0-9]{2,5}(?![0-9]| ?gb)", text.lower())


def _similar(a: str, b: str) -> bool:
    """True when two numbers have the same digits in any order, or differ in one place only."""
    if len(a) != len(b):
        return False
    return sorted(a) == sorted(b) or sum(x != y for x, y in zip(a, b, strict=True)) <= 1
