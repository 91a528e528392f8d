"""Invented conda channels on disk, laid out as conda serves them: repodata.json, its .zst, and shards (CEP 16).

`pytorch_rows` makes a small conda-forge with the traps of the real one: a CPU build that would win without a pin,
builds for several toolkits, a cuDNN that must be held back, `__cuda` and `__glibc` demands, noarch packages.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envgen.core.platforms import Subdir
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.virtual_packages import virtual_packages

SUBDIRS = ("linux-64", "win-64", "linux-aarch64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One package of a channel. `md5` or `sha256` None means made from the file name; empty means left out."""

    name: str
    version: str
    build: str = "h0_0"
    build_number: int = 0
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    subdir: str = "linux-64"
    md5: str | None = None
    sha256: str | None = None

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.conda"

    def record(self) -> dict[str, Any]:
        """The record as repodata.json holds it."""
        stem = self.filename.encode()
        md5 = hashlib.md5(stem).hexdigest() if self.md5 is None else self.md5
        sha256 = hashlib.sha256(stem).hexdigest() if self.sha256 is None else self.sha256
        record: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": self.build_number,
            "depends": list(self.depends),
            "constrains": list(self.constrains),
            "subdir": self.subdir,
            "timestamp": 1767225600000,
            "size": 1000,
        }
        record |= {"noarch": "generic"} if self.subdir == "noarch" else {}
        return record | {k: v for k, v in (("md5", md5), ("sha256", sha256)) if v}


def write_channel(
    folder: Path, rows: Iterable[Row], *, forms: Iterable[str] = ("json", "zst"), base_url: str = ""
) -> Path:
    """Write a channel into `folder` and return it. Every subdir is there, noarch included, also when it is empty.

    `base_url` is where its shards claim that the package files are (CEP 15); empty means beside them.
    """
    rows, forms = tuple(rows), frozenset(forms)
    for subdir in (*SUBDIRS, "noarch"):
        place = folder / subdir
        place.mkdir(parents=True, exist_ok=True)
        records = {row.filename: row.record() for row in rows if row.subdir == subdir}
        text = json.dumps(_repodata(subdir, records), indent=1).encode()
        if "json" in forms:
            (place / "repodata.json").write_bytes(text)
        if "zst" in forms:
            (place / "repodata.json.zst").write_bytes(zstd_stored(text))
        if "shards" in forms:
            _write_shards(place, subdir, records, base_url)
    return folder


def _repodata(subdir: str, records: Mapping[str, object]) -> dict[str, object]:
    return {"info": {"subdir": subdir}, "packages": {}, "packages.conda": records, "removed": [], "repodata_version": 1}


def _write_shards(place: Path, subdir: str, records: Mapping[str, dict[str, Any]], base_url: str) -> None:
    by_name: dict[str, dict[str, Any]] = {}
    for filename, record in records.items():
        as_bytes = {k: bytes.fromhex(v) if k in ("md5", "sha256") else v for k, v in record.items()}
        by_name.setdefault(record["name"], {})[filename] = as_bytes
    shards = {}
    for name, packages in by_name.items():
        shard = zstd_stored(msgpack({"packages": {}, "packages.conda": packages, "removed": []}))
        digest = hashlib.sha256(shard).digest()
        (place / f"{digest.hex()}.msgpack.zst").write_bytes(shard)
        shards[name] = digest
    info = {"subdir": subdir, "base_url": base_url, "shards_base_url": "", "created_at": "2026-01-01T00:00:00Z"}
    index = msgpack({"info": info, "version": 1, "shards": shards})
    (place / "repodata_shards.msgpack.zst").write_bytes(zstd_stored(index))


def zstd_stored(data: bytes) -> bytes:
    """A valid Zstandard frame with the data uncompressed (RFC 8878: single segment, raw blocks)."""
    out = [struct.pack("<IBQ", 0xFD2FB528, 0b1110_0000, len(data))]
    size = 128 * 1024
    blocks = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    for number, block in enumerate(blocks, start=1):
        header = (len(block) << 3) | (1 if number == len(blocks) else 0)
        out += [header.to_bytes(3, "little"), block]
    return b"".join(out)


def msgpack(value: object) -> bytes:
    """MessagePack of the few types that sharded repodata is made of."""
    match value:
        case bytes():
            return b"\xc5" + struct.pack(">H", len(value)) + value
        case str():
            text = value.encode()
            return b"\xda" + struct.pack(">H", len(text)) + text
        case int():
            return b"\xcf" + struct.pack(">Q", value)
        case list():
            return b"\xdc" + struct.pack(">H", len(value)) + b"".join(msgpack(item) for item in value)
        case dict():
            pairs = b"".join(msgpack(k) + msgpack(v) for k, v in value.items())
            return b"\xde" + struct.pack(">H", len(value)) + pairs
        case _:
            raise TypeError(type(value))


