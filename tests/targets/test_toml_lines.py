"""Where TOML states its values: the lines, also of what is stated twice, as tomllib reads the text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.targets.toml_lines import Place, lines_of

TEXT = '''\
# a comment with [brackets] = "and quotes"
python = "3.12"   # 2
with = [          # 3
  "timm",         # 4
  # "einops",
  'a # b',        # 6
]
long = """
[targets.no]
"quoted" """       # 8 to 10
[targets.lab]      # 11
machines = [{gpu = "A", driver = "1"},
  {gpu = "B"}]     # 13
driver."linux-64" = "550"
[[tool.one]]
x = 1
[[tool.one]]
x = 2              # 18
[tool.one.sub]
y = 2020-01-01 10:00:00
"\\u0061" = {b = [1, [2, 3]]}
'''


def places(node: Any, place: Place = ()) -> Iterator[Place]:
    """Every place of a document that holds a value."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from places(value, (*place, key))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("python",), 2),
        (("with", 0), 4),
        (("with", 1), 6),
        (("long",), 8),
        (("targets", "lab"), 11),
        (("targets", "lab", "machines", 0, "driver"), 12),
        (("targets", "lab", "machines", 1, "gpu"), 13),
        (("targets", "lab", "driver", "linux-64"), 14),
        (("tool", "one", 1, "x"), 18),
        (("tool", "one", 1, "sub", "y"), 20),
        (("tool", "one", 1, "sub", "a", "b", 1, 0), 21),
        (("targets", "lab", "absent"), 11),
        (("absent",), 1),
    ],
)
def test_the_line_of_a_place(place: Place, line: int) -> None:
    assert lines_of(TEXT).of(place) == line


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n")], ids=["unix", "windows"])
def test_every_value_that_tomllib_reads_has_a_line(text: str) -> None:
    stated = lines_of(text).stated
    # A table that only the keys of its values name has the line of none.
    implied = {("targets",), ("tool",), ("targets", "lab", "driver")}
    assert {*places(tomllib.loads(text))} == {*stated} | implied
    assert lines_of(text).again == ()


def test_what_is_stated_twice_is_told_with_every_line() -> None:
    text = '[targets.a]\ngpu = "x"\n\ngpu = "y"\n[targets.a]\n[targets.b]\nmachines = [{gpu = 1, gpu = 2}]\n'
    found = lines_of(text)
    assert found.again == (
        (("targets", "a", "gpu"), 4),
        (("targets", "a"), 5),
        (("targets", "b", "machines", 0, "gpu"), 7),
    )


@given(st.text(alphabet="[]{}\"'=.,#\\\n ab1", max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    found = lines_of(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.stated.values())
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {*found.stated} <= {*places(document)}
    assert found.again == ()
