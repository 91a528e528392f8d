"""Regular expressions that are compiled when they are first used: most starts of the program use few of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any


class Pattern:
    """A regular expression, with the methods of a compiled one."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text, self._flags = text, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """As that of `re.Pattern`."""
        return self._compiled.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        """As that of `re.Pattern`."""
        return self._compiled.search(text)

    def findall(self, text: str) -> list[Any]:
        """As that of `re.Pattern`."""
        return self._compiled.findall(text)

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str) -> str:
        """As that of `re.Pattern`."""
        return self._compiled.sub(new, text)
