"""From options to requests: names become GPUs, drivers those of each platform, one request for each platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, ValueFormatError, quoted
from envgen.core.gpus import Match, MatchKind
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.request import CHOICES, DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Notice, Resolution
from envgen.facts.catalog import Catalog
from envgen.request.cpu import asks_for_cpu, cpu_requests
from envgen.request.drivers import read_drivers
from envgen.request.machines import Group, read_machine, request_of
from envgen.request.options import RequestOptions
from envgen.request.python import python_of
from envgen.request.requests import Requests, distinct
from envgen.request.values import (
    for_platform,
    host_platform,
    is_macos,
    is_windows_arm,
    is_wsl,
    parse_build,
    parse_glibc,
    parse_platform,
    value_for,
)
from envgen.resolve.errors import CapabilityUnknownError, MacosError, NoBuildError, WindowsArmError

if TYPE_CHECKING:
    from envgen.gpus.catalog import GpuCatalog

# `--gpu sm_75`, `--gpu 7.5`: what a program prints of a GPU's code, and what the table of capabilities calls it.
_CAPABILITY = Pattern(
    r"(?:(?:sm|compute)_?|cc ?|compute capability )?(?:(\d{1,2})\.(\d)|(?<=\D)(\d{1,2})(\d))[af]?", re.I
)


def read_request(options: RequestOptions, builds: Catalog, known: GpuCatalog | None = None) -> Requests:
    """Turn options into requests. `known` are the GPUs; without it they are loaded when a name is given.

    Raises: ValueFormatError and UsageError for a value that can't be read, GpuUnknownError, GpuAmbiguousError,
    OtherVendorError, NoGpuFoundError, CapabilityUnknownError, MacosError, WindowsArmError, CpuPlatformError and
    JetPackWithoutBuildError for what nothing can serve.
    """
    torch, cuda = parse_build(options.torch, options.cuda)
    is_cpu = asks_for_cpu(options, cuda)
    subdirs = _subdirs(options.platforms) if options.platforms and not is_cpu else ()
    plain = {name: getattr(options, name) for name in CHOICES}
    python = python_of(options.python, builds) if options.python is not None else builds.default_python
    plain |= {"python": python, "torch": torch, "cuda": cuda}
    base = Request(
        gpus=(),
        subdir=subdirs[0] if subdirs else Subdir.LINUX_64,
        driver=None,
        driver_origin=DriverOrigin.ASSUMED,
        glibc="",
        wsl=is_wsl(options.platforms),
        **plain,
    )
    glibcs = [(subdir, parse_glibc(text)) for subdir, text in map(for_platform, options.glibc)]
    if is_cpu:
        return cpu_requests(options, base, glibcs, builds)
    reading = _Reading(base=base, given=subdirs, builds=builds, known=known)
    drivers = read_drivers(options.drivers)
    groups, notices = reading.groups(options, Group(gpus=(), drivers=drivers))
    if drivers and groups and all(group.is_machine for group in groups):
        given = ", ".join(quoted(text) for text in options.drivers)
        raise UsageError(
            f"--driver {given} is for the GPUs of --gpu, and there are only machines, each with its own driver",
            hint='put it into --machine "GPU;DRIVER", or leave it out',
        )
    subdirs = subdirs or _platforms_of(groups, builds)
    _check_platforms(groups, subdirs)
    if not groups:
        glibc = value_for(subdirs[0], glibcs)
        host = _from_host(replace(base, glibc=glibc or builds.default_glibc), subdirs, builds)
        if not drivers:
            return host
        groups, notices = [Group(gpus=host.requests[0].gpus, drivers=drivers)], host.notices
    bases = {subdir: replace(base, glibc=value_for(subdir, glibcs)) for subdir in subdirs}
    found = (request_of(bases[s], _there(groups, s, subdirs, builds), s, subdirs, builds) for s in subdirs)
    requests = tuple(request for request in found if request.gpus)
    modules = () if options.platforms else _module_notices(groups, builds)
    return Requests(requests=requests, notices=tuple(dict.fromkeys((*notices, *modules))))


def _platforms_of(groups: Sequence[Group], builds: Catalog) -> tuple[Subdir, ...]:
    """The platforms of a request that names none: a machine's own, a GPU's that exists on one, this computer's."""
    own = [group.platform or builds.home(requested.gpu) for group in groups for requested in group.gpus]
    host = _subdirs([host_platform()]) if None in own or not own else ()
    return tuple(dict.fromkeys((*host, *(subdir for subdir in own if subdir is not None))))


def _check_platforms(groups: Sequence[Group], subdirs: Sequence[Subdir]) -> None:
    """Raise UsageError for a machine on a platform that `--platform` leaves out: it would go without a word."""
    for group in groups:
        if group.platform not in (None, *subdirs):
            asked = " ".join(subdir.value for subdir in subdirs)
            raise UsageError(
                f"a machine is for {group.platform} (from --machine), and --platform asks for {asked}",
                fact=f"its GPU: {', '.join(requested.gpu.name for requested in group.gpus)}",
                hint=f"add --platform {group.platform}, or leave --platform out",
            )


def _there(groups: Sequence[Group], subdir: Subdir, subdirs: Sequence[Subdir], builds: Catalog) -> list[Group]:
    """The groups with the GPUs that exist on a platform. One that exists on none of them stays, to be refused."""

    def exists(requested: RequestedGpu) -> bool:
        own = builds.home(requested.gpu)
        return own in (None, subdir) or own not in subdirs

    kept = (replace(group, gpus=tuple(filter(exists, group.gpus))) for group in groups)
    return [group for group in kept if group.gpus]


