"""What a wheel on a server holds, read by a few ranges of it and kept by its hash: its files, and the CUDA it loads."""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.json_text import parse_json
from envgen.net.cache import cache_folder, keep_file
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError
from envgen.net.ranges import RangedFile, size_of

_FORMAT = 4  # of the files that are kept
_TAIL = 1 << 16  # the central directory of most wheels; those of torch and transformers take a second request
_PREFIX = 1 << 18  # of a library, as it is packed
_PREFIX_OF_WINDOWS = 1 << 20  # which has the names of what it loads behind its code
_ENOUGH = 3  # libraries that load CUDA
_LIBRARIES = 24  # that are looked at, smallest first
# The names that a library loads stand in its dynamic string table, which linkers put at its beginning: in 38 libraries
# of nine wheels they were in the first 256 KiB as packed, while the table that points at them is near the end.
# Only libraries whose number is CUDA's major: cuSPARSE 12 and cuRAND 10 are of CUDA 13 too.
_LOADED = re.compile(rb"\0lib(?:cudart|nvrtc|cublas|cublasLt|nvJitLink)\.so\.(\d{2})(?:\.\d)?(?=\0)")
# On Windows the import table names them; what a library may open besides stands there too (cudart64_12 and _13 in the
# largest of onnxruntime-gpu 1.31.1), and several majors say nothing.
_IMPORTED = re.compile(rb"\0(?:cudart64|cublas64|cublasLt64)_(\d{2})\.dll(?=\0)", re.IGNORECASE)
_LIBRARY = re.compile(r"\.(?:so(?:\.\d+)*|dll|pyd)$", re.IGNORECASE)
_RUNTIMES = ("libcudart", "cudart64_")
# A wheel with one library for each CUDA has its number in their names (bitsandbytes: libbitsandbytes_cuda124.so).
_NAMED = re.compile(r"cu(?:da)?[-_]?(1\d)\d?(?![\da-z])")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_AHEAD: dict[str, WheelContents] = {}  # taken out when they are asked for
_DATA = re.compile(r"^[^/]+\.data/(?P<scheme>[a-z]+)/(?P<path>.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelContents:
    """The files that a wheel installs (path -> CRC-32 and size), and the CUDA majors that its libraries load.

    Several majors are those of libraries for several CUDAs; none says that nothing in it was seen to load CUDA.
    """

    files: Mapping[str, tuple[int, int]]
    cuda_majors: frozenset[int]


def read_contents(url: str, sha256: str, size: int | None, *, patience: Patience) -> WheelContents:
    """Return what a wheel holds; `sha256` names it in the cache.

    Raises: UnreachableError, SourceDataError (no ranges served, or no wheel).
    """
    kept = kept_contents(sha256)
    if kept is not None:
        return kept
    stream = RangedFile(url, size or size_of(url, patience=patience), patience=patience, tail=_TAIL)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            found = WheelContents(files=dict(_installed(members)), cuda_majors=_majors(stream, members))
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError) as error:
        raise SourceDataError(url=url, reason=f"not a wheel that can be read: {error}") from error
    _keep(_place(sha256), found)
    return found


def load_contents(noted: Path) -> None:
    """Read what was kept of the wheels whose sha256s a file notes, for who waits for a solver that may name them."""
    _AHEAD.clear()
    with suppress(OSError, ValueError):
        for sha256 in _HASH.findall(noted.read_text("ascii")):
            if (found := _kept(_place(sha256))) is not None:
                _AHEAD[sha256] = found


def kept_contents(sha256: str) -> WheelContents | None:
    """What was kept of a wheel; whatever can't be read is read from the server again."""
    return _AHEAD.pop(sha256, None) or _kept(_place(sha256))


def _kept(place: Path) -> WheelContents | None:
    try:
        document = parse_json(place.read_bytes())
        if document["format"] != _FORMAT:
            return None
        files = {str(path): (int(crc), int(size)) for path, (crc, size) in document["files"].items()}
        return WheelContents(files=files, cuda_majors=frozenset(int(major) for major in document["cuda_majors"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _place(sha256: str) -> Path:
    return cache_folder() / "wheels" / f"{sha256}.json"


def _installed(members: list[zipfile.ZipInfo]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Where the members of a wheel land, without the notes of the installer (PEP 427)."""
    for member in members:
        top = member.filename.partition("/")[0]
        if member.is_dir() or top.endswith(".dist-info"):
            continue
        data = _DATA.match(member.filename)
        path = member.filename
        if data is not None:
            path = data["path"] if data["scheme"] in ("purelib", "platlib") else f"{data['scheme']}:{data['path']}"
        yield path, (member.CRC, member.file_size)


def _majors(stream: RangedFile, members: list[zipfile.ZipInfo]) -> frozenset[int]:
    """The CUDA majors that the libraries of a wheel load, without those that auditwheel put beside them."""
    libraries = [one for one in members if _LIBRARY.search(one.filename) and ".libs/" not in one.filename]
    if any(one.filename.rpartition("/")[2].startswith(_RUNTIMES) for one in libraries):
        return frozenset()  # it brings its own runtime (PyNvVideoCodec, in a folder of another name)
    named = frozenset(int(one[1]) for lib in libraries if (one := _NAMED.search(lib.filename.rpartition("/")[2])))
    found: list[frozenset[int]] = []
    for library in sorted(libraries, key=lambda one: one.compress_size)[:_LIBRARIES]:
        is_windows = library.filename.lower().endswith((".dll", ".pyd"))
        begins = _beginning(stream, library, _PREFIX_OF_WINDOWS if is_windows else _PREFIX)
        loaded = frozenset(int(number) for number in (_IMPORTED if is_windows else _LOADED).findall(begins))
        found += [loaded] if loaded else []
        if len(found) >= _ENOUGH:
            break
    return named.union(*found)


def _beginning(stream: RangedFile, member: zipfile.ZipInfo, prefix: int) -> bytes:
    """The first bytes of a member, unpacked: those of its `prefix` first packed ones."""
    stream.seek(member.header_offset)
    header = stream.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    stream.seek(member.header_offset + 30 + name + extra)
    packed = stream.read(min(prefix, member.compress_size))
    if member.compress_type == zipfile.ZIP_STORED:
        return packed
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, prefix * 16)


def _keep(place: Path, found: WheelContents) -> None:
    """Keep it for the next run, whole or not at all."""
    document = {"format": _FORMAT, "cuda_majors": sorted(found.cuda_majors), "files": found.files}
    keep_file(place, json.dumps(document, separators=(",", ":")))
