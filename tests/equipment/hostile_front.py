"""A server in front of an honest one: what a pattern of paths asks for meets one kind of harm, the rest goes through.

Beside the kinds of `hostile_server` there are those that need the honest answer: it is given with something else in it.
"""

from __future__ import annotations

import re
import socketserver
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from equipment.hostile_server import Harm, Hostile, Send, running
from equipment.loopback import serving
from equipment.shipped_mirror import shipped_wheels, write_shipped_channel
from equipment.wheel_index import WheelIndex

_KEPT = ("content-type", "content-range", "etag", "location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the honest server says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Front(Hostile):
    """A running front; `index` and `channel` are the honest servers behind it."""

    index: str = ""
    channel: str = ""

    def honest(self, head: str) -> Answer:
        """The answer of the honest server to a request, by its head."""
        method, path, _ = head.partition("\r\n")[0].split(" ", 2)
        asked = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        behind = self.channel if path.startswith("/channel/") else self.index
        connection = HTTPConnection(urlsplit(behind).netloc, timeout=30)
        kept = {name: value for name, value in asked.items() if name.lower() in ("accept", "range", "if-none-match")}
        connection.request(method, path.removeprefix("/channel"), headers=kept)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        headers = {name: value for name, value in response.getheaders() if name.lower() in _KEPT}
        return Answer(status=response.status, headers=headers, body=body)


def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer whole, and end the connection."""
    lines = [f"HTTP/1.1 {answer.status} x", *(f"{name}: {value}" for name, value in answer.headers.items())]
    lines += [f"Content-Length: {len(answer.body)}", "Connection: close"]
    send("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)


@contextmanager
def honest_servers(folder: Path) -> Iterator[tuple[str, str]]:
    """URLs of an index and a channel with the records of the shipped locks."""
    with (
        WheelIndex(wheels=shipped_wheels()).running() as index,
        serving(write_shipped_channel(folder)) as channel,
    ):
        yield index.url(), channel.url


@contextmanager
def front(harm: Harm, pattern: str, honest: tuple[str, str]) -> Iterator[Front]:
    """Serve with one kind of harm what the pattern finds in a path, until the block ends."""
    running_front = Front(index=honest[0], channel=honest[1])
    hit = re.compile(pattern)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                head = b""
                while b"\r\n\r\n" not in head and (more := self.request.recv(1 << 16)):
                    head += more
                text = head.decode("latin-1")
                if not text:
                    return
                if hit.search(text.split(" ", 2)[1]):
                    running_front.asked.append(text)
                    harm(running_front, text, self.request.sendall)
                else:
                    send_answer(self.request.sendall, running_front.honest(text))
            except OSError:  # the client gave up, which is what it should do
                pass

    with running(Handler, running_front):
        yield running_front


def altered(change: Callable[[bytes, int], bytes]) -> Harm:
    """The honest answer with another body; the change is told how often anything was asked before."""

    def harm(hostile: Hostile, head: str, send: Send) -> None:
        assert isinstance(hostile, Front)
        answer = hostile.honest(head)
        body = change(answer.body, len(hostile.asked) - 1) if answer.status == 200 else answer.body
        send_answer(send, Answer(status=answer.status, headers=answer.headers, body=body))

    return harm


def status(number: int, *headers: str) -> Harm:
    """A bare status with headers."""
    lines = "".join(f"{line}\r\n" for line in headers)
    answer = f"HTTP/1.1 {number} x\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    return lambda hostile, head, send: send(answer)


def page(body: bytes, kind: str = "text/html") -> Harm:
    """One page for everything."""
    answer = Answer(status=200, headers={"Content-Type": kind}, body=body)
    return lambda hostile, head, send: send_answer(send, answer)


def another_range(hostile: Hostile, head: str, send: Send) -> None:
    """Says that it is the range that was asked for, and is another."""
    assert isinstance(hostile, Front)
    answer = hostile.honest(head)
    send_answer(send, Answer(status=206, headers={"Content-Range": "bytes 7-8/9"}, body=answer.body[:9]))


def to_another_host(hostile: Hostile, head: str, send: Send) -> None:
    """Sends everything to a host that the request did not name."""
    path = head.split(" ", 2)[1]
    place = hostile.url.replace("127.0.0.1", "localhost")
    send(f"HTTP/1.1 302 x\r\nLocation: {place}/x{path}\r\nContent-Length: 0\r\n\r\n".encode())


_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_PLACE = re.compile(rb'(href="|"url": ?")/?(?:whl/[a-z0-9]+|simple|packages/[0-9a-f]{2}/[0-9a-f]{2})/')
_FILE = re.compile(rb"(?<=[/\"])([A-Za-z_]+)-(\d)")


def _other_digests(body: bytes, asked: int) -> bytes:
    return _DIGEST.sub(lambda found: found[0][::-1], body)


def _changing(body: bytes, asked: int) -> bytes:
    return _other_digests(body, asked) if asked % 2 else body


def _places(place: bytes) -> Callable[[bytes, int], bytes]:
    return lambda body, asked: _PLACE.sub(lambda found: found[1] + place, body)


def _names(name: bytes) -> Callable[[bytes, int], bytes]:
    return lambda body, asked: _FILE.sub(lambda found: name + b"-" + found[2], body)


def _twice(body: bytes, asked: int) -> bytes:
    """Every entry a second time, with another digest."""
    if b'"files": [' in body:
        start, mark, rest = body.partition(b'"files": [')
        entries = rest.rpartition(b"]")[0]
        return start + mark + entries + b", " + _other_digests(entries, 0) + b"]}"
    return body.replace(b"\n</body>", b"\n" + _other_digests(body, 0) + b"\n</body>")


# The honest answer with a lie in it.
LIES: dict[str, Harm] = {
    "digests of other files": altered(_other_digests),
    "digests that change between two reads": altered(_changing),
    "files of another name": altered(_names(b"evil")),
    "names with a path in them": altered(_names(b"../evil")),
    "names with an encoded end of line": altered(_names(b"evil%0a")),
    "files on another host": altered(_places(b"https://evil.example/")),
    "files above the folder": altered(_places(b"/whl/../../")),
    "files in an encoded folder above": altered(_places(b"/%2e%2e/%2e%2e/")),
    "every entry twice, with another digest": altered(_twice),
    "a page without its end": altered(lambda body, asked: body[: len(body) // 2]),
    "a page that begins with zeros": altered(lambda body, asked: bytes(64) + body),
    "a range that was not asked for": another_range,
}
