"""Machines that are alike, and the builds that run on each kind: what a plan is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
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

# The GPUs, the driver and the platform of machines that are alike, as they are written.
_Key = tuple[tuple[str, ...], str, str]

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
    alike: dict[_Key, list[FleetMachine]] = {}
    for machine in machines:
        alike.setdefault((machine.gpus, machine.driver, machine.platform.lower()), []).append(machine)
    found: dict[_Key, Request] = {}
    left: list[LeftOut] = []
    mistakes: list[Mistake] = []
    for key, own in alike.items():
        gpus, driver, platform = key
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
        if request.gpus:
            found[key] = request
        else:
            left.append(LeftOut(machines=tuple(own), reason='it has no GPU: a target with cuda = "cpu" serves it'))
    if mistakes:
        raise MachinesFileError(name, mistakes)
    usable = _usable_of_each(found, builds, sets)
    kinds = [
        Kind(gpus=key[0], driver=key[1], machines=tuple(alike[key]), request=request, usable=usable[key])
        for key, request in found.items()
        if any(usable[key].values())
    ]
    unserved = {key: request for key, request in found.items() if not any(usable[key].values())}
    return tuple(kinds), (*left, *_unserved(unserved, alike, builds))


def _usable_of_each(
    requests: Mapping[_Key, Request], builds: Catalog, sets: Sequence[PackageSet]
) -> dict[_Key, Mapping[PackageSet, frozenset[Place]]]:
    """The builds that run for each request; thousands of drivers of one GPU are asked for a few times.

    While they serve the GPU a newer driver never loses a build, so what two run alike, all between them run.
    """
    found: dict[_Key, Mapping[PackageSet, frozenset[Place]]] = {}
    ordered: dict[tuple[object, str], list[tuple[DriverVersion, _Key]]] = {}
    for key, request in requests.items():
        if (driver := _number(request)) is not None:
            ordered.setdefault((key[0], key[2]), []).append((driver, key))
        else:
            found[key] = usable_builds(request, builds, sets)

    def fill(low: int, high: int) -> None:
        first, last = chain[low], chain[high]
        for key in (first[1], last[1]):
            if key not in found:
                found[key] = usable_builds(requests[key], builds, sets)
        both = found[first[1]]
        is_same = both == found[last[1]] and (any(both.values()) or first[0].branch == last[0].branch)
        if is_same:
            found.update((key, both) for _, key in chain[low + 1 : high])
        elif high - low > 1:
            middle = (low + high) // 2
            fill(low, middle)
            fill(middle, high)

    for chain in ordered.values():
        chain.sort(key=lambda one: one[0].parts)
        fill(0, len(chain) - 1)
    return found


def _number(request: Request) -> DriverVersion | None:
    """The driver of a request where it is one number: of a Jetson and a bare branch less is known."""
    driver = request.driver
    if driver is None or driver.is_bare_branch or request.jetpack is not None or request.machines:
        return None
    return driver


def _age(request: Request) -> tuple[int, ...]:
    return request.driver.parts if request.driver is not None else ()


def _unserved(
    requests: Mapping[_Key, Request], alike: Mapping[_Key, Sequence[FleetMachine]], builds: Catalog
) -> Iterator[LeftOut]:
    """The machines that no build runs on, those with the drivers of one branch together."""
    together: dict[object, list[_Key]] = {}
    for key, request in requests.items():
        driver = _number(request)
        together.setdefault((key[0], key[2], driver.branch) if driver else key, []).append(key)
    for keys in together.values():
        keys.sort(key=lambda key: _age(requests[key]))
        nothing = NoBuildError(resolve(builds, requests[keys[-1]]))
        older = f"the same with older drivers of its branch, from {keys[0][1]} on" if len(keys) > 1 else ""
        reason = "; ".join(filter(None, (nothing.what(), nothing.hint(), older)))
        machines = sorted((machine for key in keys for machine in alike[key]), key=lambda one: one.line)
        yield LeftOut(machines=tuple(machines), reason=reason)


def ends_of(kinds: Sequence[Kind]) -> list[tuple[Kind, tuple[FleetMachine, ...]]]:
    """The kinds that say for all what runs, each with the machines that it stands for.

    Of many drivers of a GPU the oldest and the newest: what runs on both runs on those between.
    """
    found: list[tuple[Kind, tuple[FleetMachine, ...]]] = []
    together: dict[tuple[object, object], list[Kind]] = {}
    for kind in kinds:
        if _number(kind.request) is None:
            found.append((kind, kind.machines))
        else:
            together.setdefault((kind.gpus, kind.subdir), []).append(kind)
    for own in together.values():
        *others, newest = sorted(own, key=lambda kind: _age(kind.request))
        found += [(others[0], tuple(machine for one in others for machine in one.machines))] if others else []
        found.append((newest, newest.machines))
    order = {id(kind): at for at, kind in enumerate(kinds)}
    return sorted(found, key=lambda one: order[id(one[0])])


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
