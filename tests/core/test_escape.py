"""Text that may come from anybody can't act on a terminal, nor look like a line of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.core.escape import ascii_text, printable

PACKAGE = Path(__file__).parent.parent.parent / "generator" / "envgen"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("\u202eabc", "\\u202eabc"),
        ("\udc80", "\\udc80"),
        ("größe", "größe"),
    ],
)
def test_what_a_terminal_acts_on_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_any_text_is_printable_and_may_be_ascii(text: str) -> None:
    assert printable(text).isprintable()
    assert ascii_text(text).isascii()
    assert ascii_text(text).isprintable()
    assert printable(text, keep="\n").split("\n") == [printable(line) for line in text.split("\n")]


@pytest.mark.parametrize(
    ("once", "where"),
    [
        (r"unicode_escape", "core/escape.py"),
        (r"https://pypi\.org/simple[\"'/]", "core/sites.py"),
        (r"os\.fsync|tempfile\.mkstemp", "output/writing.py"),
    ],
    ids=["escaping", "PyPI", "writing-through"],
)
def test_it_is_written_once(once: str, where: str) -> None:
    found = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if re.search(once, code(path))}
    assert found == {where}


def code(path: Path) -> str:
    """A module without its docstrings and comments' prose lines."""
    return re.sub(r'"""(?:.|\n)*?"""', "", path.read_text(encoding="utf-8"))
