"""Lists of others that are nested deeper than Python reads are what any broken list is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envgen.net.errors import SourceDataError
from envgen.probe.parse.nvml import parse_nvml
from envgen.probe.parse.system import supergfx_mode
from envgen.probe.parse.windows import parse_windows
from envgen.refresh.lists.conda_files import parse_files
from envgen.refresh.lists.nvidia import parse_driver_releases
from envgen.refresh.lists.published import parse_published

DEEP = [text * 100_000 for text in ("[", '{"a":', '[{"a":')]


@pytest.mark.parametrize("text", DEEP, ids=["lists", "tables", "both"])
@pytest.mark.parametrize("parse", [parse_files, parse_driver_releases, parse_published])
def test_a_list_that_is_too_deep(parse: Callable[..., object], text: str) -> None:
    with pytest.raises(SourceDataError):
        parse(text, url="https://example.com/list.json")


@pytest.mark.parametrize("text", DEEP, ids=["lists", "tables", "both"])
def test_a_report_that_is_too_deep(text: str) -> None:
    assert parse_windows(text) is None
    assert parse_nvml(text).error
    assert supergfx_mode(text) == ""
