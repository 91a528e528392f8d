"""Torch, torchvision and torchaudio wheels of the CUDA indexes with known hashes, and what Linux builds were made with.

A hash comes from lock files that public repositories committed; it is never taken from PyTorch's test index, whose
release candidates carry a release's own file names with other bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Self, TypeVar

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import once, read_table

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWheel:
    """One wheel of a CUDA index. `sha256` is empty when only the name is known; `size` is None when not stated.

    `sightings` counts the lock files that agree on the hash.
    """

    index: str
    name: WheelName
    sha256: str
    size: int | None
    sightings: int
    source: str
    note: str


class WheelCatalog:
    """All wheels that the project knows by name, by file name and by what they are for.

    A name is taken apart when it is asked for: a lock asks for a few of some thousands.
    """

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._by_filename = _grouped((row["filename"], row) for row in rows)

    @classmethod
    @once
    def load(cls) -> Self:
        """Read the table, once a process."""
        return cls(read_table("wheels"))

    @cached_property
    def _by_release(self) -> Mapping[tuple[str, str, str], list[KnownWheel]]:
        wheels = (_known_wheel(row) for group in self._by_filename.values() for row in group)
        return _grouped(((wheel.index, wheel.name.project, wheel.name.release), wheel) for wheel in wheels)

    def find(self, filename: str, *, index: str = "") -> tuple[KnownWheel, ...]:
        """The wheels of that file name, of one index if given.

        Early aarch64 wheels have no local version, so that one name stands for different files on several indexes.
        """
        found = self._by_filename.get(filename, [])
        return tuple(_known_wheel(row) for row in found if not index or row["index"] == index)

    def known(  # noqa: PLR0913 -- a wheel is known by all of these
        self, project: str, version: str, *, index: str, subdir: Subdir, python: str, glibc: str = "2.28"
    ) -> KnownWheel | None:
        """The wheel of a release for a host, or None. `version` is public (2.14.1) or has the index's local part.

        One with a hash is preferred to one that is known by name only.
        """
        release, _, local = version.partition("+")
        fitting = [
            wheel
            for wheel in self._by_release.get((index, project, release), [])
            if wheel.name.fits(python=python, subdir=subdir, glibc=glibc) and (not local or wheel.name.local == local)
        ]
        return max(fitting, key=lambda w: (bool(w.sha256), w.sightings), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchPin:
    """A package version that a Linux build of torch was published with.

    `basis` says how it is known: metadata (the wheel's own), manifest (a tested set of files), build-script, lock
    (solved against the wheel's metadata), report (a public user's output), or taken: a lock or a tested set of files
    has it, where the metadata of the release states a range.
    """

    package: str
    version: str
    basis: str
    source: str

    @property
    def is_exact(self) -> bool:
        """True when torch asks for that version, False when it asks for a range."""
        return self.basis != "taken"


class TorchPins:
    """The versions of nvidia-*, cuda-* and triton that builds of torch were published with, as far as a source says."""

    def __init__(self, pins: Mapping[tuple[str, str, Subdir], list[TorchPin]]) -> None:
        self._pins = pins

    @classmethod
    @once
    def load(cls) -> Self:
        """Read the table, once a process."""
        return cls(
            _grouped(
                (
                    (row["torch"], row["cuda_tag"], Subdir(row["subdir"])),
                    TorchPin(package=row["package"], version=row["version"], basis=row["basis"], source=row["source"]),
                )
                for row in read_table("torch_pins")
            )
        )

    def of(self, torch: str, cuda_tag: str, subdir: Subdir) -> tuple[TorchPin, ...]:
        """The pins of one build, by package name; none on Windows, where the wheel holds the libraries itself."""
        return tuple(self._pins.get((torch, cuda_tag, subdir), []))


def _known_wheel(row: Mapping[str, str]) -> KnownWheel:
    return KnownWheel(
        index=row["index"],
        name=WheelName.parse(row["filename"]),
        sha256=row["sha256"],
        size=int(row["size"]) if row["size"] else None,
        sightings=int(row["sightings"]),
        source=row["source"],
        note=row["note"],
    )


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
