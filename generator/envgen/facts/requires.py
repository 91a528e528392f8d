"""What torch's wheels ask for, as far as their metadata was read: the Requires-Dist lines of PyPI's wheels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from envgen.core.dataclass import dataclass
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import once, read_table


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequires:
    """The metadata of one wheel. `cuda_tag` is that of its build, empty when it is no CUDA build."""

    torch: str
    cuda_tag: str
    name: WheelName
    requires: tuple[str, ...]
    source: str


class RequiresCatalog:
    """The metadata that was read, by release."""

    def __init__(self, known: Iterable[KnownRequires]) -> None:
        self._known = tuple(known)

    @classmethod
    @once
    def load(cls) -> Self:
        """Read the table, once a process."""
        return cls(
            KnownRequires(
                torch=row["torch"],
                cuda_tag=word if (word := row["variant"].partition(" ")[0]).startswith("cu") else "",
                name=WheelName.parse(row["file"]),
                requires=tuple(row["requires_dist"].split(" || ")) if row["requires_dist"] else (),
                source=row["source"],
            )
            for row in read_table("torch_requires")
        )

    def of(self, torch: str) -> tuple[KnownRequires, ...]:
        """What was read of a release's wheels, whatever their platform and build."""
        return tuple(known for known in self._known if known.torch == torch)