def _pytorch(subdir: str, version: str, cuda: str, number: int, *, python: str = "312") -> list[Row]:
    """The pytorch and libtorch of one build, as conda-forge ties them; `cuda` is like 129, or `cpu`."""
    flavour = cuda if cuda == "cpu" else f"cuda{cuda}"
    system = ("__glibc >=2.17,<3.0.a0",) if subdir.startswith("linux") else ("vc14_runtime >=14.44",)
    needs: tuple[str, ...] = system
    if cuda != "cpu":
        major = int(cuda[:-1])
        cudnn = "libcudnn >=9.10.1.4,<10.0a0" if major >= 12 else "cudnn >=8.8,<9.0a0"
        needs = (*needs, "__cuda", f"cuda-version >={major}.{cuda[-1]},<{major + 1}", cudnn)
    lib = Row(name="libtorch", version=version, build=f"{flavour}_mkl_h1_{number}", build_number=number, subdir=subdir)
    lib = replace(lib, depends=needs)
    torch = replace(
        lib,
        name="pytorch",
        build=f"{flavour}_mkl_py{python}_h2_{number}",
        depends=(*needs, f"libtorch {version} {lib.build}", f"python >=3.{python[1:]},<3.{int(python[1:]) + 1}.0a0"),
        constrains=(f"pytorch-cpu {version}",) if cuda == "cpu" else ("pytorch-cpu <0.0a0",),
    )
    return [lib, torch]


def _platform_rows(subdir: str) -> list[Row]:
    runtime = [Row(name="vc14_runtime", version="14.44.35208", subdir=subdir)] if subdir == "win-64" else []
    pythons = [Row(name="python", version=v, depends=("tzdata",), subdir=subdir) for v in ("3.12.12", "3.13.9")]
    cudnns = [
        Row(name="libcudnn", version=v, depends=(f"cuda-version {span}",), subdir=subdir)
        for v, span in (("9.10.2.21", ">=12,<13"), ("9.12.0.46", ">=12,<13"), ("9.13.0.50", ">=13,<14"))
    ]
    vision = Row(
        name="torchvision",
        version="0.25.0",
        build="cuda129_py312_h3_0",
        depends=("pytorch 2.10.*", "pytorch * cuda*", "cuda-version >=12.9,<13", "python >=3.12,<3.13.0a0"),
        subdir=subdir,
    )
    plain = replace(vision, build="cpu_py312_h3_9", build_number=9, depends=("pytorch 2.10.*", "pytorch * cpu*"))
    return [*runtime, *pythons, *cudnns, *([vision] if subdir != "win-64" else []), plain]


def _cuda_versions() -> list[Row]:
    return [
        Row(name="cuda-version", version=v, constrains=(f"__cuda >={v.split('.')[0]}",), subdir="noarch")
        for v in ("11.8", "12.6", "12.8", "12.9", "13.0")
    ]


def pytorch_rows() -> tuple[Row, ...]:
    """The rows of the small conda-forge. The CPU build has the highest build number and version of all."""
    rows = [*_cuda_versions(), Row(name="tzdata", version="2025b", subdir="noarch")]
    for subdir in SUBDIRS:
        cuda12 = "128" if subdir == "win-64" else "129"
        rows += _platform_rows(subdir)
        rows += _pytorch(subdir, "2.9.1", "126", 300) + _pytorch(subdir, "2.10.0", cuda12, 301)
        rows += _pytorch(subdir, "2.10.0", "130", 301) + _pytorch(subdir, "2.10.0", "cpu", 900)
    return tuple(rows)


def torch_row(version: str) -> list[Row]:
    """A CUDA 12.9 build of a further release for linux-64, as 2.10.0 is."""
    rows = [r for r in pytorch_rows() if r.version == "2.10.0" and "cuda129" in r.build and r.subdir == "linux-64"]
    swapped = (replace(r, depends=tuple(d.replace("2.10.0", version) for d in r.depends)) for r in rows)
    return [replace(row, version=version) for row in swapped]


def for_python_313(rows: Iterable[Row]) -> list[Row]:
    """The rows that are built for Python 3.12, as they would be for 3.13."""
    built = [row for row in rows if "py312" in row.build]
    swapped = (tuple(d.replace("<3.13.0a0", "<3.14.0a0").replace(">=3.12", ">=3.13") for d in r.depends) for r in built)
    return [replace(r, build=r.build.replace("py312", "py313"), depends=d) for r, d in zip(built, swapped, strict=True)]


def write_pytorch_channels(root: Path, *, forms: Sequence[str] = ("json", "zst")) -> Path:
    """Write the small conda-forge below `root`, as a mirror folder holds it; returns `root`."""
    write_channel(root / "conda-forge", pytorch_rows(), forms=forms)
    return root


# The specs that the decision makes for the small channel's CUDA 12 build of each subdir.
CUDA_12 = {"linux-64": "12.9", "linux-aarch64": "12.9", "win-64": "12.8"}


def cuda_query(
    subdir: str = "linux-64",
    *specs: str,
    cuda: str | None = None,
    glibc: str = "2.28",
    channels: tuple[str, ...] = ("conda-forge",),
) -> CondaQuery:
    """A query for the CUDA 12 build of the small channel, or for `specs`; `cuda` empty means no driver."""
    toolkit = CUDA_12[subdir]
    default = ("python=3.12", f"pytorch=2.10.0=cuda{toolkit.replace('.', '')}*", f"cuda-version={toolkit}")
    claims = virtual_packages(Subdir(subdir), cuda=toolkit if cuda is None else cuda, glibc=glibc)
    return CondaQuery(
        subdir=Subdir(subdir),
        channels=channels,
        specs=specs or (*default, "libcudnn<9.11"),
        virtual_packages=claims,
    )
