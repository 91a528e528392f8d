"""Machines that are alike, and the builds that run on each kind: what a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.fleet.machines_csv import FleetMachine, MachinesFileError
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.errors import OtherVendorError
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.values import is_macos, is_windows_arm
from envgen.resolve import resolve
from envgen.resolve.errors import (
    CapabilityUnknownError,
    JetPackWithoutBuildError,
    MacosError,
    NoBuildError,
    WindowsArmError,
)
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import runs
from envgen.targets.check import text_of
from envgen.targets.errors import Mistake

# A build by its place among the catalog's of its set and platform, and its torch.
Place = tuple[int, str]

# What a machine can't help: it is left out, and everything else in a list is a mistake of who wrote it.
_LEFT_OUT = (OtherVendorError, CapabilityUnknownError, JetPackWithoutBuildError, MacosError, WindowsArmError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Machines with the same GPUs, driver and platform. `usable` maps a set to the builds that run on them."""

    gpus: tuple[str, ...]
    driver: str
    machines: tuple[FleetMachine, ...]
    request: Request
    usable: Mapping[PackageSet, frozenset[Place]]

    @property
    def subdir(self) -> Subdir:
        """Their platform."""
        return self.request.subdir


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Machines that nothing serves, and why."""

    machines: tuple[FleetMachine, ...]
    reason: str


def kinds_of(
    machines: Sequence[FleetMachine], asked: RequestOptions, sets: Sequence[PackageSet], name: str
) -> tuple[tuple[Kind, ...], tuple[LeftOut, ...]]:
    """The kinds of machines that something serves, and those that are left out. `name` is that of their list.

    Raises: MachinesFileError with every GPU, driver and platform that can't be read.
    """
    builds, known = Catalog.load(), GpuCatalog.load()
    alike: dict[tuple[tuple[str, ...], str, str], list[FleetMachine]] = {}
    for machine in machines:
        alike.setdefault((machine.gpus, machine.driver, machine.platform.lower()), []).append(machine)
    kinds: list[Kind] = []
    left: list[LeftOut] = []
    mistakes: list[Mistake] = []
    for (gpus, driver, platform), own in alike.items():
        if not gpus:
            left.append(LeftOut(machines=tuple(own), reason="no GPU is named"))
            continue
        options = replace(asked, gpus=gpus, drivers=(driver,) if driver else (), platforms=(platform,))
        try:
            (request,) = read_request(options, builds, known).requests
        except _LEFT_OUT as error:
            left.append(LeftOut(machines=tuple(own), reason=text_of(error)))
            continue
        except EnvgenError as error:
            place = _blamed(options, error, builds, known)
            mistakes += [Mistake(line=machine.line, place=place, text=text_of(error)) for machine in own]
            continue
        if not request.gpus:
            left.append(LeftOut(machines=tuple(own), reason='it has no GPU: a target with cuda = "cpu" serves it'))
            continue
        usable = usable_builds(request, builds, sets)
        if any(usable.values()):
            kinds.append(Kind(gpus=gpus, driver=driver, machines=tuple(own), request=request, usable=usable))
        else:
            nothing = NoBuildError(resolve(builds, request))
            reason = "; ".join(filter(None, (nothing.what(), nothing.hint())))
            left.append(LeftOut(machines=tuple(own), reason=reason))
    if mistakes:
        raise MachinesFileError(name, mistakes)
    return tuple(kinds), tuple(left)


def usable_builds(request: Request, builds: Catalog, sets: Sequence[PackageSet]) -> dict[PackageSet, frozenset[Place]]:
    """For each set the builds that run for a request."""
    evaluation = Evaluation.of(request, builds)
    every = {one: builds.builds(one, request.subdir) for one in sets}
    return {
        one: frozenset((at, build.torch) for at, build in enumerate(rows) if runs(build, evaluation))
        for one, rows in every.items()
    }


def _blamed(options: RequestOptions, error: EnvgenError, builds: Catalog, known: GpuCatalog) -> str:
    """The column that an error is about: without the driver it is another error, or none."""
    (platform,) = options.platforms
    if is_macos(platform) or is_windows_arm(platform):
        return "platform"
    try:
        read_request(replace(options, drivers=()), builds, known)
    except EnvgenError as other:
        if str(other) == str(error):
            return "platform" if error.code == "usage" else "gpu"
    return "driver"
