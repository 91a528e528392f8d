"""A Python package index on the loopback interface, made from rows: PEP 503 HTML, PEP 691 JSON, PEP 658 metadata.

Files are real minimal wheels when the test makes them, or names and hashes alone (a solve never downloads a wheel).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import parse_sdist_filename

from envgen.core.wheel_names import WheelName
from equipment.loopback import QuietServer

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedWheel:
    """One file of the index. `content` is None when only its name and hash are served; `sha256` may be a wrong one.

    `folder` is where its page says that it is; empty means beside the page.
    """

    filename: str
    sha256: str
    metadata: str
    content: bytes | None = None
    size: int | None = None
    is_yanked: bool = False
    requires_python: str = ">=3.8"
    folder: str = ""

    @property
    def project(self) -> str:
        if not self.filename.endswith(".whl"):
            return parse_sdist_filename(self.filename)[0]
        return WheelName.parse(self.filename).project


def metadata_of(filename: str, requires: Iterable[str] = (), requires_python: str = ">=3.8") -> str:
    """The METADATA text of a wheel."""
    name = WheelName.parse(filename)
    lines = ["Metadata-Version: 2.1", f"Name: {name.project}", f"Version: {name.version}"]
    lines += [f"Requires-Python: {requires_python}", *(f"Requires-Dist: {requirement}" for requirement in requires)]
    return "\n".join(lines) + "\n"


def make_wheel(
    filename: str,
    requires: Iterable[str] = (),
    *,
    salt: str = "",
    files: Mapping[str, str] | None = None,
    requires_python: str = ">=3.8",
) -> ServedWheel:
    """A real, installable wheel with one module that knows its version; `salt` changes its bytes, not its name.

    `files` are further members: path -> text.
    """
    name = WheelName.parse(filename)
    module = name.project.replace("-", "_")
    info = f"{name.project.replace('-', '_')}-{name.version}.dist-info"
    metadata = metadata_of(filename, requires, requires_python)
    tags = [f"{i}-{a}-{p}" for i in name.interpreters for a in name.abis for p in name.platforms]
    members = {
        **(files or {}),
        f"{module}/__init__.py": f"__version__ = {name.version!r}\n# {salt}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        + "".join(f"Tag: {t}\n" for t in tags),
    }
    record = "".join(f"{path},sha256={_record_hash(text)},{len(text.encode())}\n" for path, text in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path, date_time=(2026, 1, 1, 0, 0, 0)), text)
    content = stream.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return ServedWheel(
        filename=filename,
        sha256=digest,
        metadata=metadata,
        content=content,
        size=len(content),
        requires_python=requires_python,
    )


def make_sdist(filename: str, members: Mapping[str, str]) -> ServedWheel:
    """A source distribution (`name-1.0.tar.gz`) with some members below its folder; its setup.py would be noticed."""
    folder = filename.removesuffix(".tar.gz")
    texts = {"setup.py": "raise SystemExit('somebody ran it')\n", **members}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, text in texts.items():
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    content = gzip.compress(stream.getvalue(), mtime=0)  # the same members, the same bytes
    digest = hashlib.sha256(content).hexdigest()
    return ServedWheel(filename=filename, sha256=digest, metadata="", content=content, size=len(content))


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the index answers wrongly on one path: a status, other bytes, a cut after `cut` bytes, or a silence.

    With a status of 302 `location` says where to go instead. Only the first `times` requests meet it; None means all.
    """

    status: int = 200
    body: bytes | None = None
    content_type: str = "text/html"
    cut: int | None = None
    silence_s: float = 0.0
    retry_after: str = ""
    location: str = ""
    times: int | None = None


