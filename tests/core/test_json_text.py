"""One reader of JSON, with one error."""

from __future__ import annotations

import pytest

from envgen.core.json_text import JsonError, parse_json, parse_json_object


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[" * 100_000, "nested too deeply", id="too-deep"),
        pytest.param('{"a":' * 100_000, "nested too deeply", id="objects-too-deep"),
        pytest.param("{", "Expecting property name", id="cut-off"),
        pytest.param("", "Expecting value", id="empty"),
        pytest.param(b'{"a": "\xff"}', "utf-8", id="no-utf-8"),
        pytest.param('{"a": NaN}', "NaN is no number of JSON", id="nan"),
        pytest.param("[-Infinity]", "-Infinity is no number of JSON", id="infinity"),
        pytest.param("9" * 5000, "4300 digits", id="endless-number"),
    ],
)
def test_what_is_no_json_is_one_error(text: str | bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=reason):
        parse_json(text)


@pytest.mark.parametrize("text", ["[]", "null", '"text"', "1"])
def test_an_object_is_asked_for_where_only_one_will_do(text: str) -> None:
    parse_json(text)
    with pytest.raises(JsonError, match="no JSON object"):
        parse_json_object(text)


def test_what_json_holds_is_returned() -> None:
    assert parse_json(b'[1, "\xc3\xa9", 1.5]') == [1, "\u00e9", 1.5]
    assert parse_json_object('{"a": [null, true]}') == {"a": [None, True]}
