"""NVIDIA driver versions and branches."""

from __future__ import annotations

from typing import Self

from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.patterns import Pattern

# The version of a driver as Windows shows it, of whatever vendor.
FOUR_FIELDS = Pattern(r"(?<![0-9a-z.])([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{2,5})\.([0-9]{1,5})(?![0-9.])")


@dataclass(frozen=True, slots=True)
class DriverVersion:
    """A driver version such as 570.133.20 (Linux) or 560.94 (Windows), or a bare branch such as 535.

    `parts` holds the numbers as written, one to three of them.
    """

    parts: tuple[int, ...]
    text: str

    @classmethod
    def parse(cls, text: str, *, origin: str = "") -> Self:
        """Return the version written as `NNN`, `NNN.NN` or `NNN.NN.NN`; a leading `R` or `v` is allowed.

        Raises: ValueFormatError for anything else.
        """
        stripped = text.strip()
        plain = stripped[1:] if stripped[:1] in ("R", "r", "v", "V") else stripped
        pieces = plain.split(".")
        good = 1 <= len(pieces) <= 3 and all(p.isascii() and p.isdigit() and len(p) <= 4 for p in pieces)
        if not good or int(pieces[0]) < 100:
            expected = "three digits and optional parts, such as 560.94, 570.133.20 or 535"
            raise ValueFormatError(kind="driver version", value=text, expected=expected, origin=origin)
        return cls(tuple(int(p) for p in pieces), plain)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The version, or None for what a program prints where it has none (`N/A` on Jetson Orin)."""
        try:
            return cls.parse(text)
        except ValueFormatError:
            return None

    @property
    def branch(self) -> int:
        """The number in front of the first dot: 570 of 570.133.20."""
        return self.parts[0]

    @property
    def is_bare_branch(self) -> bool:
        """True when only a branch is known, such as 535."""
        return len(self.parts) == 1

    def meets_floor(self, floor: DriverVersion) -> bool:
        """True when this driver is at or above a compatibility floor.

        A bare branch meets the floor of its own branch (the design's rule: `--driver 535` means some release of R535).
        """
        if self.is_bare_branch:
            return self.branch >= floor.branch
        return self.parts >= floor.parts

    def serves_toolkit(self, minimum: DriverVersion) -> bool:
        """True at or above a toolkit's own minimum. A bare branch proves nothing inside its branch."""
        if self.is_bare_branch:
            return self.branch > minimum.branch
        return self.parts >= minimum.parts

    def __str__(self) -> str:
        return self.text


def windows_number(text: str) -> str:
    """NVIDIA's number in the four fields that Windows shows (32.0.15.6094 is 560.94), or empty when it isn't NVIDIA's.

    The last digit of the third field and the fourth, padded to four digits. Intel's and AMD's have the same look, but a
    third field of three to five digits, and before Windows 10's 2020 releases (30.0) other numbers in front of it.
    """
    found = FOUR_FIELDS.fullmatch(text.strip())
    if not found or len(found[3]) != 2 or len(found[4]) > 4:
        return ""
    first, second = int(found[1]), int(found[2])
    if not (first >= 30 or second == 21 or (second in (15, 17, 18) and found[3] in ("11", "12", "13"))):
        return ""
    digits = found[3][-1] + found[4].zfill(4)
    return f"{digits[:3]}.{digits[3:]}" if digits[0] != "0" else ""
