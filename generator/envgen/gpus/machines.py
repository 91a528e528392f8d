"""What holds a GPU: instance types of clouds, what Slurm and Kubernetes call one, and graphics cards' model codes.

They are read by their own patterns before any name is looked for: `a2-highgpu-1g` is no A2, `gpu:a100:4` is an A100.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from envgen.gpus.index import GpuTables
from envgen.gpus.text import GpuText

# In a pattern, `#` is a number, `*` any letters and `SIZE` an AWS size; `_` and `-` may be written as spaces.
_PATTERN_PARTS = {
    "#": "[0-9]+",
    "*": "[a-z]*",
    ".": r"\.",
    "_": "[ _-]",
    "-": "[ _-]",
    "SIZE": r"(?:[0-9]*x?large|medium|small|micro|nano|metal(?:-[0-9]+xl)?)",
}
_SLICE = r"(?:mig-)?[0-9]g\.[0-9]{1,3}gb(?:\.me)?(?:\+me)?"
_SCHEDULER = (
    r"\bnvidia\.com/(?:gpu\.)?(?:product|model|class) ?[=:] ?\"?([a-z][\w.-]*)"
    r"|\bgke-accelerator ?[=:] ?\"?([a-z][\w.-]*)"
    r"|--accelerator[= ](?:count=[0-9]+,)?type=([a-z][\w-]*)"
    r"|\bgres/gpu:([a-z][\w.-]*)"
    r"|\baccelerators? ?[:=] ?\"?([a-z][\w.-]*)(?=[:\" ]|$)"
    r"|--gpus(?:-per-\w+)?[= ]([a-z][\w.-]*)(?=:|$)"
    r"|\bgpu:([a-z][\w.-]*)|(?:--constraint[= ]|(?<![\w-])-c )[\"'(\[]*([a-z][^\"'\s]*)|(?:^| )-g ([a-z][\w.-]*)"
    r"|\b(?:gpu_?(?:type|model|name)|gmodel) ?[=:] ?\"?([a-z][\w.-]*)"  # PBS, Grid Engine; LSF
    r"|^([a-z][a-z0-9-]*[0-9][a-z0-9-]*):[0-9]{1,2}$"
)
_COUNT = r"(?:--)?(?:gres[=/:])?gpus?(?:-per-\w+)?[:=][0-9]+|nvidia\.com/gpu[=: ]+[0-9]+"


class Machines:
    """Reads machines' names with one set of tables."""

    def __init__(self, tables: GpuTables) -> None:
        self._tables = tables

    @cached_property
    def _instances(self) -> Sequence[tuple[dict[str, str], int]]:
        """The rows of instance types, the longest pattern first: `nd40rs_v2` is not read as `nd40rs`."""
        return sorted(self._tables.instance_types, key=lambda entry: -len(entry[0]["pattern"]))

    @cached_property
    def _instance(self) -> re.Pattern[str]:
        """One pattern for all instance types: the group that matched is the number of the row."""
        alternatives = "|".join(f"({instance_pattern(row['pattern'])})" for row, _ in self._instances)
        return re.compile(rf"(?<![a-z0-9._-])(?:{alternatives})(?![a-z0-9_])")

    def instance_types(self, lowered: str) -> tuple[Sequence[tuple[dict[str, str], int]], str]:
        """The rows of all instance types in a text (with the row of each one's GPU), and the text without them."""
        if not re.search(r"[._-]|[0-9s]x[0-9]|\bn[cdv]|\baws |\bec2 | (?:small|medium|large)\b", lowered):
            return (), lowered
        rows = [self._instances[(found.lastindex or 1) - 1] for found in self._instance.finditer(lowered)]
        return rows, self._instance.sub(" ", lowered).strip(" ()[],;+") if rows else lowered

    def product_code(self, text: GpuText) -> GpuText | None:
        """The text with a graphics card maker's model code made a name, or None without one that can be read."""
        if "-" not in text.lowered:
            return None
        device = text.device
        for pattern, meaning in self._tables.product_codes:
            device = re.sub(rf"(?<![a-z0-9-]){pattern}", meaning, device)
        return text.narrowed(device, in_context=True) if device != text.device else None

    @staticmethod
    def scheduled(text: GpuText) -> GpuText | None:
        """The GPUs that a scheduler's word names, without counts, slices and what a device plugin adds."""
        found = [next(group for group in groups if group) for groups in re.findall(_SCHEDULER, text.lowered)]
        values = [value for one in found for value in re.split(r"[|&,*()\[\]]+", one) if value]
        kinds = [re.sub(rf"[_.-]{_SLICE}$|-shared$|-replica$|-mig-.*$", "", value) for value in values]
        kinds = [kind for kind in kinds if not re.fullmatch(_SLICE, kind)]
        return text.narrowed(" , ".join(dict.fromkeys(kinds)), in_context=True) if kinds else None

    @staticmethod
    def is_count(lowered: str) -> bool:
        """True for a scheduler's word that asks for any GPU."""
        return re.fullmatch(_COUNT, lowered) is not None

    @staticmethod
    def is_slice(lowered: str) -> bool:
        """True for a MIG slice without the card that it is a part of."""
        text = re.sub(r"^(?:nvidia\.com/|gpu:|[|0-9 ]+)", "", lowered.strip())
        return text.startswith("mig") or re.fullmatch(rf"{_SLICE}(?:[: ][0-9]+)?", text) is not None


def instance_pattern(pattern: str) -> str:
    """The regular expression of an instance type's row, for lower-case text."""
    pieces = re.split(r"(SIZE|[#*._-])", pattern)
    whole = "".join(_PATTERN_PARTS.get(piece, re.escape(piece)) for piece in pieces)
    family = pattern.removesuffix(".SIZE")
    return whole if family == pattern else f"{whole}|(?:(?<=aws )|(?<=ec2 )){re.escape(family)}"
