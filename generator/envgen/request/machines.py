"""The computers of a request, each with its GPUs and its driver, and the one request that they make on a platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Machine, Request, RequestedGpu
from envgen.core.wheel_names import glibc_key
from envgen.facts.catalog import Catalog
from envgen.request.driver_text import GivenDriver
from envgen.request.drivers import read_drivers, target_drivers
from envgen.request.requests import distinct
from envgen.request.values import is_wsl, parse_platform
from envgen.resolve.driver import DriverRules, of_linux
from envgen.resolve.errors import JetPackWithoutBuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineText:
    """The parts of `--machine "GPU;DRIVER[;PLATFORM]"`; no driver and no platform when they are left empty.

    `wsl` is True where the platform is WSL2.
    """

    gpu: str
    drivers: tuple[tuple[Subdir | None, GivenDriver], ...]
    platform: Subdir | None
    wsl: bool = False


def read_machine(text: str) -> MachineText:
    """Return the parts of a machine.

    Raises: ValueFormatError for more or fewer parts; UsageError and ValueFormatError for a part that can't be read.
    """
    parts = [part.strip() for part in text.split(";")]
    if len(parts) not in (2, 3) or not parts[0]:
        expected = 'GPU;DRIVER or GPU;DRIVER;PLATFORM, such as "GTX 1080 Ti;550.54.15"'
        raise ValueFormatError(kind="machine", value=text, expected=expected, origin="--machine")
    platform = parse_platform(parts[2]) if parts[2:] and parts[2] else None
    wsl = is_wsl(parts[2:])
    drivers = read_drivers([parts[1]], "--machine") if parts[1] else ()
    return MachineText(gpu=parts[0], drivers=drivers, platform=platform, wsl=wsl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """GPUs that share their drivers: those of the plain options, or those of one `--machine`."""

    gpus: tuple[RequestedGpu, ...]
    drivers: tuple[tuple[Subdir | None, GivenDriver], ...] = ()
    platform: Subdir | None = None
    is_machine: bool = False
    wsl: bool = False


def request_of(
    base: Request, groups: Sequence[Group], subdir: Subdir, subdirs: Sequence[Subdir], catalog: Catalog
) -> Request:
    """The request of all groups on one platform.

    `base.glibc` is empty when it was not given: a Jetson's is that of its JetPack.

    Raises: UsageError for a driver that fits no platform, and for several drivers of which one doesn't serve a GPU.
    """
    machines: list[Machine] = []
    for group in groups:
        if group.platform not in (None, subdir):
            continue
        wsl = subdir is Subdir.LINUX_64 and (group.wsl or (base.wsl and group.platform is None))
        found = target_drivers(group.drivers, subdir, subdirs, group.gpus, catalog, wsl=wsl)
        machines += [Machine(gpus=group.gpus, driver=one.version, jetpack=one.jetpack, wsl=wsl) for one in found]
        if not found and not (group.is_machine and group.drivers):
            machines.append(Machine(gpus=group.gpus, driver=None, wsl=wsl))
    if len(machines) > 1:
        _check_served(machines, subdir, catalog)
    gpus = distinct(requested for machine in machines for requested in machine.gpus)
    stated = sorted((m for m in machines if m.driver is not None), key=lambda m: m.driver.parts if m.driver else ())
    jetpacks = [machine.jetpack for machine in machines if machine.jetpack is not None]
    for jetpack in jetpacks:
        if jetpack.driver is None:
            raise JetPackWithoutBuildError(jetpack)
    oldest = stated[0] if stated else Machine(gpus=gpus, driver=None, jetpack=next(iter(jetpacks), None))
    return replace(
        base,
        subdir=subdir,
        gpus=gpus,
        driver=oldest.driver or (oldest.jetpack.driver if oldest.jetpack else None),
        driver_origin=DriverOrigin.GIVEN if stated else DriverOrigin.ASSUMED,
        glibc=base.glibc or _glibc(machines, catalog),
        jetpack=oldest.jetpack,
        machines=tuple(machines) if len(machines) > 1 else (),
        wsl=bool(machines) and all(machine.wsl for machine in machines),
    )


def _glibc(machines: Sequence[Machine], catalog: Catalog) -> str:
    """The oldest glibc of the machines: a Jetson's is that of its JetPack."""
    own = {machine.jetpack.glibc if machine.jetpack else catalog.default_glibc for machine in machines}
    return min(own, key=glibc_key, default=catalog.default_glibc)


def _check_served(machines: Sequence[Machine], subdir: Subdir, catalog: Catalog) -> None:
    """Raise UsageError for a machine whose driver doesn't serve one of its GPUs: no build could run there."""
    for machine in machines:
        if problem := next(_unserved(machine, subdir, catalog), ""):
            several = len(machine.gpus) > 1
            raise UsageError(
                problem,
                fact=f"every GPU is checked against every driver: {', '.join(r.gpu.name for r in machine.gpus)}",
                hint='name each computer: --machine "GPU;DRIVER"' if several else "leave that driver out",
            )


def _unserved(machine: Machine, subdir: Subdir, catalog: Catalog) -> Iterator[str]:
    if machine.driver is None:
        return
    branch = machine.driver.branch if subdir.is_windows else of_linux(machine.driver, catalog).branch
    rules = DriverRules(driver=machine.driver, subdir=subdir, builds=catalog)
    for requested in machine.gpus:
        support = catalog.support.get(requested.gpu.capability)
        if support is None or machine.jetpack is not None:
            continue
        if support.last_branch is not None and branch > rules.last_major(support.last_branch):
            last = f"R{support.last_branch} is the last branch that does"
            yield f"driver {machine.driver} no longer serves {requested.gpu.name}: {last}"
        if support.first_branch is not None and branch < support.first_branch:
            first = f"R{support.first_branch}, the first that knows {requested.gpu.name}"
            yield f"driver {machine.driver} is older than {first}"
