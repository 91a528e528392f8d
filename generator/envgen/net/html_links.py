"""The links of an HTML page, read in one pass: html.parser takes the square of a page of tags that don't end."""

from __future__ import annotations

import html
import re
from dataclasses import field

from envgen.core.dataclass import dataclass

_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*+)(?P<attributes>(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)>", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([^\s=/\"'>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?")
_RAW = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
# What is open at the end of a page that was cut off.
_PAIRED = frozenset({"a", "body", "html"})


@dataclass(slots=True)
class Links:
    """The attributes of each link, in the page's order; `metas` are those of its meta elements.

    `is_whole` is False for a page that stops in the middle.
    """

    links: list[dict[str, str]] = field(default_factory=list)
    metas: list[dict[str, str]] = field(default_factory=list)
    is_whole: bool = True


def read_links(text: str) -> Links:
    """Return the links of a page.

    Raises: ValueError for a character reference of a number that is none.
    """
    found = Links()
    depth = dict.fromkeys(_PAIRED, 0)
    at = 0
    while found.is_whole and (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            at = text.find("-->", at)
            found.is_whole = at >= 0
            continue
        tag = _TAG.match(text, at)
        if tag is None:
            found.is_whole = not re.match("[a-z/]", text[at + 1 : at + 2] or "a", re.IGNORECASE)
            at += 1
            continue
        at = tag.end()
        name = tag["name"].lower()
        if name in depth:
            depth[name] = max(0, depth[name] + (-1 if tag["end"] else 1))
        if tag["end"]:
            continue
        if name in ("a", "meta"):
            (found.links if name == "a" else found.metas).append(_attributes(tag["attributes"]))
        elif name in _RAW:
            closing = _RAW[name].search(text, at)
            at = closing.start() if closing else len(text)
    found.is_whole = found.is_whole and not any(depth.values())
    return found


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), html.unescape("".join(values)))
    return found