def _module_notices(groups: Sequence[Group], builds: Catalog) -> Iterator[Notice]:
    for requested in (requested for group in groups for requested in group.gpus):
        if (own := builds.home(requested.gpu)) is not None:
            text = f"{requested.gpu.name} is built into {own} computers only: decided for {own}"
            yield Notice(code="platform-of-gpu", text=text)


def _subdirs(platforms: Sequence[str]) -> tuple[Subdir, ...]:
    if any(is_macos(name) for name in platforms):
        raise MacosError
    if any(is_windows_arm(name) for name in platforms):
        raise WindowsArmError
    return tuple(dict.fromkeys(parse_platform(name) for name in platforms))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the names of one request are read with."""

    base: Request
    given: tuple[Subdir, ...]
    builds: Catalog
    known: GpuCatalog | None

    def groups(self, options: RequestOptions, plain: Group) -> tuple[list[Group], tuple[Notice, ...]]:
        """The plain GPUs with the plain drivers, and each machine with its own; and what the look-ups have to say."""
        notices: list[Notice] = []
        gpus = [_by_capability(text, self.builds, "--compute-capability") for text in options.capabilities]
        for text in options.gpus:
            gpus += self._named(text, plain, notices)
        groups = [replace(plain, gpus=distinct(gpus))] if gpus else []
        for text in options.machines:
            machine = read_machine(text)
            group = Group(gpus=(), drivers=machine.drivers, platform=machine.platform, is_machine=True, wsl=machine.wsl)
            groups.append(replace(group, gpus=distinct(self._named(machine.gpu, group, notices))))
        return groups, tuple(dict.fromkeys(notices))

    def _named(self, text: str, group: Group, notices: list[Notice]) -> list[RequestedGpu]:
        """The GPU that a text names, or the variants of a name when they all lead to one pairing."""
        if (capability := _stated_capability(text)) is not None:
            return [replace(_by_capability(capability, self.builds, "--gpu"), input=text)]
        match = self._catalog().match(text)
        if match.kind is MatchKind.EXACT and match.gpu is not None:
            notices += [Notice(code="gpu-note", text=note) for note in match.notes]
            return [RequestedGpu(input=text, gpu=match.gpu)]
        variants, outcomes = judged_variants(match, self._requests(group), self.builds)
        if not variants:
            from envgen.gpus.errors import match_error

            raise match_error(match, outcomes)
        listed = ", ".join(f"{v.gpu.capability}" for v in variants)
        note = f'"{variants[0].gpu.name}" exists with compute capability {listed}; all lead to the same pairing'
        notices.append(Notice(code="gpu-variants-agree", text=note))
        return variants

    def _catalog(self) -> GpuCatalog:
        from envgen.gpus.catalog import GpuCatalog

        return self.known or GpuCatalog.load()

    def _requests(self, group: Group) -> Iterator[Request]:
        """The requests that a group without its GPUs makes."""
        subdirs = self.given or _subdirs([host_platform()])
        for subdir in subdirs:
            yield request_of(self.base, [group], subdir, subdirs, self.builds)


def _stated_capability(text: str) -> str | None:
    """The X.Y of `sm_75`, `compute_90`, `cc 8.6` or `7.5`; None for anything else."""
    found = _CAPABILITY.fullmatch(text.strip())
    return f"{found[1] or found[3]}.{found[2] or found[4]}" if found else None


def _by_capability(text: str, builds: Catalog, origin: str) -> RequestedGpu:
    try:
        capability = ComputeCapability.parse(_stated_capability(text) or text)
    except ValueFormatError as error:
        raise ValueFormatError(kind="compute capability", value=text, expected=error.expected, origin=origin) from error
    if capability not in builds.support:
        raise CapabilityUnknownError(text, tuple(str(known) for known in sorted(builds.support)))
    return RequestedGpu(input=text, gpu=builds.gpu(capability))


def judged_variants(
    match: Match, requests: Iterator[Request], builds: Catalog
) -> tuple[list[RequestedGpu], tuple[str, ...]]:
    """The variants of an ambiguous name when all of them lead to the same, which may be nothing; else none.

    And what each candidate leads to, for who has to find out which one it is.
    """
    if match.kind is not MatchKind.AMBIGUOUS or not match.may_agree:
        return [], ()
    from envgen.resolve import resolve

    asked = list(requests)
    variants: list[RequestedGpu] = []
    answers = []
    outcomes = []
    for candidate in match.candidates:
        variant = RequestedGpu(input=match.query, gpu=builds.gpu(candidate.capability, candidate.name))
        found = [resolve(builds, replace(request, gpus=(variant,))) for request in asked]
        answers.append(tuple(_pairing_key(resolution) for resolution in found))
        outcomes.append("; ".join(dict.fromkeys(_outcome(resolution) for resolution in found)))
        variants.append(variant)
    return (variants if len(set(answers)) == 1 else []), tuple(outcomes)


def _pairing_key(resolution: Resolution) -> tuple[object, ...]:
    pip, conda = resolution.pip, resolution.conda
    if pip is None and conda is None:
        return (NoBuildError(resolution).hint(),)  # another Python may help one of them and not the other
    return (pip.build.torch, pip.build.cuda_tag) if pip else None, conda.specs if conda else None


def _outcome(resolution: Resolution) -> str:
    labels = [pairing.build.label for pairing in (resolution.pip, resolution.conda) if pairing is not None]
    if labels:
        return f"{' and '.join(labels)} would be taken"
    error = NoBuildError(resolution)
    return f"nothing runs; {error.hint()}" if error.main_rejection() else "nothing runs on it"


def _from_host(base: Request, subdirs: Sequence[Subdir], builds: Catalog) -> Requests:
    from envgen.request.host import host_request

    return host_request(base, subdirs, builds)
