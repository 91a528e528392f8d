"""The fewest sets that cover everything, found exactly. Sets are bits of a number: the work is on machines' kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def fewest(masks: Iterable[int], universe: int) -> tuple[int, ...]:
    """Return as few of the masks as can be whose union is the universe; nothing when all of them don't cover it.

    Exact: what is left out of the search is a mask inside another one, and an element that is covered whenever another
    one is. Of several answers the one with the larger masks first, so that the same input gives the same answer.
    """
    whole = _largest(mask & universe for mask in masks)
    if universe & ~_union(whole):
        return ()
    count = 0
    while (found := _search(whole, _deciding(whole, universe), count)) is None:
        count += 1
    return found


def _search(masks: Sequence[int], left: int, count: int) -> tuple[int, ...] | None:
    """A cover of what is left by at most so many masks, or None."""
    if not left:
        return ()
    if not count or left.bit_count() > count * max((left & mask).bit_count() for mask in masks):
        return None
    bits = (1 << place for place in range(left.bit_length()) if left >> place & 1)
    hardest = min(bits, key=lambda bit: sum(bool(mask & bit) for mask in masks))
    tried: list[int] = []
    for mask in (mask for mask in masks if mask & hardest):
        useful = mask & left
        if any(useful & ~before == 0 for before in tried):
            continue  # one that was tried covers as much of it
        tried.append(useful)
        if (found := _search(masks, left & ~mask, count - 1)) is not None:
            return (mask, *found)
    return None


def _deciding(masks: Sequence[int], universe: int) -> int:
    """The elements that decide: each other one is in every mask that one of these is in."""
    kept = universe
    inside = {1 << place: [at for at, mask in enumerate(masks) if mask >> place & 1] for place in _places(universe)}
    for bit, own in inside.items():
        others = (other for other in inside if other != bit and kept & other)
        if any({*inside[other]} <= {*own} for other in others):
            kept &= ~bit
    return kept


def _largest(masks: Iterable[int]) -> list[int]:
    """The masks that are not inside another one, the largest first."""
    found: list[int] = []
    for mask in sorted({*masks}, key=lambda mask: (-mask.bit_count(), mask)):
        if mask and not any(mask & ~other == 0 for other in found):
            found.append(mask)
    return found


def _places(mask: int) -> list[int]:
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


def _union(masks: Iterable[int]) -> int:
    every = 0
    for mask in masks:
        every |= mask
    return every
