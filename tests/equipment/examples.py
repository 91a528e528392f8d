"""How many examples a property is tried with: fewer in the default run than where a merge is decided."""

from __future__ import annotations

from hypothesis import settings


def examples(count: int) -> int:
    """As many of `count` as the profile takes of a hundred: 30 in the default run, all in `poe proofs` and `search`."""
    taken = settings().max_examples
    return max(count * taken // 100, 5)
