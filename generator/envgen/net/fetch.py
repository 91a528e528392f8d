"""Reads one page over HTTP: a real time limit, retries with back-off, a login that goes to its own site only."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse, RemoteDisconnected
from typing import IO, Self
from urllib.parse import urlsplit

from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import Site, without_credentials

_CHUNK = 1 << 16
_LIMIT = 64 << 20  # PyPI's largest simple pages are a few MiB
_REFUSED = {401: "it wants a login", 403: "it refuses access", 407: "the proxy wants a login"}
_ABSENT = frozenset({404, 410})
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that a whole piece of work must meet."""

    ends_at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until it passes, never below zero."""
        return max(0.0, self.ends_at - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a request is tried, the first pause (doubled each time), and how long one silence may last."""

    attempts: int = 4
    pause_s: float = 0.5
    silence_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often a whole piece of work may wait for its servers."""

    deadline: Deadline
    retry: Retry = field(default_factory=Retry)


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
    retry = patience.retry
    attempt = 0
    while True:
        attempt += 1
        try:
            return _fetch_once(url, login, accept=accept, patience=patience)
        except _PassingError as error:
            wait = max(retry.pause_s * 2 ** (attempt - 1), error.retry_after)
            if attempt >= retry.attempts or wait >= patience.deadline.left():
                tries = f" ({attempt} tries)" if attempt > 1 else ""
                if error.truncated:
                    raise SourceDataError(url=url, reason=f"{error.reason}{tries}") from error
                raise UnreachableError(url=url, reason=f"{error.reason}{tries}") from error
            pause(wait)


class _PassingError(Exception):
    """Something that a second try may cure."""

    def __init__(self, reason: str, *, truncated: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.truncated, self.retry_after = reason, truncated, retry_after


class _SameOriginLogin(urllib.request.HTTPRedirectHandler):
    """Follows redirects but sends a login only to the origin it was given for (urllib would send it anywhere)."""

    def redirect_request(  # noqa: PLR0913, PLR0917 -- urllib's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.unredirected_hdrs.get("Authorization")
        if following is not None and login and _origin(req.full_url) == _origin(newurl):
            following.add_unredirected_header("Authorization", login)
        return following


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _fetch_once(url: str, login: Site, *, accept: str, patience: Patience) -> Page | None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise SourceDataError(url=url, reason="a link that is neither http nor https")
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "envgen"})  # noqa: S310 -- checked
    given = bool(login.user or login.password) and _origin(url) == _origin(login.url)
    user, password = (login.user, login.password) if given else _netrc_login(url)
    if user or password:
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {secret}")
    silence = min(patience.retry.silence_s, patience.deadline.left())
    if silence <= 0:
        raise UnreachableError(url=url, reason="the time limit passed before it was asked")
    opener = urllib.request.build_opener(_SameOriginLogin)
    try:
        with opener.open(request, timeout=silence) as response:
            return _read(response, patience.deadline)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in _ABSENT:
                return None
            raise _refusal(url, error) from error
    except TimeoutError as error:
        raise _PassingError(f"silent for {silence:.0f} s") from error
    except RemoteDisconnected as error:  # an HTTPException too, but not a byte came: nobody is there
        raise _PassingError("the connection was closed without an answer") from error
    except HTTPException as error:
        raise _PassingError(f"the answer broke off ({type(error).__name__})", truncated=True) from error
    except OSError as error:  # URLError is one too
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        if isinstance(reason, TimeoutError):
            reason = f"silent for {silence:.0f} s"
        raise _PassingError(f"{reason}") from error


def _refusal(url: str, error: urllib.error.HTTPError) -> _PassingError | UnreachableError:
    """The error that a status other than success stands for."""
    status = error.code
    if status in _TRANSIENT:
        after = error.headers.get("Retry-After", "")
        wait = float(after) if after.isascii() and after.isdigit() else 0.0
        return _PassingError(f"HTTP status {status}", retry_after=wait)
    why = f" ({_REFUSED[status]})" if status in _REFUSED else ""
    return UnreachableError(url=url, reason=f"HTTP status {status}{why}")


def _read(response: HTTPResponse, deadline: Deadline) -> Page:
    """Read the whole body in chunks, so that a server that trickles can't outlast the deadline."""
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if deadline.left() <= 0:
            raise _PassingError("the time limit passed while it was sending")
        if size > _LIMIT:
            raise SourceDataError(
                url=without_credentials(response.url), reason=f"more than {_LIMIT >> 20} MiB for one page"
            )
    promised = response.headers.get("Content-Length", "")
    if promised.isascii() and promised.isdigit() and size < int(promised):
        raise _PassingError(f"{size} of {promised} bytes came", truncated=True)
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Page(url=without_credentials(response.url), content_type=content_type, body=b"".join(chunks))


def _netrc_login(url: str) -> tuple[str, str]:
    """The login that the user's netrc holds for the host (pip and uv read it too), or two empty strings."""
    import netrc

    try:
        found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return "", ""
    return (found[0] or "", found[2] or "") if found else ("", "")
