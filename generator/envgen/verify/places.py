"""Where the files of a lock are fetched from: hosts that the canonical indexes and channels use, and no logins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from envgen.verify.findings import Code, Finding

PIP_PLACES = (
    "https://download.pytorch.org",
    "https://download-r2.pytorch.org",
    "https://pypi.org",
    "https://files.pythonhosted.org",
)
CONDA_PLACES = ("https://conda.anaconda.org",)


_LOGIN = re.compile(r"(?<=[a-z0-9+.-])://(?P<login>[^/\s\"'@]*)@(?P<host>[^/\s\"'@]*)", re.IGNORECASE)


def check_logins(name: str, text: str) -> Iterator[Finding]:
    """Logins in URLs, anywhere in a file; they are not repeated."""
    for host in sorted({found["host"] for found in _LOGIN.finditer(text)}):
        title = f"a login for {host} stands in a URL: whoever gets the file can use it"
        yield Finding(code=Code.CREDENTIAL, file=name, title=title)


def check_hosts(urls: Iterable[tuple[str, str]], places: Iterable[str], file: str) -> Iterator[Finding]:
    """URLs (each with what it is of) that lead to none of the places, one finding for each host.

    A mirror's URLs are written on request (`--write-mirror`), but nothing in a file proves whose mirror it is.
    """
    known = {place for text in places if (place := place_of(text))}
    strange: dict[str, list[str]] = {}
    for what, url in urls:
        place = place_of(url)
        if place not in known:
            strange.setdefault(place, []).append(f"{what}: {url}")
    for place, found in sorted(strange.items()):
        more = (f"and {len(found) - 3} more",) if len(found) > 3 else ()
        title = f"files come from {place or 'what is no URL'}, which is no index or channel that the catalog knows"
        yield Finding(code=Code.HOST_UNKNOWN, file=file, title=title, evidence=(*found[:3], *more))


def place_of(url: str) -> str:
    """Scheme, host and port of a URL, without a login; empty when it is none."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""


def without_logins(text: str) -> str:
    """The text with `...` for each login in a URL."""
    return _LOGIN.sub(lambda found: found[0].replace(f"{found['login']}@", "...@", 1), text)
