"""From options to requests: names become GPUs, one request for each platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.errors import ValueFormatError
from envgen.core.gpus import Gpu, Match, MatchKind
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Notice, Resolution
from envgen.facts.catalog import Catalog
from envgen.facts.gpus.errors import match_error
from envgen.request.options import RequestOptions
from envgen.request.requests import Requests, distinct
from envgen.request.values import (
    host_platform,
    is_macos,
    parse_build,
    parse_glibc,
    parse_platform,
    parse_python,
)
from envgen.resolve.errors import CapabilityUnknownError, MacosError

if TYPE_CHECKING:
    from envgen.facts.gpus.catalog import GpuCatalog


def read_request(options: RequestOptions, builds: Catalog, known: GpuCatalog | None = None) -> Requests:
    """Turn options into requests. `known` are the GPUs; without it they are loaded when a name is given.

    Raises: ValueFormatError and UsageError for a value that can't be read, GpuUnknownError, GpuAmbiguousError,
    OtherVendorError, NoGpuFoundError, CapabilityUnknownError and MacosError for what nothing can serve.
    """
    subdirs = _subdirs(options.platforms)
    driver = DriverVersion.parse(options.driver, origin="--driver") if options.driver is not None else None
    origin = DriverOrigin.ASSUMED if driver is None else DriverOrigin.GIVEN
    torch, cuda = parse_build(options.torch, options.cuda)
    base = Request(
        gpus=(),
        subdir=subdirs[0],
        python=parse_python(options.python) if options.python is not None else builds.default_python,
        driver=driver,
        driver_origin=origin,
        glibc=parse_glibc(options.glibc) if options.glibc is not None else builds.default_glibc,
        torch=torch,
        cuda=cuda,
        vision=options.vision,
        audio=options.audio,
    )
    gpus, notices = _gpus(options, base, subdirs, builds, known)
    if not gpus:
        return _from_host(base, subdirs, builds)
    requests = tuple(_with(base, subdir=subdir, gpus=gpus) for subdir in subdirs)
    return Requests(requests=requests, notices=notices)


def _with(request: Request, *, subdir: Subdir, gpus: tuple[RequestedGpu, ...]) -> Request:
    from dataclasses import replace

    return replace(request, subdir=subdir, gpus=gpus)


def _subdirs(platforms: Sequence[str]) -> tuple[Subdir, ...]:
    names = list(platforms) if platforms else [host_platform()]
    if any(is_macos(name) for name in names):
        raise MacosError
    return tuple(dict.fromkeys(parse_platform(name) for name in names))


def _gpus(
    options: RequestOptions, base: Request, subdirs: Sequence[Subdir], builds: Catalog, known: GpuCatalog | None
) -> tuple[tuple[RequestedGpu, ...], tuple[Notice, ...]]:
    found: list[RequestedGpu] = []
    notices: list[Notice] = []
    for text in options.capabilities:
        found.append(_by_capability(text, builds))
    if options.gpus:
        from envgen.facts.gpus.catalog import GpuCatalog

        catalog = known or GpuCatalog.load()
        for text in options.gpus:
            match = catalog.match(text)
            if match.kind is MatchKind.EXACT and match.gpu is not None:
                found.append(RequestedGpu(input=text, gpu=match.gpu))
                notices += [Notice(code="gpu-note", text=note) for note in match.notes]
            else:
                variants = agreeing_variants(match, base, subdirs, builds)
                if not variants:
                    raise match_error(match)
                found += variants
                listed = ", ".join(f"{v.gpu.capability}" for v in variants)
                note = f'"{variants[0].gpu.name}" exists with compute capability {listed}; all lead to the same pairing'
                notices.append(Notice(code="gpu-variants-agree", text=note))
    return distinct(found), tuple(dict.fromkeys(notices))


def _by_capability(text: str, builds: Catalog) -> RequestedGpu:
    try:
        capability = ComputeCapability.parse(text)
    except ValueFormatError as error:
        raise ValueFormatError(
            kind="compute capability", value=text, expected=error.expected, origin="--compute-capability"
        ) from error
    support = builds.support.get(capability)
    if support is None:
        raise CapabilityUnknownError(text, tuple(str(known) for known in sorted(builds.support)))
    name = f"compute capability {capability}"
    return RequestedGpu(input=text, gpu=Gpu(name=name, capability=capability, architecture=support.architecture))


def agreeing_variants(match: Match, base: Request, subdirs: Sequence[Subdir], builds: Catalog) -> list[RequestedGpu]:
    """The variants of an ambiguous name when each of them leads to the same pairing on every platform, else none."""
    if match.kind is not MatchKind.AMBIGUOUS or not match.may_agree:
        return []
    from envgen.resolve import resolve

    variants: list[RequestedGpu] = []
    answers = set()
    for candidate in match.candidates:
        support = builds.support.get(candidate.capability)
        architecture = support.architecture if support else ""
        gpu = Gpu(name=candidate.name, capability=candidate.capability, architecture=architecture)
        variant = RequestedGpu(input=match.query, gpu=gpu)
        found = [resolve(builds, _with(base, subdir=subdir, gpus=(variant,))) for subdir in subdirs]
        answers.add(tuple(_pairing_key(resolution) for resolution in found))
        variants.append(variant)
    agreed = len(answers) == 1 and any(pip or conda for answer in answers for pip, conda in answer)
    return variants if agreed else []


def _pairing_key(resolution: Resolution) -> tuple[tuple[str, str] | None, tuple[str, ...] | None]:
    pip, conda = resolution.pip, resolution.conda
    return (pip.build.torch, pip.build.cuda_tag) if pip else None, conda.specs if conda else None


def _from_host(base: Request, subdirs: Sequence[Subdir], builds: Catalog) -> Requests:
    from envgen.request.host import host_request

    return host_request(base, subdirs, builds)
