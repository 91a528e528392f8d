"""The one HTTP client: a whole answer within a time limit, retries, and a login that stays with its origin."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from http.client import IncompleteRead, RemoteDisconnected
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions as failure
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from envgen.core.dataclass import dataclass
from envgen.net.deadline import NoThreadError, Patience, finish_within
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import Site, without_credentials

_CHUNK = 1 << 16
_REDIRECTS = 10
ABSENT = frozenset({404, 410})
_REFUSED = {401: "it wants a login", 403: "it refuses access", 407: "the proxy wants a login"}
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request. `login` goes to its own origin only; only an answer of status `wanted` is read, up to `limit` bytes.

    64 MiB: PyPI's largest simple pages are a few.
    """

    url: str
    headers: Mapping[str, str]
    patience: Patience
    login: Site | None = None
    wanted: int = 200
    limit: int = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came: `url` is the one after redirects, without credentials; `body` is empty when it was not wanted."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    tries: int = 1


def ask(asking: Asking, *, pause: Callable[[float], None] = time.sleep) -> Answer:
    """Return the answer to a request: the wanted one, another below 400, or one of `ABSENT`.

    Raises: UnreachableError when no answer comes or access is refused; SourceDataError when it is cut off, longer
    than the limit or no HTTP, in any of the tries: silence later on doesn't make up for it.
    """
    deadline, retry = asking.patience.deadline, asking.patience.retry
    attempt, bad = 1, ""
    while True:
        if deadline.left() <= 0:
            raise _given_up(asking, "the time limit passed before it was asked", bad)
        try:
            return replace(_Exchange(asking).run(), tries=attempt)
        except UnreachableError as error:
            if bad:
                raise _given_up(asking, error.reason, bad) from error
            raise
        except _PassingError as error:
            bad = error.reason if error.is_bad else bad
            wait = max(retry.pause_s * 2 ** (attempt - 1), error.retry_after)
            if attempt >= retry.attempts or wait >= deadline.left():
                tries = f" ({attempt} tries)" if attempt > 1 else ""
                raise _given_up(asking, f"{error.reason}{tries}", bad and f"{bad}{tries}") from error
        pause(wait)  # not urllib3's own: that sleeps as long as a server asks for, whatever time is left
        attempt += 1


def _given_up(asking: Asking, reason: str, bad: str) -> SourceDataError | UnreachableError:
    """The error of a request that is not tried again; `bad` says what was wrong with something that came, if it did."""
    return SourceDataError(url=asking.url, reason=bad) if bad else UnreachableError(url=asking.url, reason=reason)


