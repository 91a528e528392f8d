"""Shipped locks: what a folder of `lockfiles/` is, by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from envgen.core.platforms import Subdir


class Channel(StrEnum):
    """Which of the two package worlds a pairing belongs to."""

    PIP = "pip"
    CONDA = "conda"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """One shipped lock. `cuda` is a CUDA tag (`cu126`) for pip, the toolkit's major.minor (`12.8`) for conda."""

    channel: Channel
    subdir: Subdir
    python: str
    torch: str
    cuda: str

    @property
    def folder(self) -> PurePosixPath:
        """The folder of the lock, relative to `lockfiles/`."""
        if self.channel is Channel.PIP:
            name = f"pip-torch-{self.torch}-{self.cuda}"
        else:
            name = f"conda-pytorch-{self.torch}-cuda{self.cuda.replace('.', '')}"
        return PurePosixPath(self.subdir.value, f"py{self.python}", name)

    @property
    def label(self) -> str:
        """How the lock is named to people: `2.14.1+cu126`, or `2.10.0 cuda128`."""
        if self.channel is Channel.PIP:
            return f"{self.torch}+{self.cuda}"
        return f"{self.torch} cuda{self.cuda.replace('.', '')}"


_FOLDER = re.compile(
    r"(?P<subdir>[a-z0-9-]+)/py(?P<python>3\.\d+)/"
    r"(?:pip-torch-(?P<pip>[\d.]+)-(?P<tag>cu\d+)|conda-pytorch-(?P<conda>[\d.]+)-cuda(?P<cuda>\d+))"
)


def parse_shipped(folder: PurePosixPath) -> Shipped | None:
    """Return the shipped lock that a folder name (relative to `lockfiles/`) stands for, or None."""
    found = _FOLDER.fullmatch(folder.as_posix())
    if found is None or found["subdir"] not in {subdir.value for subdir in Subdir}:
        return None
    subdir, python = Subdir(found["subdir"]), found["python"]
    if found["pip"]:
        return Shipped(channel=Channel.PIP, subdir=subdir, python=python, torch=found["pip"], cuda=found["tag"])
    digits = found["cuda"]
    cuda = f"{digits[:-1]}.{digits[-1]}"
    return Shipped(channel=Channel.CONDA, subdir=subdir, python=python, torch=found["conda"], cuda=cuda)
