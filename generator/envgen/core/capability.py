"""Compute capabilities, and the machine code (SASS) or intermediate code (PTX) that a build carries for them.

Both are named tuples: they are compared and looked up thousands of times in one decision.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self

from envgen.core.errors import ValueFormatError


class ComputeCapability(NamedTuple):
    """The compute capability of a GPU, such as 8.9. Ordered by number; an order says nothing about compatibility."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the capability written as `X.Y`.

        Raises: ValueFormatError when the text is not two plain numbers.
        """
        major, dot, minor = text.strip().partition(".")
        if not (dot and _is_number(major) and _is_number(minor)) or len(major) > 3 or len(minor) > 2:
            raise ValueFormatError(kind="compute capability", value=text, expected="X.Y, such as 7.5")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class CodeKind(StrEnum):
    """What a build holds for an architecture."""

    SASS = "sass"
    PTX = "ptx"


class ArchCode(NamedTuple):
    """One entry of an arch list: `sm_86` (SASS) or `compute_90` (PTX); suffix `a` or `f`, or empty."""

    kind: CodeKind
    capability: ComputeCapability
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the entry written as `sm_NN`, `sm_NNa`, `sm_NNf` or `compute_NN`.

        Raises: ValueFormatError when it is none of these.
        """
        prefix, _, rest = text.partition("_")
        suffix = rest[-1] if rest[-1:] in ("a", "f") else ""
        digits = rest[: len(rest) - len(suffix)]
        if prefix not in ("sm", "compute") or not _is_number(digits) or not 2 <= len(digits) <= 3:
            raise ValueFormatError(kind="arch list entry", value=text, expected="sm_NN or compute_NN, such as sm_86")
        kind = CodeKind.SASS if prefix == "sm" else CodeKind.PTX
        return cls(kind, ComputeCapability(int(digits[:-1]), int(digits[-1])), suffix)

    def __str__(self) -> str:
        prefix = "sm" if self.kind is CodeKind.SASS else "compute"
        return f"{prefix}_{self.capability.major}{self.capability.minor}{self.suffix}"


@lru_cache(maxsize=1024)
def parse_arch_list(text: str) -> tuple[ArchCode, ...]:
    """Return the entries of an arch list as a build reports it: `sm_75 sm_80 compute_90`. Read once for each text.

    Raises: ValueFormatError when one of them is none.
    """
    return tuple(ArchCode.parse(entry) for entry in text.split())


def _is_number(text: str) -> bool:
    """True for ASCII digits only (`str.isdigit` accepts superscripts)."""
    return text.isascii() and text.isdigit()
