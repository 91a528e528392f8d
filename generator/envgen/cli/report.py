"""A decision as text for people and as JSON for scripts (the keys of the JSON never change meaning)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from envgen.api.convert import decision
from envgen.core.resolution import Pairing, Rejection, Resolution
from envgen.resolve.errors import option_text

_SHOWN_REJECTIONS = 6


def resolution_json(resolution: Resolution, *, catalog: str, locked: dict[str, str | None]) -> dict[str, Any]:
    """The JSON object of one platform's decision: what Python callers get, and the shipped locks that run."""
    return {"schema_version": 1, **asdict(decision(resolution, catalog)), "locked": locked}


def resolution_text(resolution: Resolution, locked: dict[str, str | None]) -> str:
    """The decision for people: what, why, since which driver, and the builds that were passed over."""
    return "\n".join(_lines(resolution, locked)) + "\n"


def _lines(resolution: Resolution, locked: dict[str, str | None]) -> Iterator[str]:
    request = resolution.request
    for requested in request.gpus:
        gpu = requested.gpu
        yield f"{gpu.name}: compute capability {gpu.capability} ({gpu.architecture})"
    origin = f"driver {resolution.driver} ({request.driver_origin.value})"
    libc = "" if request.subdir.is_windows else f", glibc {request.glibc}"
    yield f"{request.subdir}, {origin}, Python {request.python}{libc}"
    yield ""
    yield from _pip_lines(resolution.pip)
    yield from _conda_lines(resolution.conda, resolution.request.python)
    yield from _locked_lines(resolution, locked)
    if resolution.rejected:
        yield ""
        yield from rejection_lines(resolution.rejected)
    if resolution.notices:
        yield ""
        yield from (f"note: {notice.text} [{notice.code}]" for notice in resolution.notices)


def _pip_lines(pairing: Pairing | None) -> Iterator[str]:
    if pairing is None:
        yield "pip    none: no wheel runs here"
        return
    build = pairing.build
    vision = f" with torchvision {pairing.torchvision}" if pairing.torchvision else ""
    audio = f" and torchaudio {pairing.torchaudio}" if pairing.torchaudio else ""
    yield f"pip    {build.label}{vision}{audio}, from {pairing.index_url}"
    yield f"       {code_words(pairing)}; driver {pairing.driver_floor} or newer; arch list: {build.evidence}"


def _conda_lines(pairing: Pairing | None, python: str) -> Iterator[str]:
    if pairing is None:
        yield "conda  none: no package runs here"
        return
    build = pairing.build
    glob = build.conda.glob_for(python)
    yield f"conda  pytorch {build.torch} ({glob}) with CUDA {build.cuda}, {build.conda.channels[0]}"
    yield f"       {code_words(pairing)}; driver {pairing.driver_floor} or newer; arch list: {build.evidence}"


def code_words(pairing: Pairing) -> str:
    """Which code runs: `runs as sm_75 (SASS)`."""
    parts = dict.fromkeys(f"{use.code} ({use.code.kind.value.upper()})" for use in pairing.code)
    return "runs as " + ", ".join(parts)


def _locked_lines(resolution: Resolution, locked: dict[str, str | None]) -> Iterator[str]:
    shown = [f"{channel} {label}" for channel, label in locked.items() if label]
    if resolution.pip or resolution.conda:
        yield f"shipped locks that run: {', '.join(shown) if shown else 'none'}"


def rejection_lines(rejected: Sequence[Rejection], limit: int = _SHOWN_REJECTIONS) -> Iterator[str]:
    """Why the newest builds were passed over, a line each, with what would change it."""
    yield "not taken:"
    for package_set in dict.fromkeys(rejection.package_set for rejection in rejected):
        same = [rejection for rejection in rejected if rejection.package_set is package_set]
        for rejection in same[:limit]:
            unlock = f" -> {option_text(rejection.unlock)}" if rejection.unlock else ""
            yield f"  {package_set:5}  {rejection.text} [{rejection.code.value}]{unlock}"
        if len(same) > limit:
            yield f"  {package_set:5}  and {len(same) - limit} more (--format json lists them all)"
