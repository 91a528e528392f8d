"""A folder of wheels as a package index: served on the loopback interface while a solve reads it."""

from __future__ import annotations

import hashlib
import html
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from socket import INADDR_LOOPBACK
from threading import Thread
from urllib.parse import quote, unquote, urlsplit

from envgen.core.errors import ValueFormatError
from envgen.core.wheel_names import WheelName

_HOST = str(IPv4Address(INADDR_LOOPBACK))
_PART = 1 << 20
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a folder of wheels as a mirror of PyTorch's indexes, as long as the context lasts."""
    server = _Server(folder)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__((_HOST, 0), _Handler)
        self.folder = folder


def _wheels(folder: Path, tag: str) -> dict[str, Path]:
    """File name -> place of the wheels of an index; one of the tag's own folder stands before one beside it."""
    own = folder / tag
    places = [*sorted(folder.glob("*.whl")), *(sorted(own.rglob("*.whl")) if own.is_dir() else ())]
    return {path.name: path for path in places if path.is_file()}


def _page(folder: Path, tag: str, project: str) -> str:
    """The page of a project as PEP 503 and PEP 658 have it; empty when there is none of its wheels."""
    lines = []
    for name, path in _wheels(folder, tag).items():
        try:
            of = WheelName.parse(name).project
        except ValueFormatError:
            continue
        if of == project:
            stat = path.stat()
            link = f"../{quote(name)}#sha256={_sha256(path, stat.st_mtime_ns, stat.st_size)}"
            lines.append(f'<a href="{link}" data-core-metadata="true">{html.escape(name)}</a>')
    return f"<!DOCTYPE html>\n<html><body>\n{chr(10).join(lines)}\n</body></html>\n" if lines else ""


@cache
def _sha256(path: Path, changed: int, size: int) -> str:
    del changed, size  # a file that is another one now is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(path: Path) -> bytes:
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        return wheel.read(name)


class _Handler(BaseHTTPRequestHandler):
    """Answers for the folder of its server: pages, wheels and their metadata."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/") if part]
        if len(parts) != 2 or not parts[0].isalnum():
            return self._answer(b"", "text/plain", 404)
        tag, name = parts
        if not name.endswith((".whl", ".whl.metadata")):
            page = _page(self.server.folder, tag, name)
            return self._answer(page.encode(), "text/html", 200 if page else 404)
        path = _wheels(self.server.folder, tag).get(name.removesuffix(".metadata"))
        if path is None:
            return self._answer(b"", "text/plain", 404)
        if name.endswith(".metadata"):
            try:
                return self._answer(_metadata(path), "text/plain", 200)
            except (OSError, zipfile.BadZipFile, StopIteration):
                return self._answer(b"", "text/plain", 404)
        return self._send(path)

    def _answer(self, body: bytes, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _send(self, path: Path) -> None:
        """The file, or the one range of it that was asked for: what is read of a wheel is a few parts."""
        size = path.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        first, last = 0, size - 1
        if asked and asked[1]:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
        elif asked:
            first = max(0, size - int(asked[2] or 0))
        if first > last:
            return self._answer(b"", "text/plain", 416)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._copy(path, first, last - first + 1)
        return None

    def _copy(self, path: Path, first: int, left: int) -> None:
        with path.open("rb") as file:
            file.seek(first)
            while left > 0 and (part := file.read(min(left, _PART))):
                self.wfile.write(part)
                left -= len(part)

    do_HEAD = do_GET
