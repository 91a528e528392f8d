"""What reaches which stream, in which form, on which kind of terminal."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given

from envgen.cli.output import (
    Progress,
    print_error,
    print_note,
    usage_error,
    use_colour,
    write_answer,
    write_json,
    write_line,
)
from envgen.core.errors import UsageError
from files.hostile import ANY_TEXT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Console(io.TextIOWrapper):
    """A stream with an encoding of its own, as an old Windows console has."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")

    def shown(self) -> str:
        self.seek(0)
        return self.read()


ERROR = UsageError("no x", fact="a fact", hint="do y")


def test_the_answer_alone_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    write_answer("answer\n")
    write_line("word")
    print_note("a notice")
    print_error(ERROR)
    print_error(usage_error("No such option: --gpus."))
    said = capsys.readouterr()
    assert said.out == "answer\n"
    assert said.err == (
        "word\n"
        "note: a notice\n"
        "error: no x [usage]\n  a fact\n  hint: do y\n"
        "error: No such option: --gpus [usage]\n  hint: run `envgen --help`\n"
    )


def test_an_error_is_red_on_a_terminal_and_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    print_error(ERROR)
    assert terminal.getvalue() == "\x1b[1m\x1b[31merror:\x1b[0m no x [usage]\n  a fact\n  hint: do y\n"


@pytest.mark.parametrize(
    ("stream", "environment", "platform", "expected"),
    [
        pytest.param(Terminal(), {"TERM": "xterm"}, "linux", True, id="terminal"),
        pytest.param(Terminal(), {}, "linux", True, id="terminal-without-a-name"),
        pytest.param(io.StringIO(), {"TERM": "xterm"}, "linux", False, id="pipe"),
        pytest.param(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, "linux", False, id="no-color"),
        pytest.param(Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, "linux", True, id="no-color-empty-is-not-set"),
        pytest.param(Terminal(), {"TERM": "dumb"}, "linux", False, id="dumb"),
        pytest.param(Terminal(), {}, "win32", False, id="old-windows-console"),
        pytest.param(Terminal(), {"WT_SESSION": "1"}, "win32", True, id="windows-terminal"),
    ],
)
def test_colour_is_decided_per_stream(
    stream: io.StringIO, environment: dict[str, str], platform: str, expected: bool
) -> None:
    assert use_colour(stream, environment, platform) is expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "12.6 → 13.0 … 显 ™\n"),
        ("cp1252", "12.6 -> 13.0 ... \\u663e \n"),
        ("ascii", "12.6 -> 13.0 ... \\u663e \n"),
        ("gbk", "12.6 -> 13.0 ... 显 \n"),
    ],
)
def test_a_console_without_the_characters_never_ends_a_run(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: str
) -> None:
    console = Console(encoding)
    monkeypatch.setattr("sys.stdout", console)
    write_answer("12.6 → 13.0 … 显 ™\n")
    assert console.shown() == expected


def test_a_file_name_that_is_no_text_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console("utf-8")
    monkeypatch.setattr("sys.stdout", console)
    write_answer("out\udcff\n")
    assert console.shown() == "out\\udcff\n"


@given(ANY_TEXT)
def test_a_message_can_not_act_on_a_terminal(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        terminal = io.StringIO()
        patch.setattr("sys.stderr", terminal)
        write_line(text)
    assert all(c.isprintable() or c == "\n" for c in terminal.getvalue())


@given(ANY_TEXT)
def test_json_is_ascii_and_reads_back(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stream = io.StringIO()
        patch.setattr("sys.stdout", stream)
        write_json({"text": text, "list": [1, None]})
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue()) == {"text": text, "list": [1, None]}


def test_progress_in_a_pipe_is_a_line_per_step() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.step("solving for win-64")
    progress.step("a name\x1b[2J")
    progress.done()
    assert stream.getvalue() == "solving for win-64 ...\na name\\x1b[2J ...\n"


def test_progress_on_a_terminal_is_one_line_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    progress = Progress(stream)
    progress.step("one")
    progress.step("a step that is too long for the line")
    progress.done()
    progress.done()
    clear = "\r\x1b[K"
    assert stream.getvalue() == f"{clear}one ...{clear}a step that is t...{clear}"
    assert len("a step that is t...") == 19
