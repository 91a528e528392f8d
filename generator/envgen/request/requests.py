"""What reading options gives: the requests, one for each platform, and the notices of the look-up."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.request import Request, RequestedGpu
from envgen.core.resolution import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests, one for each platform in the order given, and what the look-up wants the user to know."""

    requests: tuple[Request, ...]
    notices: tuple[Notice, ...]


def distinct(gpus: Iterable[RequestedGpu]) -> tuple[RequestedGpu, ...]:
    """The GPUs of a request, each model once: two spellings, or eight boards of a host, ask for the same files."""
    models: dict[tuple[str, ComputeCapability], RequestedGpu] = {}
    for requested in gpus:
        models.setdefault((requested.gpu.name, requested.gpu.capability), requested)
    return tuple(models.values())