@dataclass(slots=True, kw_only=True)
class WheelIndex:
    """What the server serves and what it saw. `wheels` maps a path prefix (`/whl/cu126`) to the files below it.

    `file_prefix` is put before the links of a page, so that they can point at another host.
    """

    wheels: Mapping[str, Iterable[ServedWheel]]
    html_only: bool = False
    serves_ranges: bool = True
    states_hashes: bool = True
    states_metadata: bool = True
    file_prefix: str = ""
    login: tuple[str, str] | None = None
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    address: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    def url(self, prefix: str = "", *, login: str = "") -> str:
        """The index's URL, with `user:password` before the host if given."""
        return f"http://{login + '@' if login else ''}{self.address}{prefix}"

    @contextmanager
    def running(self, port: int = 0) -> Iterator[WheelIndex]:
        """Serve on a port of 127.0.0.1, any free one by default, until the block ends."""
        server = QuietServer(("127.0.0.1", port), _handler(self))
        self.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def page(self, prefix: str, project: str, *, as_json: bool) -> tuple[str, bytes] | None:
        """Content type and body of a project's page, or None when the prefix has no such project."""
        files = [w for w in self.wheels.get(prefix, ()) if w.project == project]
        if not files:
            return None
        if as_json and not self.html_only:
            return JSON_TYPE, json.dumps(self._json_page(project, prefix, files)).encode()
        links = "\n".join(self._anchor(prefix, w) for w in files)
        title = f"<title>Links for {project}</title>"
        return (
            "text/html",
            f"<!DOCTYPE html>\n<html><head>{title}</head><body>\n{links}\n</body></html>\n<!--TIMESTAMP 1-->".encode(),
        )

    def _json_page(self, project: str, prefix: str, files: list[ServedWheel]) -> dict[str, object]:
        entries = []
        for w in files:
            entry: dict[str, object] = {
                "filename": w.filename,
                "url": self._link(prefix, w),
                "requires-python": w.requires_python,
            }
            entry["yanked"] = w.is_yanked
            entry["hashes"] = {"sha256": w.sha256} if self.states_hashes else {}
            if self.states_metadata and w.metadata:
                entry["core-metadata"] = {"sha256": hashlib.sha256(w.metadata.encode()).hexdigest()}
            if w.size is not None:
                entry["size"] = w.size
            entries.append(entry)
        return {"meta": {"api-version": "1.1"}, "name": project, "files": entries}

    def _link(self, prefix: str, wheel: ServedWheel) -> str:
        return f"{wheel.folder or self.file_prefix or prefix}/{quote(wheel.filename)}"

    def _anchor(self, prefix: str, wheel: ServedWheel) -> str:
        fragment = f"#sha256={wheel.sha256}" if self.states_hashes else ""
        digest = hashlib.sha256(wheel.metadata.encode()).hexdigest()
        marks = (
            f' data-core-metadata="sha256={digest}" data-dist-info-metadata="sha256={digest}"'
            if self.states_metadata
            else ""
        )
        marks += ' data-yanked=""' if wheel.is_yanked else ""
        href = html.escape(self._link(prefix, wheel) + fragment)
        marks += f' data-requires-python="{html.escape(wheel.requires_python)}"'
        return f'<a href="{href}"{marks}>{html.escape(wheel.filename)}</a><br/>'

    def file(self, path: str) -> bytes | None:
        """The bytes of a wheel or of its metadata at a path below a prefix, or None."""
        prefix, _, filename = path.rpartition("/")
        stem = filename.removesuffix(".metadata")
        for wheel in self.wheels.get(prefix, (one for found in self.wheels.values() for one in found if one.folder)):
            if wheel.filename == stem and wheel.folder in ("", prefix):
                return wheel.metadata.encode() if stem != filename else wheel.content
        return None


def _handler(index: WheelIndex) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's delayed ACK

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # a client that gave up and reset the connection
                self.close_connection = True

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            index.requests.append(path)
            index.logins.append(self.headers.get("Authorization", ""))
            if index.login is not None and self.headers.get("Authorization") != _basic(*index.login):
                self._send(401, b"", "text/plain", {"WWW-Authenticate": 'Basic realm="test"'})
            elif (fault := self._fault(path)) is not None:
                self._fail(path, fault)
            else:
                self._serve(path)

        def _fault(self, path: str) -> Fault | None:
            fault = index.faults.get(path)
            if fault is not None and fault.times is not None and index.requests.count(path) > fault.times:
                return None
            return fault

        def _serve(self, path: str) -> None:
            if path.endswith("/"):
                prefix, _, project = path.rstrip("/").rpartition("/")
                page = index.page(prefix, project, as_json="json" in self.headers.get("Accept", ""))
                if page is not None:
                    self._send(200, page[1], page[0])
                    return
            elif (body := index.file(path)) is not None:
                self._send_file(body)
                return
            self._send(404, b"", "text/plain")

        def _send_file(self, body: bytes) -> None:
            """The file, or the range of it that is asked for (RFC 9110, 14)."""
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked is None or not index.serves_ranges:
                self._send(200, body, "application/octet-stream")
                return
            start, end = int(asked[1]), min(int(asked[2]) + 1, len(body))
            headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}
            self._send(206, body[start:end], "application/octet-stream", headers)

        def _fail(self, path: str, fault: Fault) -> None:
            if fault.silence_s:
                index.stopping.wait(fault.silence_s)
            body, content_type = fault.body, fault.content_type
            if body is None and fault.status == 200:
                prefix, _, project = path.rstrip("/").rpartition("/")
                page = index.page(prefix, project, as_json="json" in self.headers.get("Accept", ""))
                content_type, body = page if page is not None else ("text/plain", b"")
            headers = {"Retry-After": fault.retry_after, "Location": fault.location}
            headers = {name: value for name, value in headers.items() if value}
            self._send(fault.status, body or b"", content_type, headers, cut=fault.cut)

        def _send(
            self,
            status: int,
            body: bytes,
            content_type: str,
            headers: Mapping[str, str] | None = None,
            *,
            cut: int | None = None,
        ) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body[:cut])
            except ConnectionError:  # the client gave up, which is what some tests are about
                self.close_connection = True
            if cut is not None:
                self.close_connection = True

    return Handler


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
