"""The documents as pages."""

from __future__ import annotations

import re

from envgen.core.paths import tree
from envgen.site.docs import DOCS, html


def test_every_document_is_listed() -> None:
    assert {*DOCS} == {path.stem for path in (tree("templates") / "docs").glob("*.md")}


def test_headings_have_the_names_that_github_gives_them() -> None:
    page = html("# T\n\n## The files\n\n### `audit`\n\n### Audit\n", "../")
    assert re.findall('id="([^"]*)"', page) == ["the-files", "audit", "audit-1"]


def test_links_lead_to_pages() -> None:
    page = html("[a](files.md#x) [b](../../generator/envgen/schemas/a.schema.json) [c](https://pypi.org/x.md)", "../")
    assert re.findall('href="([^"]*)"', page) == ["files.html#x", "../schemas/a.schema.json", "https://pypi.org/x.md"]


def test_what_looks_like_html_is_text() -> None:
    assert "<script>" not in html("<script>alert(1)</script>\n\ntext <b>", "../")
