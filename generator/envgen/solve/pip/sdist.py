"""What a source distribution asks for, as it states it: nothing of it is run or built here."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.json_text import parse_json
from envgen.net.cache import cache_folder, keep_file
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import SourceFile

_LARGEST = 256 << 20  # llama-cpp-python brings llama.cpp along: 70 MB
_LARGEST_TEXT = 1 << 20
_SECTION = re.compile(r"\[(?P<extra>[^\]:]*)(?::(?P<marker>[^\]]*))?\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdist:
    """A source distribution and its metadata: Requires-Dist lines and Requires-Python, empty where it states none."""

    version: str
    url: str
    sha256: str
    requires: tuple[str, ...]
    requires_python: str


def read_sdist(source: SourceFile, *, patience: Patience) -> Sdist:
    """Return what a source distribution states, kept by its hash.

    Raises: UnreachableError, SourceDataError (other bytes than the page states, or no such archive).
    """
    place = cache_folder() / "sources" / f"{source.sha256}.json"
    found = _kept(place)
    if found is None:
        from envgen.net.client import Asking, ask

        asking = Asking(url=source.url, headers={"Accept": "*/*"}, patience=patience, limit=_LARGEST)
        body = ask(asking).body
        if hashlib.sha256(body).hexdigest() != source.sha256:
            raise SourceDataError(url=source.url, reason="other bytes than its page states")
        try:
            found = _stated(dict(_texts(body)))
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise SourceDataError(url=source.url, reason=f"not an archive that can be read: {error}") from error
        _keep(place, found)
    requires, python = found
    return Sdist(
        version=source.version, url=source.url, sha256=source.sha256, requires=requires, requires_python=python
    )


def _texts(body: bytes) -> Iterator[tuple[str, str]]:
    """PKG-INFO beside setup.py and egg-info's requires.txt, by those names."""
    if zipfile.is_zipfile(io.BytesIO(body)):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if (key := _key(member.filename)) and member.file_size <= _LARGEST_TEXT:
                    yield key, archive.read(member).decode("utf-8", "replace")
        return
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:*") as archive:
        for entry in archive:
            if entry.isfile() and (key := _key(entry.name)) and entry.size <= _LARGEST_TEXT:
                stream = archive.extractfile(entry)
                yield key, stream.read().decode("utf-8", "replace") if stream else ""


def _key(path: str) -> str:
    parts = path.removeprefix("./").split("/")
    if len(parts) == 2 and parts[1] == "PKG-INFO":
        return "PKG-INFO"
    return "requires.txt" if parts[-1] == "requires.txt" and parts[-2].endswith(".egg-info") else ""


def _stated(texts: dict[str, str]) -> tuple[tuple[str, ...], str]:
    """Requires-Dist lines and Requires-Python. setuptools wrote the former into requires.txt alone until 67."""
    from packaging.metadata import parse_email

    if "PKG-INFO" not in texts:
        raise ValueError("it has no PKG-INFO")
    metadata, _ = parse_email(texts["PKG-INFO"])
    requires = metadata.get("requires_dist") or list(_lines(texts.get("requires.txt", "")))
    return tuple(requires), metadata.get("requires_python", "")


def _lines(text: str) -> Iterator[str]:
    """The lines of a requires.txt as Requires-Dist writes them: its sections are extras and markers."""
    markers: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if section := _SECTION.fullmatch(line):
            extra, marker = section["extra"], section["marker"]
            markers = [f"({marker})"] if marker else []
            markers += [f'extra == "{extra}"'] if extra else []
        elif line:
            yield f"{line}; {' and '.join(markers)}" if markers else line


def _kept(place: Path) -> tuple[tuple[str, ...], str] | None:
    try:
        document = parse_json(place.read_bytes())
        return tuple(map(str, document["requires"])), str(document["requires_python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(place: Path, found: tuple[tuple[str, ...], str]) -> None:
    keep_file(place, json.dumps({"requires": found[0], "requires_python": found[1]}))


def stand_in(name: str, sdist: Sdist) -> tuple[str, bytes]:
    """A wheel without files that asks for what a source distribution does: its name, and its bytes.

    uv solves with it in the place of the source, which it would have to build to know what it asks for.
    """
    info = f"{name.replace('-', '_')}-{sdist.version}"
    extras = {found[1] for line in sdist.requires if (found := re.search(r"extra\s*==\s*[\"']([\w.-]+)[\"']", line))}
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {sdist.version}"]
    metadata += [f"Requires-Dist: {line}" for line in sdist.requires]
    metadata += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for member, text in (
            ("METADATA", "\n".join(metadata) + "\n"),
            ("WHEEL", "Wheel-Version: 1.0\nGenerator: envgen\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(f"{info}.dist-info/{member}"), text)
    return f"{info}-py3-none-any.whl", stream.getvalue()
