"""Plain release numbers (2.14.1, 12.8, 3.12) as comparable tuples, without importing packaging."""

from __future__ import annotations

import re
from functools import lru_cache

from envgen.core.errors import ValueFormatError

# What stands for a CUDA tag in the name of a build without CUDA, and for `--cuda` in the CPU lane.
CPU = "cpu"


@lru_cache(maxsize=4096)
def release_key(text: str) -> tuple[int, ...]:
    """Return the numbers of a plain dotted release, for comparing.

    Raises: ValueFormatError when a part is not a number.
    """
    parts = text.split(".")
    if not all(p.isascii() and p.isdigit() for p in parts):
        raise ValueFormatError(kind="release number", value=text, expected="dotted numbers, such as 2.14.1")
    return tuple(int(p) for p in parts)


def is_newer(one: str, other: str) -> bool:
    """Return whether the X.Y of a release is above another's; what is no plain release is not."""
    plain = r"\d+\.\d+(\.\d+)?"
    both = re.fullmatch(plain, one) and re.fullmatch(plain, other)
    return bool(both) and release_key(one)[:2] > release_key(other)[:2]


def first_of_major(cuda: str) -> str:
    """Return the first release of a CUDA version's major: `12.0` of `12.6`."""
    return f"{cuda.partition('.')[0]}.0"


def cuda_of_tag(tag: str) -> str:
    """Return the toolkit's major.minor of a CUDA tag: `12.6` of `cu126`; `cpu` stays what it is."""
    if tag == CPU:
        return CPU
    digits = tag.removeprefix("cu")
    return f"{digits[:-1]}.{digits[-1]}"


def major_of_tag(tag: str) -> int:
    """Return the CUDA major of a tag: 12 of `cu126`, 0 of `cpu` and of what is no CUDA tag."""
    return int(tag.removeprefix("cu")[:-1]) if tag.startswith("cu") else 0


def tag_of_cuda(cuda: str) -> str:
    """Return the CUDA tag of a toolkit version: `cu126` of `12.6` or `12.6.3`."""
    return "cu" + "".join(cuda.split(".")[:2])
