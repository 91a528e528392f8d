"""Whatever an index sends as a page, it is read soon, or is an error of the contract."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envgen.net.errors import SourceDataError
from envgen.net.fetch import Page
from envgen.net.pip_index import ProjectPage, parse_page
from fuzz.campaign import EXAMPLES
from fuzz.folders import PIECES

pytestmark = pytest.mark.fuzz

HTML = b'<!DOCTYPE html><html><body><a href="x-1-py3-none-any.whl#sha256=%s">x</a></body></html>' % (b"a" * 64)
JSON = b'{"meta": {"api-version": "1.1"}, "name": "x", "files": [{"url": "x-1-py3-none-any.whl", "hashes": {}}]}'
LINKS = (b"http://[::1/x-1-py3-none-any.whl", b"&#" + b"9" * 5000 + b";")
# Each begins something that an end is looked for.
UNITS = (
    b"<",
    b"<a ",
    b"<a href='",
    b'<a href="',
    b"<!--",
    b"<!",
    b"<![CDATA[",
    b"<?",
    b"</",
    b"&",
    b"&#",
    b"<a b=",
    b"<script>",
)


def parse(body: bytes, content_type: str = "text/html") -> ProjectPage | None:
    try:
        return parse_page(Page(url="https://index.example/x/", content_type=content_type, body=body), "x")
    except SourceDataError:
        return None


@settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 60)
@given(
    page=st.sampled_from([HTML, JSON]),
    share=st.floats(0, 1),
    piece=st.one_of(
        st.sampled_from([*PIECES, b"http://[::1/x-1-py3-none-any.whl", b"&#" + b"9" * 5000 + b";"]),
        st.binary(max_size=30),
    ),
    kept=st.booleans(),
)
def test_any_page(page: bytes, share: float, piece: bytes, kept: bool) -> None:
    at = int(share * len(page))
    found = parse(page[:at] + piece + (page[at:] if kept else b""), "application/json" if page is JSON else "text/html")
    assert found is None or all(file.name.project == "x" for file in found.files)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.decode())
def test_a_page_takes_a_time_that_goes_with_its_length(unit: bytes) -> None:
    started = time.process_time()
    parse(HTML[:30] + unit * (200_000 // len(unit)))
    assert time.process_time() - started < 2
