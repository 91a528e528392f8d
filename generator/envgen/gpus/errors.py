"""Errors about GPUs that cannot be told, and about fact tables that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from envgen.core.errors import NoPairingError, quoted

if TYPE_CHECKING:
    from envgen.core.gpus import Match

PCI_ID_HINT = (
    "give the full name or the PCI id (Linux: `lspci -nn -d 10de:`; Windows: `Get-PnpDevice -Class Display | "
    "Select-Object FriendlyName, InstanceId`, or Device Manager, Details, Hardware Ids)"
)


class _GpuError(NoPairingError):
    """Built from a look-up that did not end in one GPU."""

    code = "gpu-unknown"

    def __init__(self, match: Match) -> None:
        super().__init__(match.query)
        self.match = match

    def details(self) -> Mapping[str, object]:
        candidates = [
            {"name": found.name, "compute_capability": str(found.capability), "detail": found.detail}
            for found in self.match.candidates
        ]
        return {
            "query": self.match.query,
            "candidates": candidates,
            "how_to_tell": self.match.how_to_tell,
            "suggestions": list(self.match.suggestions),
            "vendor": self.match.vendor,
        }


class GpuUnknownError(_GpuError):
    """No GPU of the catalog has that name or PCI id."""

    code = "gpu-unknown"

    def headline(self) -> str:
        return f"no GPU named {quoted(self.match.query)} in the catalog"

    def facts(self) -> tuple[str, ...]:
        closest = f"closest names: {', '.join(self.match.suggestions)}" if self.match.suggestions else ""
        return tuple(fact for fact in (closest, *self.match.notes) if fact)

    def hint(self) -> str:
        if self.match.notes:
            return "give one GPU's name alone, as `nvidia-smi -L` or Device Manager shows it, or its PCI id"
        first = self.match.suggestions[0] if self.match.suggestions else ""
        digits = "".join(c if c.isascii() and c.isdigit() else " " for c in first).split()
        number = next((found for found in digits if len(found) > 2), "")
        if not number:
            return "run `envgen gpus` to list the catalog, or pass --compute-capability"
        return f"run `envgen gpus {number}` to list matches, or pass --compute-capability"


class GpuAmbiguousError(_GpuError):
    """A name stands for several GPUs with different compute capabilities.

    `outcomes` says what each candidate leads to, in their order; it is empty where that was not asked.
    """

    code = "gpu-ambiguous"

    def __init__(self, match: Match, outcomes: Sequence[str] = ()) -> None:
        super().__init__(match)
        self.outcomes = outcomes

    def headline(self) -> str:
        count = len(self.match.candidates)
        return f"{quoted(self.match.query)} can mean {count} GPUs with different compute capabilities"

    def facts(self) -> tuple[str, ...]:
        outcomes = self.outcomes or [""] * len(self.match.candidates)
        return tuple(
            f"{c.name} is {c.capability}" + (f" ({c.detail})" if c.detail else "") + (f": {then}" if then else "")
            for c, then in zip(self.match.candidates, outcomes, strict=True)
        )

    def hint(self) -> str:
        return PCI_ID_HINT


class OtherVendorError(_GpuError):
    """The text names a GPU that is not NVIDIA's."""

    code = "other-vendor"

    def headline(self) -> str:
        return f"{quoted(self.match.query)} is not an NVIDIA GPU (vendor: {self.match.vendor})"

    def facts(self) -> tuple[str, ...]:
        return ("envgen pairs NVIDIA GPUs with CUDA builds; no CUDA build runs on it",)

    def hint(self) -> str:
        return self.match.advice


def match_error(match: Match, outcomes: Sequence[str] = ()) -> NoPairingError:
    """The error for a look-up that did not end in exactly one GPU."""
    if match.vendor:
        return OtherVendorError(match)
    return GpuAmbiguousError(match, outcomes) if match.candidates else GpuUnknownError(match)
