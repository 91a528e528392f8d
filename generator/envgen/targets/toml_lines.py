"""Where in a TOML text each value is stated: tomllib keeps no lines, and tells of the first mistake alone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field

from envgen.core.dataclass import dataclass

# The keys and places of arrays that lead to a value: ("targets", "lab", "machines", 0, "gpu").
Place = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_KEY = re.compile(r"""[ \t]*+(?:"((?:[^"\\\n]|\\.)*+)"|'([^'\n]*+)'|([A-Za-z0-9_-]++))[ \t]*+""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}' "|'''(?:[^']|'(?!''))*+'{3,5}" r'|"(?:[^"\\\n]|\\.)*+"' r"|'[^'\n]*+'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]++")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """`stated` maps each place to its line; `again` are the places that are stated once more, each with that line."""

    stated: Mapping[Place, int] = field(default_factory=dict)
    again: tuple[tuple[Place, int], ...] = ()

    def of(self, place: Place) -> int:
        """The line of a place, or of the first that is in it, or of what it is in; 1 when nothing of it is stated."""
        if place in self.stated or not place:
            return self.stated.get(place, 1)
        inside = (line for other, line in self.stated.items() if other[: len(place)] == place)
        return min(inside, default=0) or self.of(place[:-1])


def lines_of(text: str) -> Lines:
    """Return the lines of a text that tomllib reads, or that is wrong only in that keys are there twice.

    A text that is wrong otherwise is read as far as it is understood.
    """
    reader = _Reader(text)
    with suppress(_Lost, RecursionError):
        reader.read()
    return Lines(stated=reader.stated, again=tuple(reader.again))


class _Lost(Exception):
    """The text is not TOML from here on."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._line, self._counted = 1, 0
        self._last: dict[Place, int] = {}  # array of tables -> the place of its last one
        self.stated: dict[Place, int] = {}
        self.again: list[tuple[Place, int]] = []

    def read(self) -> None:
        table: Place = ()
        while self._skip():
            if self._take("[["):
                place = self._whole(self._keys())
                self._last[place] = self._last.get(place, -1) + 1
                table = (*place, self._last[place])
                self.stated.setdefault(place, self._now())
                self._state(table)
                self._expect("]]")
            elif self._take("["):
                table = self._whole(self._keys())
                self._state(table)
                self._expect("]")
            else:
                self._pair(table)

    def _pair(self, table: Place) -> None:
        place = (*table, *self._keys())
        self._state(place)
        self._expect("=")
        self._value(place)

    def _value(self, place: Place) -> None:
        self._skip()
        if found := _STRING.match(self._text, self._at):
            self._at = found.end()
        elif self._take("["):
            number = 0
            while not self._next("]"):
                self._state((*place, number))
                self._value((*place, number))
                number += 1
        elif self._take("{"):
            while not self._next("}"):
                self._pair(place)
        elif found := _BARE.match(self._text, self._at):
            self._at = found.end()
        else:
            raise _Lost

    def _next(self, end: str) -> bool:
        """Go to the next item of an array or table; True at its end."""
        self._skip()
        self._take(",")
        if not self._skip():
            raise _Lost
        return self._take(end)

    def _keys(self) -> Place:
        keys: list[str | int] = []
        while True:
            found = _KEY.match(self._text, self._at)
            if found is None:
                raise _Lost
            self._at = found.end()
            quoted, literal, bare = found.groups()
            keys.append(_unescaped(quoted) if quoted is not None else literal if literal is not None else bare)
            if not self._take("."):
                return tuple(keys)

    def _whole(self, keys: Place) -> Place:
        """The place of a table's header: a part that is an array of tables means its last one."""
        place: Place = ()
        for at, key in enumerate(keys, 1):
            place = (*place, key)
            if at < len(keys) and place in self._last:
                place = (*place, self._last[place])
        return place

    def _state(self, place: Place) -> None:
        if place in self.stated:
            self.again.append((place, self._now()))
        else:
            self.stated[place] = self._now()

    def _now(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _skip(self) -> bool:
        """Go over blanks and comments; False at the end of the text."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _take(self, mark: str) -> bool:
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise _Lost


def _unescaped(key: str) -> str:
    try:
        return str(tomllib.loads(f'key = "{key}"')["key"]) if "\\" in key else key
    except tomllib.TOMLDecodeError as error:
        raise _Lost from error
