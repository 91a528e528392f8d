"""GPUs of other vendors: told by a word or a PCI vendor id before any number is looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from envgen.core.dataclass import dataclass
from envgen.gpus.index import GpuTables


class SignKind(StrEnum):
    """How a sign of `vendor_signs.csv` is looked for."""

    PART = "part"
    WORD = "word"
    WHOLE = "whole"
    NUMBER = "number"
    PCI = "pci"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor and what to use PyTorch with on its GPUs."""

    name: str
    advice: str


def other_vendor(tables: GpuTables, spaced: str, raw: str) -> Vendor | None:
    """Return the vendor that the text names, or None.

    `spaced` is the text as `names.words` gives it; `raw` is the text itself in lower case, for PCI vendor ids.
    """
    has_id = ":" in raw or "ven_" in raw
    pci = re.findall(r"(?:ven_|(?<![0-9a-f]))([0-9a-f]{4})(?:&dev_|:)[0-9a-f]{4}(?![0-9a-f])", raw) if has_id else ()
    signs = [row for row in tables.vendor_signs if _shows(SignKind(row["kind"]), row["sign"], spaced, pci)]
    if not signs:
        return None
    # A part of a vendor's GPUs (Intel's Arc) has a row of its own; its sign counts before the vendor's name.
    parts = {row["vendor"] for row in tables.read("vendors") if row["shown"]}
    return vendor_named(tables, next((s["vendor"] for s in signs if s["vendor"] in parts), signs[0]["vendor"]))


def _shows(kind: SignKind, sign: str, spaced: str, pci: Sequence[str]) -> bool:
    if kind is SignKind.PART:
        return sign in spaced
    if kind is SignKind.WORD:
        return f" {sign} " in spaced
    if kind is SignKind.WHOLE:
        return f" {sign} " == spaced
    if kind is SignKind.PCI:
        return sign in pci
    start = spaced.find(f" {sign}")
    return start >= 0 and spaced[start + 1 + len(sign) :].lstrip()[:1].isdigit()


def vendor_named(tables: GpuTables, name: str) -> Vendor:
    """The vendor of a row of `vendors.csv`."""
    row = next(row for row in tables.read("vendors") if row["vendor"] == name)
    return Vendor(name=row["shown"] or name, advice=row["advice"])
