"""The calls that Python callers have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from envgen.api.convert import decision, explanation, found_gpu
from envgen.api.values import Audit, Decision, Explanation, FoundGpu
from envgen.core.errors import UsageError
from envgen.core.gpus import MatchKind
from envgen.core.request import Request
from envgen.core.resolution import Notice
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.errors import match_error
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.values import parse_named_build
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError


def decide(  # noqa: PLR0913 -- one parameter for each option of a request
    gpu: str | Sequence[str] | None = None,
    *,
    compute_capability: str | Sequence[str] | None = None,
    driver: str | Sequence[str] | None = None,
    machine: str | Sequence[str] | None = None,
    platform: str | None = None,
    python: str | None = None,
    glibc: str | None = None,
    torch: str | None = None,
    cuda: str | None = None,
    vision: bool = True,
    audio: bool = False,
) -> Decision:
    """Return the newest PyTorch builds that run on every named GPU: what `envgen resolve` prints.

    The parameters are the options of the command line, with the same words: `gpu` as people and programs write it,
    `driver` such as `560.94` (without it the newest that serves the GPU is assumed), `machine` such as
    `"RTX 4090;580.95.05"` for a GPU with its own driver, `platform` such as `win-64` (without it the one that the GPU
    exists on, or this computer's). Where no GPU is named this computer's GPUs and driver are looked up.

    Raises: EnvgenError, by its `code`: `gpu-unknown`, `gpu-ambiguous`, `other-vendor`, `no-gpu-found`,
    `capability-unknown`, `platform-without-cuda`, `jetpack-without-build` or `no-pairing` when nothing runs;
    `value-format` or `usage` for a value that can't be read.
    """
    target = _target(gpu, compute_capability, driver, machine, platform, python, glibc)
    request, notices = _read(replace(target, torch=torch, cuda=cuda, vision=vision, audio=audio))
    resolution = resolve(Catalog.load(), request)
    if resolution.pip is None and resolution.conda is None:
        raise NoBuildError(resolution)
    return decision(replace(resolution, notices=(*notices, *resolution.notices)), _revision())


def find_gpu(text: str) -> FoundGpu:
    """Return the one GPU that a text names: as people write it, as a program prints it, or a PCI id.

    Raises: EnvgenError, by its `code`: `gpu-unknown`; `gpu-ambiguous`, whose `match.candidates` are the GPUs that the
    text can mean; `other-vendor`.
    """
    match = GpuCatalog.load().match(text)
    if match.kind is not MatchKind.EXACT or match.gpu is None:
        raise match_error(match)
    return found_gpu(match.gpu, match.notes)


def why_not(  # noqa: PLR0913 -- one parameter for each option of a request
    build: str,
    gpu: str | Sequence[str] | None = None,
    *,
    compute_capability: str | Sequence[str] | None = None,
    driver: str | Sequence[str] | None = None,
    machine: str | Sequence[str] | None = None,
    platform: str | None = None,
    python: str | None = None,
    glibc: str | None = None,
    vision: bool = True,
) -> tuple[Explanation, ...]:
    """Return why each matching build was not taken, or that it was; empty when the catalog has no such build.

    `build` is a CUDA tag (`cu130`), a release (`2.15.0`) or both (`2.15.0+cu130`); the others are those of `decide`.

    Raises: EnvgenError as `decide` does, but never `no-pairing`.
    """
    from envgen.resolve.why_not import explain

    release, tag = parse_named_build(build)
    target = _target(gpu, compute_capability, driver, machine, platform, python, glibc)
    request, _ = _read(replace(target, vision=vision))
    return tuple(explanation(request, found) for found in explain(Catalog.load(), request, torch=release, cuda_tag=tag))


def audit(  # noqa: PLR0913 -- one parameter for each option of a request
    text: str,
    gpu: str | Sequence[str] | None = None,
    *,
    name: str = "requirements.txt",
    compute_capability: str | Sequence[str] | None = None,
    driver: str | Sequence[str] | None = None,
    machine: str | Sequence[str] | None = None,
    platform: str | None = None,
    python: str | None = None,
) -> Audit:
    """Return whether the torch in the text of a file runs, and if not, why and the smallest change of the file.

    `name` is what the file is called, which says how it is read: `uv.lock`, `environment.yml`, `Dockerfile` and the
    others that `envgen audit` reads. The other parameters are those of `decide`. Files that the text names are not
    opened.

    Raises: EnvgenError as `decide` does, but never `no-pairing`; `file-unreadable` for a text that is not of its
    format, or a name of none.
    """
    from envgen.api.convert import audited
    from envgen.audits.report import audit_text

    request, _ = _read(_target(gpu, compute_capability, driver, machine, platform, python))
    return audited(audit_text(text, name, [request], Catalog.load()))


def _target(  # noqa: PLR0913, PLR0917 -- the parameters that all calls have
    gpu: str | Sequence[str] | None,
    compute_capability: str | Sequence[str] | None,
    driver: str | Sequence[str] | None,
    machine: str | Sequence[str] | None,
    platform: str | None,
    python: str | None,
    glibc: str | None = None,
) -> RequestOptions:
    """The options that say for which computers something is asked."""
    return RequestOptions(
        gpus=_texts(gpu),
        capabilities=_texts(compute_capability),
        drivers=_texts(driver),
        machines=_texts(machine),
        platforms=_texts(platform),
        python=python,
        glibc=(glibc,) if glibc is not None else (),
    )


def _read(options: RequestOptions) -> tuple[Request, tuple[Notice, ...]]:
    """The one request that options make, and what the look-up noted.

    Raises: UsageError for GPUs that exist on different platforms.
    """
    read = read_request(options, Catalog.load(), GpuCatalog.load())
    if len(read.requests) > 1:
        platforms = ", ".join(request.subdir.value for request in read.requests)
        raise UsageError(f"these GPUs are of several platforms: {platforms}", hint="ask for each platform by itself")
    return read.requests[0], read.notices


def _texts(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


@cache
def _revision() -> str:
    return catalog_revision()
