"""Where a lock may come from in one run: the folder's own pins, the shipped locks, the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.solve.extras import Extras


class Origin(StrEnum):
    """Where a lock came from."""

    KEPT = "kept"
    SHIPPED = "shipped"
    SOLVED = "solved"
    FALLBACK = "fallback"


def _silent(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of one run.

    `command` remakes this run's files. `pins` maps file name -> text of the untouched files of ours in the output
    folder; they are kept while the command in their header asks for the same beside torch. With `fresh` (`--upgrade`)
    neither they nor the shipped locks are taken before a solve was tried; they are still what is fallen back to.
    `shipped_root` is the `lockfiles` tree and `shipped` its locks. Without `may_solve` nothing but pins and shipped
    locks is used (`--offline`, `--check`); without `may_fall_back` an unreachable index is an error (`envgen lock`).
    """

    builds: Catalog
    shipped_root: Path
    shipped: tuple[Shipped, ...] = ()
    command: str = ""
    pins: Mapping[str, str] = field(default_factory=dict)
    extras: Extras = field(default_factory=Extras)
    conda_mirror: str = ""
    wheel_mirror: str = ""
    write_mirror: bool = False
    fresh: bool = False
    may_solve: bool = True
    may_fall_back: bool = True
    timeout_s: float = 300.0
    progress: Callable[[str], None] = _silent
