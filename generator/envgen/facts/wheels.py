"""Torch, torchvision and torchaudio wheels of the CUDA indexes with known hashes, and what Linux builds were made with.

A hash comes from lock files that public repositories committed; it is never taken from PyTorch's test index, whose
release candidates carry a release's own file names with other bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Self, TypeVar

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.facts.tables import once, read_table

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWheel:
    """One wheel of a CUDA index. `sha256` is empty when only the name is known; `size` is None when not stated."""

    index: str
    sha256: str
    size: int | None
    source: str
    note: str


class WheelCatalog:
    """All wheels that the project knows, by file name."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._by_filename = _grouped((row["filename"], row) for row in rows)

    @classmethod
    @once
    def load(cls) -> Self:
        """Read the table, once a process."""
        return cls(read_table("wheels"))

    def find(self, filename: str, *, index: str = "") -> tuple[KnownWheel, ...]:
        """The wheels of that file name, of one index if given.

        Early aarch64 wheels have no local version, so that one name stands for different files on several indexes.
        """
        return tuple(
            KnownWheel(
                index=row["index"],
                sha256=row["sha256"],
                size=int(row["size"]) if row["size"] else None,
                source=row["source"],
                note=row["note"],
            )
            for row in self._by_filename.get(filename, [])
            if not index or row["index"] == index
        )


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


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
