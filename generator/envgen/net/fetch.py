"""Reads one page over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from envgen.core.dataclass import dataclass
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError
from envgen.net.sites import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a server answered: the URL after redirects, its content type in lower case, and the bytes."""

    url: str
    content_type: str
    body: bytes


def fetch(
    url: str, *, login: Site, accept: str, patience: Patience, pause: Callable[[float], None] = time.sleep
) -> Page | None:
    """Return what is at `url`, or None when the server says that there is nothing. The login goes to its origin only.

    Raises: UnreachableError when no answer comes or access is refused; SourceDataError when it comes truncated.
    """
    from envgen.net.client import ABSENT, Asking, ask  # it loads urllib3: most runs fetch nothing

    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    answer = ask(Asking(url=url, headers=headers, login=login, patience=patience), pause=pause)
    if answer.status in ABSENT:
        return None
    if answer.status != 200:
        raise SourceDataError(url=answer.url, reason=f"HTTP status {answer.status}, which is no page")
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Page(url=answer.url, content_type=content_type, body=answer.body)
