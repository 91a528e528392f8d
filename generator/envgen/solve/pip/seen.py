"""What PyTorch's index listed for a query, kept as a guess for the next solve, which looks while uv works on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.json_text import parse_json
from envgen.facts.wheels import TorchPin
from envgen.net.cache import cache_folder, keep_file
from envgen.solve.pip.query import PipQuery, asked_sometimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What an index says of a query: torch and its companions as the files are named (`torch==2.14.1+cu126`), the pins
    that torch's metadata leaves open, and which of the packages that it has only sometimes it has.
    """

    requirements: tuple[str, ...]
    pins: tuple[TorchPin, ...]
    sometimes: tuple[str, ...]


def seen_before(query: PipQuery, pins: Sequence[TorchPin]) -> Listed | None:
    """What was listed when it was last looked at, of the `pins` of the table; None when nothing is known of it."""
    try:
        document = parse_json(_place(query).read_bytes())
        requirements, names, sometimes = (
            tuple(map(str, document[key])) for key in ("requirements", "pins", "sometimes")
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Listed(
        requirements=requirements, pins=tuple(pin for pin in pins if pin.package in names), sometimes=sometimes
    )


def remember(query: PipQuery, listed: Listed) -> None:
    """Keep what an index listed."""
    document = {
        "requirements": listed.requirements,
        "pins": [pin.package for pin in listed.pins],
        "sometimes": listed.sometimes,
    }
    keep_file(_place(query), json.dumps(document))


def wheels_of_last(query: PipQuery) -> Path:
    """Where the wheels of the lock that was made last for a query are noted: most will be in the next one."""
    return _place(query).with_suffix(".wheels")


def _place(query: PipQuery) -> Path:
    """The file of a query; what else is asked for beside torch changes nothing, unless the index may have it, too."""
    asked = replace(query, extras=asked_sometimes(query.extras), constraints=(), sources=())
    return cache_folder() / "listed" / f"{hashlib.sha256(repr(asked).encode()).hexdigest()[:32]}.json"
