"""Servers that lie, trickle, send too much or never end, one kind of harm each, on the loopback interface."""

from __future__ import annotations

import gzip
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

PACE_S = 0.2
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
_PAGE = b'<!DOCTYPE html><html><body><a href="x-1-py3-none-any.whl">x</a></body></html>'
_LOGIN = b'<!DOCTYPE html><html><body><form action="/login"><input name="password"></form></body></html>'


@dataclass(slots=True)
class Hostile:
    """A running server: its `url` and what it was asked, each request's head as one text."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)


Send = Callable[[bytes], None]
Harm = Callable[[Hostile, str, Send], None]


def trickle(hostile: Hostile, send: Send, content: bytes) -> None:
    """Send a byte now and then, for ever: no single silence is long."""
    at = 0
    while not hostile.stopping.wait(PACE_S):
        send(content[at % len(content)].to_bytes())
        at += 1


def trickle_body(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 100000\r\n\r\n")
    trickle(hostile, send, _PAGE)


def trickle_chunks(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    trickle(hostile, send, b"1\r\na\r\n")


def trickle_headers(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"X-Long: ")
    trickle(hostile, send, b"a")


def trickle_status(hostile: Hostile, head: str, send: Send) -> None:
    trickle(hostile, send, b"HTTP/1.1 200 O")


def silent(hostile: Hostile, head: str, send: Send) -> None:
    hostile.stopping.wait()


def slow_redirects(hostile: Hostile, head: str, send: Send) -> None:
    hostile.stopping.wait(1.0)
    redirects(hostile, head, send)


def redirects(hostile: Hostile, head: str, send: Send) -> None:
    send(f"HTTP/1.1 302 Found\r\nLocation: /{len(hostile.asked)}\r\nContent-Length: 0\r\n\r\n".encode())


def redirects_to_a_file(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n")


def breaks_off(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 1000\r\n\r\n" + _PAGE)


def promises_less(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 20\r\n\r\n" + _PAGE)


def wrong_gzip(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!")


def zeros(hostile: Hostile, head: str, send: Send) -> None:
    """A gigabyte of zeros, without a length."""
    send(_OK + b"Connection: close\r\n\r\n")
    block = bytes(1 << 20)
    for _ in range(1024):
        send(block)


def packed_zeros(hostile: Hostile, head: str, send: Send) -> None:
    """A gigabyte of zeros in one megabyte of gzip."""
    send(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    block = gzip.compress(bytes(1 << 20))  # gzip's members may follow one another
    for _ in range(1024):
        send(block)


def trickle_gzip(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    trickle(hostile, send, gzip.compress(_PAGE) * 1000)


def continues(hostile: Hostile, head: str, send: Send) -> None:
    """ "Go on" for ever: each is a whole answer, and none is the last one."""
    while not hostile.stopping.is_set():
        send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def redirects_to_nobody(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


def unavailable_till_tomorrow(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 503 Unavailable\r\nRetry-After: Wed, 31 Dec 2098 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n")


def endless_retry_after(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 429 Slow down\r\nRetry-After: " + b"9" * 5000 + b"\r\nContent-Length: 0\r\n\r\n")


def too_many_requests(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")


def login_page(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + f"Content-Length: {len(_LOGIN)}\r\n\r\n".encode() + _LOGIN)


def no_http(hostile: Hostile, head: str, send: Send) -> None:
    send(b"SSH-2.0-OpenSSH_9.6\r\n")


def promises_too_much(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n" + _PAGE)


def no_length(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: many\r\nConnection: close\r\n\r\n" + _PAGE[:40])


def two_lengths(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n" + _PAGE)


def wrong_chunks(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + _PAGE)


def nothing(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"Content-Length: 0\r\n\r\n")


def unasked_range(hostile: Hostile, head: str, send: Send) -> None:
    range_ = b"Content-Range: bytes 500-576/9999\r\nContent-Length: 77\r\n\r\n"
    send(b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n" + range_ + _PAGE)


def not_modified(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n")


def redirects_nowhere(hostile: Hostile, head: str, send: Send) -> None:
    send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")


def deep_json(hostile: Hostile, head: str, send: Send) -> None:
    body = b'{"files": ' + b"[" * 1_000_000
    send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + body)


def many_headers(hostile: Hostile, head: str, send: Send) -> None:
    send(_OK + b"X-Many: a\r\n" * 5000 + b"\r\n")


# Nobody learns anything from these, so that a shipped lock is a fair answer.
NO_ANSWER: tuple[Harm, ...] = (
    trickle_body,
    trickle_chunks,
    trickle_headers,
    trickle_status,
    silent,
    redirects,
    slow_redirects,
    too_many_requests,
    trickle_gzip,
    continues,
    redirects_to_nobody,
    unavailable_till_tomorrow,
    endless_retry_after,
)
# Something came, and was wrong, which only the reader of the page can see.
BAD_PAGE: tuple[Harm, ...] = (
    promises_less,
    login_page,
    no_length,
    nothing,
    unasked_range,
    not_modified,
    redirects_nowhere,
    deep_json,
)
# Something came, and was wrong.
BAD_ANSWER: tuple[Harm, ...] = (
    redirects_to_a_file,
    breaks_off,
    wrong_gzip,
    zeros,
    packed_zeros,
    no_http,
    many_headers,
    promises_too_much,
    two_lengths,
    wrong_chunks,
    *BAD_PAGE,
)


@contextmanager
def serving_harm(harm: Harm) -> Iterator[Hostile]:
    """Answer every request with one kind of harm until the block ends."""
    hostile = Hostile()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                head = b""
                while b"\r\n\r\n" not in head and (more := self.request.recv(1 << 16)):
                    head += more
                hostile.asked.append(head.decode("latin-1"))
                harm(hostile, hostile.asked[-1], self.request.sendall)
            except OSError:  # the client gave up, which is what it should do
                pass

    with running(Handler, hostile):
        yield hostile


@contextmanager
def serving_slow_tls() -> Iterator[Hostile]:
    """Accept connections and trickle the beginning of a TLS answer; its `url` begins with https."""
    hostile = Hostile()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                hostile.asked.append("")
                self.request.sendall(b"\x16\x03\x03\x40\x00")  # a handshake record of 16 KiB begins
                trickle(hostile, self.request.sendall, b"\x02")
            except OSError:
                pass

    with running(Handler, hostile):
        hostile.url = hostile.url.replace("http:", "https:")
        yield hostile


@contextmanager
def serving_no_connection() -> Iterator[Hostile]:
    """An address that nobody accepts connections at: its queue is full, so that connecting hangs (on Linux)."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as stack:
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield Hostile(url=f"http://127.0.0.1:{server.getsockname()[1]}")


@contextmanager
def running(handler: type[socketserver.BaseRequestHandler], hostile: Hostile) -> Iterator[None]:
    """Run a server on a free port of 127.0.0.1 until the block ends."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), handler)
    hostile.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        hostile.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
