"""An invented channel of the size of conda-forge: 600,000 records for linux-64, 300,000 for noarch.

Its core is what a solve for pytorch looks at: pytorch and its libraries in many versions, about 250 packages. A third
of them end up in an environment, the others are asked for by old versions only (as in the real channel). The rest of
the channel is nothing that the core needs; it is there because a client of the monolithic form has to read past it.

The monolithic form is whole. Of the sharded form, the index lists every package of the channel and the shards of the
core are there; those of the rest are not, and a client that asked for one would be told so (404) and fail.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zstandard

from equipment.conda_channel import Row, msgpack, pytorch_rows

RECORDS = {"linux-64": 600_000, "noarch": 300_000}
PACKAGES = {"linux-64": 16_000, "noarch": 17_000}
_CHANNEL = "conda-forge"
_SEED = 1
# Records of a package, twenty equally frequent sizes: the quantiles of 24,090 conda-forge records (2,565 packages) that
# lock files in public repositories name. They are scaled until they add up to the wanted number.
_SIZES = (1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 8, 10, 12, 17, 24, 36, 216)
_PYTHONS = ("310", "311", "312", "313")
_USED, _UNUSED, _VERSIONS = 80, 160, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BigChannel:
    """Where the two forms are, laid out as mirror folders, and what they hold."""

    monolithic: Path
    sharded: Path
    facts: tuple[str, ...]


def big_channel(folder: Path, scale: float) -> BigChannel:
    """Return the channel below `folder`, made first if it is not there; `scale` shrinks the rest, never the core."""
    place = folder / f"channel-{scale:g}"
    found = BigChannel(monolithic=place / "monolithic", sharded=place / "sharded", facts=())
    told = place / "facts.json"  # written last: without it the channel is not complete
    if not told.exists():
        shutil.rmtree(place, ignore_errors=True)
        core = tuple(core_rows())
        facts = [fact for subdir in RECORDS for fact in _write(found, subdir, core, scale)]
        told.write_text(json.dumps(facts), encoding="utf-8")
    return replace(found, facts=tuple(json.loads(told.read_text(encoding="utf-8"))))


def core_rows() -> Iterator[Row]:
    """The packages that a solve for pytorch on linux-64 looks at."""
    draw = random.Random(_SEED)
    needed = tuple(f"lib-{number:03} >=1.10,<2.0a0" for number in range(40))
    for row in pytorch_rows():
        if row.subdir not in RECORDS:
            continue
        if row.name in ("pytorch", "libtorch"):
            yield replace(row, depends=(*row.depends, *needed))
            yield from _older(row)
        else:
            yield row
    for python in _PYTHONS:
        abi = Row(name="python_abi", version=f"3.{python[1:]}", build=f"8_cp{python}", subdir="noarch")
        yield replace(abi, constrains=(f"python 3.{python[1:]}.*",))
    for number in range(_USED + _UNUSED):
        yield from _library(number, draw)


def _older(row: Row) -> Iterator[Row]:
    """Forty versions before a build of pytorch or libtorch, which older pythons and libraries go with."""
    for minor in range(40):
        needs = tuple(f"lib-{number:03} <1.10" for number in range(minor, minor + 30))
        yield replace(row, version=f"1.{minor}.0", depends=("__cuda", "python >=3.8", *needs), constrains=())


def _library(number: int, draw: random.Random) -> Iterator[Row]:
    """All records of one library of the core. Its newer versions need used ones only, its older ones any."""
    subdir = "noarch" if number % 4 == 3 else "linux-64"
    with_python = number % 3 == 0 and subdir == "linux-64"
    last = _USED if number < _USED else _USED + _UNUSED
    for minor in range(_VERSIONS):
        reach = range(number + 1, min(number + 40, last if minor >= _VERSIONS // 2 else _USED + _UNUSED))
        picked = sorted(draw.sample(reach, min(4, len(reach))))
        needs = tuple(f"lib-{other:03} >=1.{minor // 2},<2.0a0" for other in picked)
        row = Row(name=f"lib-{number:03}", version=f"1.{minor}", depends=needs, subdir=subdir)
        if not with_python:
            yield from (replace(row, build=f"h{build}_{build}", build_number=build) for build in range(3))
            continue
        for python in _PYTHONS:
            abi = (f"python >=3.{python[1:]},<3.{int(python[1:]) + 1}.0a0", f"python_abi 3.{python[1:]}.* *_cp{python}")
            yield replace(row, build=f"py{python}h1_0", depends=(*needs, *abi))


def _write(channel: BigChannel, subdir: str, core: Iterable[Row], scale: float) -> Iterator[str]:
    """Write one subdir in both forms and yield what it holds."""
    records = {row.filename: row.record() for row in core if row.subdir == subdir}
    packages = int(PACKAGES[subdir] * scale)
    wanted = int(RECORDS[subdir] * scale) - len(records)
    place = channel.monolithic / _CHANNEL / subdir / "repodata.json.zst"
    place.parent.mkdir(parents=True)
    size = 0
    with place.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as packed:
        for text in _repodata(subdir, records, _filling(subdir, wanted, packages)):
            size += packed.write(text)
    listed = _write_shards(channel.sharded / _CHANNEL / subdir, subdir, records, packages)
    stored = sum(file.stat().st_size for file in (channel.sharded / _CHANNEL / subdir).iterdir())
    core_names = len({record["name"] for record in records.values()})
    yield (
        f"{subdir}: {wanted + len(records):,} records in {listed:,} packages; monolithic {size / 1e6:.0f} MB of JSON, "
        f"{place.stat().st_size / 1e6:.0f} MB as zst; sharded: an index of all packages and the shards of {core_names} "
        f"with {len(records):,} records, {stored / 1e6:.1f} MB"
    )


def _repodata(subdir: str, records: Mapping[str, object], filling: Iterator[str]) -> Iterator[bytes]:
    """A repodata.json in pieces."""
    yield b'{"info":{"subdir":"%s"},"packages":{},"packages.conda":' % subdir.encode()
    yield json.dumps(records, separators=(",", ":"))[:-1].encode()
    pieces: list[str] = []
    for piece in filling:
        pieces.append(piece)
        if len(pieces) == 4096:
            yield ("," + ",".join(pieces)).encode()
            pieces.clear()
    yield ("," + ",".join(pieces)).encode() if pieces else b""
    yield b'},"removed":[],"repodata_version":1}'


def _filling(subdir: str, wanted: int, packages: int) -> Iterator[str]:
    """`wanted` records as members of a JSON object, in packages whose sizes vary as in the real channel."""
    draw = random.Random(_SEED)
    noarch = '"noarch":"generic",' if subdir == "noarch" else ""
    depends = [_depends(draw) for _ in range(2000)]
    weights = [draw.choice(_SIZES) for _ in range(packages)]
    share = wanted / sum(weights)
    made, due = 0, 0.0
    for number, weight in enumerate(weights):
        due += weight * share
        name = _name(subdir, number)
        for build in range(round(due) - made):
            version = f"{build // 24}.{build // 4 % 6}.{build % 4}"
            string = f"py31{build % 4}h{number % 4096:03x}{build:04x}_{build % 4}"
            stem = f"{name}-{version}-{string}"
            digest = hashlib.sha256(stem.encode()).hexdigest()
            yield (
                f'"{stem}.conda":{{"build":"{string}","build_number":{build % 4},{draw.choice(depends)},'
                f'"license":"BSD-3-Clause","license_family":"BSD","md5":"{digest[:32]}","name":"{name}",{noarch}'
                f'"sha256":"{digest[::-1]}","size":{number * 1000 + build},"subdir":"{subdir}",'
                f'"timestamp":{1_600_000_000_000 + number * 1_000_000 + build},"version":"{version}"}}'
            )
        made = round(due)


def _name(subdir: str, number: int) -> str:
    return f"{'pure' if subdir == 'noarch' else 'native'}-package-{number:05}"


def _depends(draw: random.Random) -> str:
    """A `depends` of the length that real records have (6.7 on average)."""
    found = [f"native-package-{draw.randrange(800):05} >={draw.randrange(9)}.{draw.randrange(30)},<10.0a0"]
    found += [f"lib-{draw.randrange(_USED):03} >=1.{draw.randrange(20)}" for _ in range(draw.choice((1, 2, 4, 6, 12)))]
    return f'"depends":{json.dumps([*found, "python >=3.12,<3.13.0a0"], separators=(",", ":"))}'


def _write_shards(place: Path, subdir: str, records: Mapping[str, dict[str, Any]], packages: int) -> int:
    """Write the index of all packages and the shards of `records`; return how many packages the index lists."""
    place.mkdir(parents=True)
    shards = {n: hashlib.sha256(n.encode()).digest() for n in (_name(subdir, number) for number in range(packages))}
    by_name: dict[str, dict[str, Any]] = {}
    for filename, record in records.items():
        as_bytes = {k: bytes.fromhex(v) if k in ("md5", "sha256") else v for k, v in record.items()}
        by_name.setdefault(record["name"], {})[filename] = as_bytes
    packer = zstandard.ZstdCompressor(level=3)
    for name, found in by_name.items():
        shard = packer.compress(msgpack({"packages": {}, "packages.conda": found, "removed": []}))
        digest = hashlib.sha256(shard).digest()
        (place / f"{digest.hex()}.msgpack.zst").write_bytes(shard)
        shards[name] = digest
    info = {"subdir": subdir, "base_url": "", "shards_base_url": "", "created_at": "2026-01-01T00:00:00Z"}
    index = msgpack({"info": info, "version": 1, "shards": shards})
    (place / "repodata_shards.msgpack.zst").write_bytes(packer.compress(index))
    return len(shards)
