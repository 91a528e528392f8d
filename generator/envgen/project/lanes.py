"""What a project asks for: a CUDA pairing for each platform of the request, and the CPU's beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError

CUDA = "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """The pairings of one set by platform: those of the request, and those without CUDA.

    `cuda` is empty when CPU builds are asked for. `cpu` has the platforms of the request and Macs.
    """

    python: str
    glibc: Mapping[Subdir, str]
    cuda: Mapping[Subdir, Pairing]
    cpu: Mapping[Subdir, Pairing]

    @property
    def named(self) -> Mapping[str, Mapping[Subdir, Pairing]]:
        """Name -> pairings of the lanes that there are."""
        return {name: found for name, found in ((CPU, self.cpu), (CUDA, self.cuda)) if found}


def lanes_of(package_set: PackageSet, requests: Sequence[Request], catalog: Catalog) -> Lanes:
    """The lanes of a request, decided and not solved. The CPU has the release that the GPU has, where it is published.

    Raises: NoBuildError when no build of the set runs on a platform of the request.
    """
    cuda: dict[Subdir, Pairing] = {}
    for request in requests if not requests[0].is_cpu else ():
        resolution = resolve(catalog, request)
        if (pairing := resolution.pairing(package_set)) is None:
            raise NoBuildError(resolution, package_set)
        cuda[request.subdir] = pairing
    releases = {pairing.build.torch for pairing in cuda.values()}
    wanted = f"=={releases.pop()}" if len(releases) == 1 else requests[0].torch
    cpu: dict[Subdir, Pairing] = {}
    for subdir in dict.fromkeys((*(request.subdir for request in requests), Subdir.OSX_ARM64)):
        own = next((request for request in requests if request.subdir is subdir), requests[0])
        asked = replace(own, subdir=subdir, cuda=CPU, gpus=(), machines=(), driver=None, jetpack=None)
        asked = replace(asked, driver_origin=DriverOrigin.ASSUMED)
        same, newest = (resolve(catalog, replace(asked, torch=torch)) for torch in (wanted, requests[0].torch))
        found = same.pairing(package_set) or newest.pairing(package_set)
        if found is not None:
            cpu[subdir] = found
    glibc = {request.subdir: request.glibc for request in requests if request.subdir.is_linux}
    return Lanes(python=requests[0].python, glibc=glibc, cuda=cuda, cpu=cpu)
