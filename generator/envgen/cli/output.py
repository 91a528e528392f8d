"""What reaches the terminal: the answer on stdout, everything else on stderr, colour only where a person looks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envgen.core.errors import EnvgenError

_RED, _YELLOW, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


def emit(text: str) -> None:
    """Write the answer to stdout as it is."""
    _write(sys.stdout, text)


def emit_json(document: object) -> None:
    """Write the answer to stdout as JSON."""
    import json

    emit(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Write a line for people to stderr."""
    _write(sys.stderr, text + "\n")


def print_note(text: str) -> None:
    """Write a notice to stderr."""
    say(f"{_paint('note:', _YELLOW, sys.stderr)} {text}")


def print_error(error: EnvgenError) -> None:
    """Write an error to stderr: `error: what [code]`, the facts, a hint."""
    say(f"{_paint('error:', _RED, sys.stderr)} {error}")


def print_usage_error(message: str) -> None:
    """Write a mistake on the command line to stderr in the form of every other error."""
    first = message.strip().rstrip(".").replace("\n", " ")
    say(f"{_paint('error:', _RED, sys.stderr)} {first} [usage]\n  hint: run `envgen --help`")


def use_colour(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """True when a stream is a terminal and NO_COLOR is not set."""
    environment = os.environ if environment is None else environment
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _paint(text: str, colour: str, stream: TextIO) -> str:
    return f"{_BOLD}{colour}{text}{_OFF}" if use_colour(stream) else text


def _write(stream: TextIO, text: str) -> None:
    """Write text; what the stream's encoding lacks (an old Windows console) is replaced, never a crash."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


class Progress:
    """Progress of long work on stderr: a line per step; on a terminal the line is updated in place."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._open = False

    def step(self, text: str) -> None:
        """Say what is being done now."""
        if self._live:
            _write(self._stream, f"\r\x1b[K{text} ...")
            self._open = True
        else:
            _write(self._stream, f"{text} ...\n")

    def done(self) -> None:
        """Clear the line of a terminal."""
        if self._open:
            _write(self._stream, "\r\x1b[K")
            self._open = False
