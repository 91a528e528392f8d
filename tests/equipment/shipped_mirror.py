"""Indexes and a channel on this machine with the records of the shipped locks of linux-64, and of one package more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from envgen.core.locks import PipLock
from envgen.core.sites import TORCH
from envgen.core.wheel_names import file_name
from envgen.files.bodies import read_conda
from envgen.files.reading import split
from envgen.files.registry import CONDA_LOCK, PYLOCK
from envgen.net.deadline import Deadline
from envgen.verify.findings import Asking
from equipment.conda_channel import Row, write_channel
from equipment.damage import CONDA_IDNA, IDNA
from equipment.lock_damage import SHIPPED
from equipment.wheel_index import ServedWheel, WheelIndex, metadata_of

LOCKS = SHIPPED / "linux-64" / "py3.12"
Wheels = dict[str, list[ServedWheel]]


def shipped_wheels() -> Wheels:
    """Path prefix (`/whl/cu126`, `/simple`) -> the wheels there, each with its real name, hash and size."""
    served: dict[str, dict[str, ServedWheel]] = {}
    for path in sorted(LOCKS.glob(f"*/{PYLOCK.one}")):
        lock: PipLock = PYLOCK.read(split(path.read_text("utf-8"))[1], PYLOCK.one)
        for one in (*lock.packages, IDNA):
            filename = file_name(one.url)
            prefix = f"/whl{one.index.removeprefix(TORCH)}" if one.index.startswith(TORCH) else "/simple"
            served.setdefault(prefix, {})[filename] = ServedWheel(
                filename=filename,
                sha256=one.sha256,
                size=one.size,
                metadata=metadata_of(filename, one.dependencies),
                folder=urlsplit(one.url).path.rpartition("/")[0] if prefix == "/simple" else "",
            )
    return {prefix: list(wheels.values()) for prefix, wheels in served.items()}


def write_shipped_channel(root: Path) -> Path:
    """conda-forge below `root` with the packages of the shipped locks; returns `root`."""
    rows = {"": CONDA_IDNA}
    for folder in sorted(path.parent for path in LOCKS.glob(f"*/{CONDA_LOCK.one}")):
        for lock in read_conda({path.name: split(path.read_text("utf-8"))[1] for path in folder.iterdir()}):
            rows |= {
                one.url: Row(
                    name=one.name,
                    version=one.version,
                    build=one.build,
                    depends=one.depends,
                    subdir=one.subdir,
                    md5=one.md5,
                    sha256=one.sha256,
                )
                for one in lock.packages
            }
    write_channel(root / "conda-forge", rows.values())
    return root


@contextmanager
def shipped_mirror(folder: Path) -> Iterator[Asking]:
    """What verify asks in place of PyTorch's indexes, PyPI and conda-forge until the block ends."""
    with WheelIndex(wheels=shipped_wheels()).running() as index:
        yield Asking(
            wheels=index.url("/whl"),
            pypi=index.url("/simple"),
            conda=str(write_shipped_channel(folder)),
            deadline=Deadline.after(3600.0),
        )
