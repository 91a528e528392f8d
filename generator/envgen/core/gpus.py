"""GPUs as the catalog knows them, and the answers a look-up by name can give."""

from __future__ import annotations

from enum import StrEnum

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU with exactly one compute capability.

    `name` is the driver's name without "NVIDIA"; `pci_ids` are device ids of vendor 10de in lower case.
    `renumbered` is the capability that older toolkits use for the same chip (10.1 of Jetson Thor's 11.0), or None.
    `only_subdir` is the one platform that it is built into, whatever its capability (GB200 beside Grace), or None.
    """

    name: str
    capability: ComputeCapability
    architecture: str
    chip: str = ""
    segment: str = ""
    pci_ids: tuple[str, ...] = ()
    renumbered: ComputeCapability | None = None
    only_subdir: Subdir | None = None

    @classmethod
    def of_capability(cls, capability: ComputeCapability, name: str = "", architecture: str = "") -> Gpu:
        """A GPU of which the compute capability is known, and perhaps the name: any of that capability without one."""
        return cls(name=name or _unnamed(capability), capability=capability, architecture=architecture)

    @property
    def is_named(self) -> bool:
        """False when its compute capability is all that is known of it."""
        return self.name != _unnamed(self.capability)


def _unnamed(capability: ComputeCapability) -> str:
    return f"compute capability {capability}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One of several GPUs that a name can mean, and how to tell it apart."""

    name: str
    capability: ComputeCapability
    detail: str = ""


class MatchKind(StrEnum):
    """How a look-up ended."""

    EXACT = "exact"
    AMBIGUOUS = "ambiguous"
    OTHER_VENDOR = "other-vendor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The answer to one look-up.

    EXACT fills `gpu` (and `notes` with what a user should know, such as a rare namesake); AMBIGUOUS fills
    `candidates`, `how_to_tell` and `may_agree` (True when the same decision for all candidates settles it);
    OTHER_VENDOR fills `vendor` and `advice`; UNKNOWN fills `suggestions`, which are never picked for the user.
    """

    kind: MatchKind
    query: str
    gpu: Gpu | None = None
    candidates: tuple[Candidate, ...] = ()
    how_to_tell: str = ""
    may_agree: bool = False
    vendor: str = ""
    advice: str = ""
    suggestions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
