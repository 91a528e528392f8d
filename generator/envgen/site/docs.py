"""The documentation: each file of Markdown below `templates/docs` is a page. A language has a folder for its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.core.paths import tree
from envgen.site.frame import Frame, Page

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# In the order of the list of all.
DOCS = ("start", "commands", "files", "decides", "requirements", "targets", "examples", "ci", "air-gap", "python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """One text: its title and what follows, as HTML. `language` is the one that it is written in."""

    name: str
    title: str
    body: str
    language: str


def doc_pages(frame: Frame) -> Iterator[Page]:
    """The list of all documents, and a page for each; one that the language lacks is shown in English."""
    found = [_read(name, frame) for name in DOCS]
    say = frame.say
    yield frame.page("docs.html", "docs.html.j2", say["docs"], say["docs_intro"], docs=found)
    for doc in found:
        yield frame.page(f"docs/{doc.name}.html", "doc.html.j2", doc.title, doc=doc)


def _read(name: str, frame: Frame) -> Doc:
    folder = tree("templates") / "docs"
    own = folder / frame.language / f"{name}.md"
    path = own if own.is_file() else folder / f"{name}.md"
    text = _text(path)
    title = re.sub(r"[`*]", "", text.partition("\n")[0].removeprefix("# "))
    root = "../" if frame.language == "en" else "../../"
    return Doc(name=name, title=title, body=html(text, root), language=frame.language if path == own else "en")


def _text(path: Path) -> str:
    """A document without its comments, which are for those who edit it."""
    return re.sub(r"<!--.*?-->\n?", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def html(markdown: str, root: str) -> str:
    """The HTML of a text. Headings have names, and wide tables scroll.

    What leads from file to file in the repository leads to the same on the site, whose top is at `root`.
    """
    parser = _parser()
    tokens = parser.parse(markdown)
    anchors: Counter[str] = Counter()
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag != "h1":
            anchor = _anchor(tokens[at + 1].content)
            token.attrSet("id", f"{anchor}-{anchors[anchor]}" if anchors[anchor] else anchor)
            anchors[anchor] += 1
        for child in token.children or ():
            if child.type == "link_open":
                href = re.sub(r"^([\w-]+)\.md(?=#|$)", r"\1.html", str(child.attrGet("href")))
                child.attrSet("href", re.sub(r"^\.\./.*/(?=schemas/)", root, href))
        if token.type == "table_open":
            token.meta["label"] = _heading(tokens[:at])
    text: str = parser.renderer.render(tokens, parser.options, {})
    return text


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def open_table(_: object, tokens: Sequence[Token], at: int, *others: object) -> str:
        label = escape(str(tokens[at].meta["label"]))
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>\n'

    parser.add_render_rule("table_open", open_table)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _heading(before: Sequence[Token]) -> str:
    """The text of the last heading, with a number where it has several tables."""
    last = max(at for at, token in enumerate(before) if token.type == "heading_open")
    count = sum(token.type == "table_open" for token in before[last:])
    return before[last + 1].content.replace("`", "") + (f" ({count + 1})" if count else "")


def _anchor(heading: str) -> str:
    """As GitHub names it, so that one link serves both."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
