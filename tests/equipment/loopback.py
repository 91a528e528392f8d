"""A file server on the loopback interface that can be told to answer slowly, wrongly, in part or not at all.

It serves a folder with ETag and Range, keeps a log of what was asked, and ends everything it holds when its block ends.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

# No delay or stall outlives this, whatever a test asks for.
LONGEST_WAIT_S = 30.0

Answer = tuple[int, bytes, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong for requests whose path matches `path` (a shell pattern), the first `times` times or always.

    `status` answers with that status and `headers`; `delay_s` waits before the answer; `stall` never answers; `drop`
    closes the connection at once; `cut` promises a longer file and closes after that many bytes; `body` sends other
    bytes; `flip` changes one byte in the middle.
    """

    path: str = "*"
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    stall: bool = False
    drop: bool = False
    cut: int | None = None
    body: bytes | None = None
    flip: bool = False
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it was answered. `status` is 0 when the connection was closed without an answer."""

    method: str
    path: str
    status: int
    sent: int
    headers: Mapping[str, str]


@dataclass(slots=True)
class Loopback:
    """A running server: its `url` (no slash at the end), its `log` and the `faults` in force, the first match wins."""

    root: Path
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    log: list[Seen] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    met: dict[int, int] = field(default_factory=dict)

    def paths(self, pattern: str = "*") -> list[str]:
        """The paths asked for so far that match, in order."""
        with self.lock:
            return [seen.path for seen in self.log if fnmatchcase(seen.path, pattern)]

    def fault_for(self, path: str) -> Fault | None:
        """The fault that this request meets; counts it."""
        with self.lock:
            for fault in self.faults:
                if fnmatchcase(path, fault.path) and (fault.times is None or self.met.get(id(fault), 0) < fault.times):
                    self.met[id(fault)] = self.met.get(id(fault), 0) + 1
                    return fault
        return None

    def note(self, seen: Seen) -> None:
        """Add a request to the log."""
        with self.lock:
            self.log.append(seen)


class QuietServer(ThreadingHTTPServer):
    """A server that says nothing of a client that went away: clients close kept connections when they are done."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(root: Path, *faults: Fault) -> Iterator[Loopback]:
    """Serve a folder on a free port of 127.0.0.1 until the block ends."""
    loopback = Loopback(root=root, faults=list(faults))
    server = QuietServer(("127.0.0.1", 0), _handler(loopback))
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield loopback
    finally:
        loopback.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def refused_url() -> str:
    """A loopback URL that nobody listens on."""
    with serving(Path()) as closed:
        return closed.url


def _read(root: Path, path: str, accept: str) -> tuple[bytes, str] | None:
    """The bytes and ETag of what a path names; a folder is its index.json (when JSON is asked for) or index.html."""
    place = (root / path.lstrip("/")).resolve()
    if not place.is_relative_to(root.resolve()):
        return None
    if place.is_dir():
        as_json = place / "index.json"
        place = as_json if "json" in accept and as_json.is_file() else place / "index.html"
    if not place.is_file():
        return None
    facts = place.stat()
    return place.read_bytes(), f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'


def _slice(body: bytes, asked: str) -> tuple[int, int] | None:
    """First and last byte of a one-part Range header, or None when it cannot be served."""
    first, dash, last = asked.removeprefix("bytes=").partition("-")
    if not asked.startswith("bytes=") or not dash or "," in asked:
        return None
    if not first:
        return max(0, len(body) - int(last)), len(body) - 1
    start, end = int(first), min(int(last) if last else len(body) - 1, len(body) - 1)
    return (start, end) if start <= end else None


def _answer(loopback: Loopback, path: str, headers: Mapping[str, str]) -> Answer:
    """Status, body and headers of a request that nothing goes wrong with."""
    found = _read(loopback.root, path, headers.get("accept", ""))
    if found is None:
        return 404, b"not here", {}
    body, etag = found
    extra = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "max-age=600"}
    if headers.get("if-none-match") == etag:
        return 304, b"", extra
    if asked := headers.get("range"):
        part = _slice(body, asked)
        if part is None:
            return 416, b"", {"Content-Range": f"bytes */{len(body)}"}
        first, last = part
        return 206, body[first : last + 1], extra | {"Content-Range": f"bytes {first}-{last}/{len(body)}"}
    return 200, body, extra


def _spoil(answer: Answer, fault: Fault) -> Answer:
    """The answer as a fault turns it out."""
    status, body, headers = answer
    if fault.status is not None:
        return fault.status, b"fault", dict(fault.headers)
    if fault.body is not None:
        body = fault.body
    if fault.flip and body:
        middle = len(body) // 2
        body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
    return status, body, headers | dict(fault.headers)


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            fault = loopback.fault_for(path) or Fault()
            wait_s = LONGEST_WAIT_S if fault.stall else min(fault.delay_s, LONGEST_WAIT_S)
            if wait_s:
                loopback.stopping.wait(wait_s)
            if fault.stall or fault.drop:
                self._note(path, 0, 0, headers)
                self.close_connection = True
                return
            self._send(path, headers, _spoil(_answer(loopback, path, headers), fault), fault.cut)

        def _send(self, path: str, headers: Mapping[str, str], answer: Answer, cut: int | None) -> None:
            status, body, extra = answer
            sent = b"" if self.command == "HEAD" else body
            breaks_off = cut is not None and status in (200, 206) and len(sent) > cut
            sent = sent[:cut] if breaks_off else sent
            self._note(path, status, len(sent), headers)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)
            except ConnectionError:  # the client gave up, which is what some tests are about
                self.close_connection = True
            if breaks_off:
                self.close_connection = True

        def _note(self, path: str, status: int, sent: int, headers: Mapping[str, str]) -> None:
            loopback.note(Seen(method=self.command, path=path, status=status, sent=sent, headers=headers))

    return Handler
