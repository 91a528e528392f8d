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

    def __init__(self, match: Match, headline: str, *facts: str, hint: str = "") -> None:
        super().__init__(headline, *facts, hint=hint)
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

    def __init__(self, match: Match) -> None:
        closest = f"closest names: {', '.join(match.suggestions)}" if match.suggestions else ""
        facts = filter(None, (closest, *match.notes))
        super().__init__(match, f"no GPU named {quoted(match.query)} in the catalog", *facts)

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
        count = len(match.candidates)
        facts = (
            f"{c.name} is {c.capability}" + (f" ({c.detail})" if c.detail else "") + (f": {then}" if then else "")
            for c, then in zip(match.candidates, outcomes or [""] * count, strict=True)
        )
        headline = f"{quoted(match.query)} can mean {count} GPUs with different compute capabilities"
        super().__init__(match, headline, *facts, hint=PCI_ID_HINT)


class OtherVendorError(_GpuError):
    """The text names a GPU that is not NVIDIA's."""

    code = "other-vendor"

    def __init__(self, match: Match) -> None:
        super().__init__(
            match,
            f"{quoted(match.query)} is not an NVIDIA GPU (vendor: {match.vendor})",
            "envgen pairs NVIDIA GPUs with CUDA builds; no CUDA build runs on it",
            hint=match.advice,
        )


def match_error(match: Match, outcomes: Sequence[str] = ()) -> NoPairingError:
    """The error for a look-up that did not end in exactly one GPU."""
    if match.vendor:
        return OtherVendorError(match)
    return GpuAmbiguousError(match, outcomes) if match.candidates else GpuUnknownError(match)
