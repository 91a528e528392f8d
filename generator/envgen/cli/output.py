"""What reaches the terminal: the answer on stdout, everything else on stderr, colour only where a person looks."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

from envgen.core.errors import ToolError
from envgen.core.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envgen.core.errors import EnvgenError, UsageError

_RED, _YELLOW, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_ERROR = {"ko": "오류:"}
_CLEAR = "\r\x1b[K"
# How a console without these characters (an old Windows code page) shows them.
_PLAIN = str.maketrans({"…": "...", "–": "-", "—": "-", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "®": "", "™": ""})


def write_answer(text: str) -> None:
    """Write the answer to stdout as it is."""
    _write(sys.stdout, text)


def write_json(document: object) -> None:
    """Write the answer to stdout as JSON, in ASCII: PowerShell decodes a pipe with the code page."""
    import json

    write_answer(json.dumps(document, indent=2) + "\n")


def error_json(error: EnvgenError) -> dict[str, object]:
    """An error as programs get it under `--format json`."""
    return {
        "code": error.code,
        "exit_code": error.exit_code,
        "message": error.headline(),
        "facts": list(error.facts()),
        "hint": error.hint() or None,
        "details": dict(error.details()),
    }


def wants_json(arguments: Sequence[str]) -> bool:
    """True when a command line asks for JSON, be it one that can't be read otherwise."""
    from itertools import pairwise

    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def write_line(text: str) -> None:
    """Write a line for people to stderr."""
    _write(sys.stderr, printable(text, keep="\n") + "\n")


def print_note(text: str) -> None:
    """Write a notice to stderr."""
    _labelled("note:", _YELLOW, text)


def spoken(arguments: Sequence[str]) -> str:
    """The language that a command line asks for, be it one that can't be read otherwise, or the locale's."""
    from itertools import pairwise

    from envgen.core.errors import EnvgenError
    from envgen.core.messages import language

    asked = [value for flag, value in pairwise(arguments) if flag == "--lang"]
    asked += [argument.partition("=")[2] for argument in arguments if argument.startswith("--lang=")]
    try:
        return language(asked[0] if asked else "")
    except EnvgenError:  # that is the error, or comes after it
        return "en"


def print_error(error: EnvgenError, *, as_json: bool = False, lang: str = "en") -> None:
    """Write an error to stderr: `error: what [code]`, the facts, a hint; `as_json` to stdout as well, for programs.

    In another language what the code means comes first, and the line in English after it.
    """
    if as_json:
        with contextlib.suppress(OutputError):  # it may be what could not be written
            write_json({"schema_version": 1, "error": error_json(error)})
    text = str(error)
    if lang != "en":
        from envgen.core.messages import messages

        if meaning := messages("codes")[lang].get(f"error.{error.code}"):
            text = f"{meaning} [{error.code}]\n  {text}"
    _labelled("error:" if lang == "en" else _ERROR[lang], _RED, text)


def usage_error(message: str, command: str = "envgen") -> UsageError:
    """A mistake on the command line in the form of every other error; `command` has the help."""
    from envgen.core.errors import UsageError

    first = message.strip().rstrip(".").replace("\n", " ")
    # typer and click both suggest a command for a mistyped one.
    first = re.sub(r"( Did you mean [^?]+\?)\1", r"\1", first)
    return UsageError(first, hint=f"run `{command} --help`")


def use_colour(stream: TextIO, environment: Mapping[str, str] | None = None, platform: str = "") -> bool:
    """True when a stream is a terminal that understands colour and NO_COLOR is not set (no-color.org)."""
    environment = os.environ if environment is None else environment
    if not stream.isatty() or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    # Windows' old console prints escape codes as they are; these are set by the terminals that don't.
    windows = (platform or sys.platform) == "win32"
    return not windows or any(environment.get(name) for name in ("WT_SESSION", "TERM_PROGRAM", "ANSICON", "TERM"))


def _labelled(label: str, colour: str, text: str) -> None:
    painted = f"{_BOLD}{colour}{label}{_OFF}" if use_colour(sys.stderr) else label
    shown = printable(text, keep="\n")
    _write(sys.stderr, f"{painted} {shown}\n")


def _write(stream: TextIO, text: str) -> None:
    """Write text; what the stream's encoding lacks (an old Windows console) is spelled out, never a crash.

    A reader that has gone (`envgen gpus | head`) costs neither the work nor its exit status, as with git, and what
    can't be written to stderr is let go. An answer that can't be written is an error: git says so too.
    """
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        # Windows says EINVAL of a pipe that nobody reads.
        has_gone = isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)
        if not has_gone and stream is sys.stdout:
            raise OutputError(error) from error
        silence(stream)


def silence(stream: TextIO) -> None:
    """Let all that is written from now on go nowhere, also what the stream still holds."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: no stream of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class OutputError(ToolError):
    """The answer can't be written to stdout."""

    code = "output"

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the answer can't be written to standard output: {error.strerror or error}")


class Progress:
    """Progress of long work on stderr: a line per step; on a terminal the line is updated in place."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self.is_live = use_colour(self._stream, {k: v for k, v in os.environ.items() if k != "NO_COLOR"})
        self._open = False

    def step(self, text: str) -> None:
        """Say what is being done now."""
        line = printable(text, keep="\n") + " ..."
        if not self.is_live:
            _write(self._stream, f"{line}\n")
            return
        from shutil import get_terminal_size

        width = get_terminal_size().columns - 1  # a line that wraps can't be cleared
        _write(self._stream, _CLEAR + (line if len(line) <= width else f"{line[: width - 3]}..."))
        self._open = True

    def done(self) -> None:
        """Clear the line of a terminal."""
        if self._open:
            _write(self._stream, _CLEAR)
            self._open = False


class ManySteps:
    """Progress of several pieces of work side by side: on a terminal one line with a bar, elsewhere a line per step."""

    _WIDTH = 20

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        from threading import Lock

        self._progress, self._lock = Progress(stream), Lock()
        self._total, self._done = total, 0
        self._steps: dict[str, str] = {}

    def step(self, name: str, text: str) -> None:
        """Say what is being done for one of them."""
        with self._lock:
            self._steps[name] = text
            if self._progress.is_live:
                self._show()
            else:
                self._progress.step(f"{name}: {text}")

    def end(self, name: str) -> None:
        """Count one of them as done."""
        with self._lock:
            self._steps.pop(name, None)
            self._done += 1
            if self._progress.is_live:
                self._show()

    def done(self) -> None:
        """Clear the line of a terminal."""
        self._progress.done()

    def _show(self) -> None:
        filled = self._WIDTH * self._done // max(1, self._total)
        bar = "#" * filled + "-" * (self._WIDTH - filled)
        running = "; ".join(f"{name}: {text}" for name, text in self._steps.items())
        self._progress.step(f"[{bar}] {self._done}/{self._total} {running}")
