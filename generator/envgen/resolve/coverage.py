"""Which code of an arch list runs on a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from envgen.core.capability import ArchCode, CodeKind, ComputeCapability, parse_arch_list
from envgen.core.gpus import Gpu
from envgen.core.releases import release_key

# PyTorch's own table of exceptions to "same major, minor not above": DEVICE_REQUIREMENT in torch/cuda/__init__.py of
# the 2.15.0 wheel (read 2026-11-24). SASS capability -> capabilities that it does not run on.
_EXCLUDED: dict[tuple[int, int], frozenset[tuple[int, int]]] = {
    (5, 0): frozenset({(5, 3)}),
    (5, 2): frozenset({(5, 3)}),
    (6, 0): frozenset({(6, 2)}),
    (6, 1): frozenset({(6, 2)}),
    (7, 0): frozenset({(7, 2)}),
    (8, 0): frozenset({(8, 7)}),
    (8, 6): frozenset({(8, 7)}),
    (10, 0): frozenset({(10, 1)}),
}
# The second table of the same file, DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION, holds for CUDA 13.2 and newer
# (2.14.0, 2.14.1 and 2.15.0; pytorch/pytorch#186285): there 7.0, 8.0 and 8.6 have no exception.
_UNIFIED = 13, 2
_UNIFIED_EXCLUDED = {built: lacks for built, lacks in _EXCLUDED.items() if built not in {(7, 0), (8, 0), (8, 6)}}
# The Tegra parts whose SASS runs on that capability only (same source).
_ONLY_ITSELF = frozenset({(5, 3), (6, 2), (7, 2), (8, 7)})
# One chip under two numbers: sm_101 in CUDA 12.8 and 12.9 is sm_110 from CUDA 13.0 (ptxas of both, 2026-11-24).
_RENUMBERED = frozenset({(10, 1), (11, 0)})


def code_for(codes: Sequence[ArchCode], gpu: Gpu, cuda: str) -> ArchCode | None:
    """Return the entry of an arch list that a GPU will run: the nearest SASS, else the nearest PTX, else None.

    `cuda` is the toolkit of the build, empty where nobody knows it: since 13.2 it also decides for a Jetson.
    """
    return _nearest(codes, gpu.capability, is_unified=is_unified(cuda))


def is_unified(cuda: str) -> bool:
    """True for a toolkit (X.Y or X.Y.Z) from CUDA 13.2 on, which has one target for Jetson and for Arm servers."""
    return bool(cuda) and release_key(cuda) >= _UNIFIED


@lru_cache(maxsize=4096)
def code_in(arch_list: str, capability: ComputeCapability, *, is_unified: bool) -> ArchCode | None:
    """The same by the text of an arch list. Remembered: hundreds of builds share a few dozen lists."""
    return _nearest(parse_arch_list(arch_list), capability, is_unified=is_unified)


def _nearest(codes: Sequence[ArchCode], capability: ComputeCapability, *, is_unified: bool) -> ArchCode | None:
    excluded = _UNIFIED_EXCLUDED if is_unified else _EXCLUDED
    running = (code for code in codes if _runs(code, capability, excluded))
    return max(running, default=None)  # SASS sorts above PTX


def _runs(
    code: ArchCode, device: ComputeCapability, excluded: Mapping[tuple[int, int], frozenset[tuple[int, int]]]
) -> bool:
    built, have = (code.capability.major, code.capability.minor), (device.major, device.minor)
    if code.suffix == "a":  # architecture-specific: that capability and no other, SASS and PTX alike
        return built == have
    if code.suffix == "f":  # family-specific: the same major from that minor up
        return built[0] == have[0] and built[1] <= have[1]
    if code.kind is CodeKind.PTX:
        return built <= have
    if built in _RENUMBERED:
        return have in _RENUMBERED
    if built[0] != have[0] or built[1] > have[1]:
        return False
    return built == have or (built not in _ONLY_ITSELF and have not in excluded.get(built, frozenset()))