class StatusError(Exception):
    """The status with which a server refused: the cause of the error that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _PassingError(Exception):
    """Something that a second try may cure; `is_bad` when something came, and was wrong."""

    def __init__(self, reason: str, *, is_bad: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.is_bad, self.retry_after = reason, is_bad, retry_after


class _Exchange:
    """One try: the request, the redirects that it is sent along, and the body."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._sockets: list[socket.socket] = []
        self._silence = min(asking.patience.retry.silence_s, asking.patience.deadline.left())

    def run(self) -> Answer:
        try:
            return finish_within(self._asking.patience.deadline, self._follow, abandon=self._hang_up)
        except TimeoutError as error:
            raise UnreachableError(
                url=self._asking.url, reason="the time limit passed while it was answering"
            ) from error
        except NoThreadError as error:
            raise UnreachableError(url=self._asking.url, reason="no thread is left to ask it in") from error

    def _hang_up(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _follow(self) -> Answer:
        """Follow redirects by hand: urllib3 would read the body of each, of whatever size, before it goes on."""
        url = self._asking.url
        for _ in range(_REDIRECTS + 1):
            with self._mapped(url):
                answer, url = self._step(url)
            if answer is not None:
                return answer
        raise UnreachableError(url=self._asking.url, reason=f"it redirects more than {_REDIRECTS} times")

    def _step(self, url: str) -> tuple[Answer | None, str]:
        """Ask one address: the answer, or where it redirects to."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise SourceDataError(url=url, reason="a link that is neither http nor https")
        headers = {"User-Agent": "envgen", **self._asking.headers}
        if _origin(url) == _origin(self._asking.url):
            headers |= self._login()
        timeout = urllib3.Timeout(connect=self._silence, read=self._silence)
        with (
            self._manager(url) as manager,
            manager.request(
                "GET", url, headers=headers, redirect=False, retries=False, preload_content=False, timeout=timeout
            ) as response,
        ):
            following = response.get_redirect_location()
            if following:
                return None, without_credentials(urljoin(url, following))
            return self._read(url, response), url

    def _login(self) -> dict[str, str]:
        """The header of the login that is given for the origin, or of the one that the user's netrc holds for it."""
        given, url = self._asking.login, self._asking.url
        if given and (given.user or given.password) and _origin(url) == _origin(given.url):
            user, password = given.user, given.password
        else:
            user, password = _netrc_login(url)
        return {"Authorization": _basic(user, password)} if user or password else {}

    def _manager(self, url: str) -> urllib3.PoolManager:
        """What connects: to the server, or to the proxy that the system's settings name for it."""
        from urllib.request import getproxies, proxy_bypass  # which reads the registry and macOS' settings too

        sockets = self._sockets

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                sockets.append(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                sockets.append(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        parts = urlsplit(url)
        proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
        context = _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        manager = _proxied(proxy, context) if proxy else urllib3.PoolManager(ssl_context=context)
        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
        return manager

    def _read(self, url: str, response: BaseHTTPResponse) -> Answer:
        """Judge the status and read the body in chunks, no more of it than the limit."""
        status = response.status
        answer = Answer(url=url, status=status, headers=response.headers)
        if status in ABSENT or (status < 400 and status != self._asking.wanted):
            return answer
        if status in _TRANSIENT:
            raise _PassingError(f"HTTP status {status}", retry_after=_retry_after(response))
        if status >= 400:
            why = f" ({_REFUSED[status]})" if status in _REFUSED else ""
            raise UnreachableError(url=url, reason=f"HTTP status {status}{why}") from StatusError(status)
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._asking.limit:
                raise SourceDataError(url=url, reason=f"more than {self._asking.limit:,} bytes")
        return replace(answer, body=b"".join(chunks))

    @contextmanager
    def _mapped(self, url: str) -> Iterator[None]:
        """Raise what urllib3, http.client and ssl raise as an error of ours, or as one that may pass."""
        try:
            yield
        except failure.NewConnectionError as error:  # a TimeoutError too, for urllib3
            raise _meaning(url, error) from error
        except failure.TimeoutError as error:
            raise _PassingError(f"silent for {self._silence:.0f} s") from error
        except ValueError as error:
            raise SourceDataError(url=url, reason=f"not an address that can be asked: {error}") from error
        except failure.HTTPError as error:
            raise _meaning(url, error) from error


def _meaning(url: str, error: failure.HTTPError) -> _PassingError | UnreachableError:
    """The error that one of urllib3's stands for: what its innermost cause says."""
    causes = [error, *_causes(error)]
    if any(isinstance(cause, RemoteDisconnected) for cause in causes):  # not a byte came: nobody is there
        return _PassingError("the connection was closed without an answer")
    for cause in reversed(causes):
        if isinstance(cause, IncompleteRead) and cause.expected:
            partial: object = cause.partial  # urllib3's own holds a count
            came = partial if isinstance(partial, int) else len(cause.partial)
            return _PassingError(f"{came} of {came + cause.expected} bytes came", is_bad=True)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UnreachableError(url=url, reason=f"its certificate is not accepted: {cause.verify_message}")
        if isinstance(cause, OSError):
            return _PassingError(cause.strerror or str(cause) or type(cause).__name__)
    return _PassingError(f"the answer broke off or is no HTTP ({type(causes[-1]).__name__})", is_bad=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error of urllib3's holds or was raised from, outermost first."""
    inner = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
    if inner is not None:
        yield inner
        yield from _causes(inner)


@cache
def _context(*places: str | None) -> ssl.SSLContext:
    """What certificates are judged by: reading the system's takes as long as a request, and a wheel takes dozens."""
    del places  # where the system looks is part of the environment
    return ssl.create_default_context()


def _proxied(proxy: str, context: ssl.SSLContext) -> urllib3.PoolManager:
    site = Site.parse(proxy if "://" in proxy else f"http://{proxy}")
    login = {"Proxy-Authorization": _basic(site.user, site.password)} if site.user else {}
    return urllib3.ProxyManager(site.url, proxy_headers=login, ssl_context=context)


def _retry_after(response: BaseHTTPResponse) -> float:
    """Seconds that a server asks to wait for, zero when it says nothing that can be read."""
    try:
        return urllib3.Retry().get_retry_after(response) or 0.0
    except (failure.InvalidHeader, ValueError, OverflowError):
        return 0.0


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _netrc_login(url: str) -> tuple[str, str]:
    """The login that the user's netrc holds for the host (pip and uv read it too), or two empty strings."""
    import netrc

    try:
        found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
    except (OSError, ValueError, netrc.NetrcParseError):
        return "", ""
    return (found[0] or "", found[2] or "") if found else ("", "")
