"""Versions and bounds as PEP 440 has them, from texts that anybody may have written."""

from __future__ import annotations

import pytest

from envgen.core.requirements import read_specifiers, read_version


@pytest.mark.parametrize("text", ["", "9e", "1.0 h123", "1..0", "٣.1.x"])
def test_a_text_that_is_no_version_is_none(text: str) -> None:
    assert read_version(text) is None


def test_a_version_is_read_in_its_normal_form() -> None:
    assert str(read_version(" v2.8.0.RC1+CU128 ")) == "2.8.0rc1+cu128"


def test_bounds_that_state_nothing_are_not_what_states_no_bounds() -> None:
    assert read_specifiers("") is not None
    assert read_specifiers("=2025b") is None
    bounds = read_specifiers(">=2, <3")
    assert bounds is not None
    assert "2.9" in bounds
