"""Texts that are no GPU: an answer, never a crash, and no time for a long one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envgen.core.gpus import MatchKind
from envgen.facts.tables import read_table
from envgen.gpus.errors import match_error
from equipment.examples import examples
from gpus.gpu_catalog import ask, catalog

HOSTILE = {
    "empty": "",
    "space": "   ",
    "long": "A" * 10_000,
    "long-number": "RTX " + "9" * 10_000,
    "long-hex": "10de:" * 2_000,
    "long-brackets": "[" * 5_000 + "]" * 5_000,
    "newline": "RTX 3090\nGTX 1080",
    "nul": "RTX 3090\x00",
    "escape": "\x1b[31mRTX 3090\x1b[0m",
    "right-to-left": "RTX 3090\u202e",
    "template": "{{7*7}}",
    "template-around-a-name": "{{ RTX 3090 }}",
    "jinja-statement": "{% include 'x' %}",
    "shell": "$(reboot)",
    "backticks": "`reboot`",
    "sql": "'; DROP TABLE gpus; --",
    "markup": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "path-with-a-name": "../RTX 3090",
    "windows-path": "C:\\Windows\\RTX 3090",
    "emoji": "🔥",
    "superscript": "RTX ³⁰⁹⁰⁰",
    "only-the-maker": "NVIDIA",
    "only-a-series": "GeForce RTX",
    "percent": "%s%s%s",
    "surrogate": "RTX \ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_unknown(text: str) -> None:
    match = catalog().match(text)
    assert match.kind is MatchKind.UNKNOWN
    message = str(match_error(match))
    assert message.splitlines()[0].endswith(" in the catalog [gpu-unknown]")
    assert len(message) < 600
    assert all(line.isprintable() for line in message.splitlines())


def test_quotes_around_a_name_are_not_part_of_it() -> None:
    assert ask('"RTX 3090"') == "8.6"
    assert ask("'RTX 3090'") == "8.6"


def test_time_does_not_grow_with_the_square_of_the_length() -> None:
    """Ten times the text may take a hundred times as long only if something is quadratic."""

    def seconds(length: int) -> float:
        texts = ["10de:" * length, "[" * length, "a-1" * length, "(r)" * length, " rtx" * length]
        start = time.perf_counter()
        for text in texts:
            catalog().match(text)
        return time.perf_counter() - start

    seconds(1)
    assert min(seconds(5_000) for _ in range(3)) < 100 * max(min(seconds(50) for _ in range(3)), 0.0005)


@settings(deadline=None, max_examples=examples(150))
@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    match = catalog().match(text)
    assert match.query == text
    assert (match.kind is MatchKind.EXACT) == (match.gpu is not None)
    assert (match.kind is MatchKind.AMBIGUOUS) == (len(match.candidates) > 1)
    assert (match.kind is MatchKind.OTHER_VENDOR) == bool(match.vendor and match.advice)


PIECES = (
    *("RTX", "GTX", "GeForce", "Quadro", "NVIDIA", "4090", "3060", "A100", "M", "x", "Ti", "SUPER", "Laptop GPU"),
    *("Max-Q", "16 GB", "8Q", "-", "/", "|", "[", "]", "(rev a1)", "10de:2204", "GA102", "Device", "MIG 1g.5gb"),
    *("노트북", "ＲＴＸ"),
)


@settings(deadline=None, max_examples=examples(100))
@given(st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join))
def test_pieces_of_names_get_an_answer(text: str) -> None:
    match = catalog().match(text)
    assert match.query == text
    if match.kind is MatchKind.UNKNOWN:
        assert set(match.suggestions) <= {row["name"] for row in read_table("gpus")}
