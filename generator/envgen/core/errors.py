"""Every error a user can meet: what failed [code], the fact that decided it, one hint.

A class gives its text when it is raised, or builds a part of it when that is asked for. Codes are never reused.
Exit codes: 2 usage, 3 no pairing, 4 bad data or template, 5 an outside tool or the network.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping, Sequence
from typing import ClassVar

from envgen.core.escape import printable


class EnvgenError(Exception):
    """Base of all errors that are shown to a user without a traceback."""

    code: str = "error"
    exit_code: ClassVar[int] = 4

    def __init__(self, headline: str, *facts: str, hint: str = "") -> None:
        super().__init__(headline, *facts)
        self._headline, self._facts, self._hint = headline, facts, hint

    def __reduce__(self) -> tuple[object, ...]:
        """What a copy, and another process, make it of: most classes take other arguments than the text."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined] # pickle's own

    def headline(self) -> str:
        """What could not be done, with the value and where it came from."""
        return self._headline

    def what(self) -> str:
        """The headline without the option that the value came from: a project's file has a line in its place."""
        return self.headline()

    def facts(self) -> tuple[str, ...]:
        """The facts that decided it, a line each."""
        return self._facts

    def hint(self) -> str:
        """One thing to do next, or an empty string."""
        return self._hint

    def details(self) -> Mapping[str, object]:
        """What programs may want of it, as JSON knows it, such as the candidates of an ambiguous name."""
        return {}

    def __str__(self) -> str:
        lines = [f"{self.headline()} [{self.code}]", *(f"  {fact}" for fact in self.facts())]
        if hint := self.hint():
            lines.append(f"  hint: {hint}")
        return "\n".join(lines)


class UsageError(EnvgenError):
    """The request itself cannot be read."""

    code = "usage"
    exit_code = 2

    def __init__(self, message: str, *, fact: str = "", hint: str = "", origin: str = "") -> None:
        super().__init__(message, *([fact] if fact else []), hint=hint)
        self.message, self.fact, self.origin = message, fact, origin

    def headline(self) -> str:
        return f"{self.message} (from {self.origin})" if self.origin else self.message

    def what(self) -> str:
        return self.message


class ValueFormatError(EnvgenError):
    """A value is not written in the form that its kind needs."""

    code = "value-format"
    exit_code = 2

    def __init__(self, *, kind: str, value: str, expected: str, origin: str = "") -> None:
        super().__init__(f"{quoted(value)} is not a {kind}", f"expected {expected}")
        self.kind, self.expected, self.origin = kind, expected, origin

    def headline(self) -> str:
        return self.what() + (f" (from {self.origin})" if self.origin else "")

    def what(self) -> str:
        return super().headline()


class NoPairingError(EnvgenError):
    """No pairing, or no single GPU, answers the request (exit 3)."""

    code = "no-pairing"
    exit_code = 3


class DataError(EnvgenError):
    """A data file, a template or a file in the output folder cannot be used (exit 4)."""

    code = "bad-data"
    exit_code = 4


class ToolError(EnvgenError):
    """An outside tool or the network failed (exit 5)."""

    code = "tool-failed"
    exit_code = 5


def quoted(value: str, limit: int = 80) -> str:
    """Return `value` quoted for one line of a message: control characters escaped, long text cut."""
    cut = value if len(value) <= limit else f"{value[:limit]}… ({len(value)} characters)"
    return f'"{printable(cut)}"'


def some_of(items: Sequence[str], most: int) -> str:
    """Return the first of some items for one line of a message, and how many more there are."""
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
