"""What the tests of the GPU look-up share."""

from __future__ import annotations

from functools import cache

from envgen.core.gpus import Match, MatchKind
from envgen.gpus.catalog import GpuCatalog


@cache
def catalog() -> GpuCatalog:
    """One catalog for all tests: it only ever answers questions."""
    return GpuCatalog.load()


def outcome(match: Match) -> str:
    """An answer in one line: `8.9`, `2.1|3.5` for candidates, the vendor's name, or `unknown`."""
    if match.kind is MatchKind.EXACT:
        assert match.gpu is not None
        return str(match.gpu.capability)
    if match.kind is MatchKind.AMBIGUOUS:
        return "|".join(dict.fromkeys(str(candidate.capability) for candidate in match.candidates))
    return match.vendor or "unknown"


def ask(text: str) -> str:
    """The outcome of looking a text up."""
    return outcome(catalog().match(text))
