"""Which driver counts on which platform: a number's form tells Windows from Linux, and a Jetson has its JetPack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.core.builds import JetPack
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.request import RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.request.driver_text import DriverKind, GivenDriver
from envgen.request.values import for_platform

JETSON_FORM = 'for a Jetson the JetPack or Jetson Linux release: --driver "JetPack 6.2" or --driver 36.4.3'


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDriver:
    """A driver of one platform: its version (None while nobody stated it), and a Jetson's JetPack."""

    version: DriverVersion | None = None
    jetpack: JetPack | None = None


def read_drivers(texts: Iterable[str], origin: str = "--driver") -> tuple[tuple[Subdir | None, GivenDriver], ...]:
    """The drivers of an option, each with the platform that it was given for (`win-64=560.94`), or None.

    Raises: UsageError and ValueFormatError for what can't be read.
    """
    stated = [for_platform(text) for text in texts]
    return tuple((subdir, GivenDriver.parse(text, origin=origin)) for subdir, text in stated)


def target_drivers(  # noqa: PLR0913 -- a driver is one of all of these
    given: Sequence[tuple[Subdir | None, GivenDriver]],
    subdir: Subdir,
    others: Sequence[Subdir],
    gpus: Sequence[RequestedGpu],
    catalog: Catalog,
    *,
    wsl: bool = False,
) -> tuple[TargetDriver, ...]:
    """The drivers that count on a platform; `others` are all platforms of the request.

    A number that only Windows has is that of WSL2 when Linux alone is asked for. `wsl` says that it is WSL2.

    Raises: UsageError for a driver that fits none of the platforms, or a JetPack for what is no Jetson.
    """
    jetsons = [requested for requested in gpus if _is_module(requested, catalog)]
    found: list[TargetDriver] = []
    for platform, driver in given:
        if platform not in (None, subdir):
            continue
        if driver.version is None:
            found.append(_of_jetson(driver, jetsons, catalog))
            continue
        version = driver.version
        if jetsons and not subdir.is_windows:
            found.append(_module_driver(version, jetsons, catalog))
            continue
        on_windows, on_linux = _forms(driver, catalog)
        if wsl and not on_windows:
            raise _linux_in_wsl(driver)
        if subdir.is_windows and not on_windows:
            if all(other.is_windows for other in others) or platform:
                raise _wrong_form(driver, subdir)
        elif not subdir.is_windows and not on_linux:
            if wsl or platform or not any(other.is_windows for other in others):
                found.append(TargetDriver(version=version))
        else:
            found.append(TargetDriver(version=version))
    if not found and jetsons and not subdir.is_windows:
        return (TargetDriver(jetpack=_newest(jetsons, catalog)),)
    return tuple(dict.fromkeys(found))


def _forms(driver: GivenDriver, catalog: Catalog) -> tuple[bool, bool]:
    """Whether a version can be one of Windows, and one of Linux; a number that no branch has may be either."""
    version = driver.version
    if version is None or driver.is_windows is not None:
        return driver.is_windows is True, driver.is_windows is False
    own = next((branch for branch in catalog.branches if branch.branch == version.branch), None)
    windows = any(version.branch in branch.windows_majors for branch in catalog.branches)
    if own is None:
        return True, not windows
    newest = DriverVersion.parse(own.last_linux) if own.last_linux else None
    ended = newest is not None and not version.is_bare_branch and version.parts > newest.parts
    return windows, not (windows and ended)


def _wrong_form(driver: GivenDriver, subdir: Subdir) -> UsageError:
    return UsageError(
        f"{quoted(driver.text)} is not a driver version of {subdir}",
        origin="--driver",
        fact="Windows has numbers of two parts, such as 560.94",
        hint="give the number that nvidia-smi shows there, or --driver PLATFORM=VERSION for one platform of several",
    )


def _linux_in_wsl(driver: GivenDriver) -> UsageError:
    return UsageError(
        f"{quoted(driver.text)} is a driver version of Linux, and WSL2 runs on the driver of Windows",
        origin="--driver",
        fact="nvidia-smi in WSL2 prints both: `Driver Version: 560.94` is right of `NVIDIA-SMI 560.35.02`",
        hint="give the number of Windows; for a Linux of its own pass --platform linux-64",
    )


def _is_module(requested: RequestedGpu, catalog: Catalog) -> bool:
    """True for a GPU of a module that runs JetPack."""
    return any(requested.gpu.capability in jetpack.capabilities for jetpack in catalog.jetpacks)


def _of_jetson(driver: GivenDriver, jetsons: Sequence[RequestedGpu], catalog: Catalog) -> TargetDriver:
    """The driver of a JetPack or Jetson Linux release. A release in short (`JetPack 6`) means its oldest."""
    name = f"{'JetPack' if driver.kind is DriverKind.JETPACK else 'Jetson Linux'} {driver.release}"
    if not jetsons:
        raise UsageError(
            f"{quoted(driver.text)} is a release for Jetson modules, and no GPU of the request is one",
            origin="--driver",
            fact=f"read as {name}",
            hint="give the driver version that nvidia-smi shows",
        )
    jetpack = _release(driver, catalog.jetpacks)
    wrong = [r.gpu for r in jetsons if jetpack and r.gpu.capability not in jetpack.capabilities]
    if jetpack is None or wrong:
        fitting = [j.release for j in catalog.jetpacks if all(r.gpu.capability in j.capabilities for r in jetsons)]
        reason = f"{name} is not for {wrong[0].name}" if wrong else f"{name} is not known"
        raise UsageError(
            reason,
            origin="--driver",
            fact=f"known for {', '.join(r.gpu.name for r in jetsons)}: JetPack {', '.join(fitting)}",
            hint="give one of them, as `sudo apt show nvidia-jetpack` or /etc/nv_tegra_release shows it",
        )
    return TargetDriver(version=jetpack.driver, jetpack=jetpack)


def _release(driver: GivenDriver, jetpacks: Sequence[JetPack]) -> JetPack | None:
    def names(jetpack: JetPack) -> Sequence[str]:
        return (jetpack.release,) if driver.kind is DriverKind.JETPACK else jetpack.l4t

    exact = [jetpack for jetpack in jetpacks if driver.release in names(jetpack)]
    short = [j for j in jetpacks if any(name.startswith(f"{driver.release}.") for name in names(j))]
    found = next(iter(exact or short), None)
    if found is not None or driver.kind is DriverKind.JETPACK or driver.release.count(".") < 2:
        return found
    # Patches of a Jetson Linux X.Y have its CUDA (every row of the table): a newer one counts as the newest known.
    line = f"{driver.release.rpartition('.')[0]}."
    return next((j for j in reversed(jetpacks) if any(name.startswith(line) for name in j.l4t)), None)


def _module_driver(version: DriverVersion, jetsons: Sequence[RequestedGpu], catalog: Catalog) -> TargetDriver:
    """A Jetson's driver number: 540.4.0 is that of several releases, of which the oldest counts.

    Raises: UsageError for a number between those of Jetson's: it is one of another computer.
    """
    fitting = [j for j in catalog.jetpacks if j.driver and all(r.gpu.capability in j.capabilities for r in jetsons)]
    same = [j for j in fitting if j.driver == version]
    near = [j for j in fitting if j.driver and j.driver.branch == version.branch]
    newest = max((j.driver.parts for j in fitting if j.driver), default=())
    if not (same or near) and version.parts < newest:
        known = dict.fromkeys(str(j.driver) for j in fitting if j.driver)
        raise UsageError(
            f"{version} is the driver of no JetPack for {', '.join(r.gpu.name for r in jetsons)} (from --driver)",
            fact=f"theirs: {', '.join(known)}",
            hint=JETSON_FORM,
        )
    return TargetDriver(version=version, jetpack=next(iter(same or near), None))


def _newest(jetsons: Sequence[RequestedGpu], catalog: Catalog) -> JetPack | None:
    fitting = [j for j in catalog.jetpacks if all(r.gpu.capability in j.capabilities for r in jetsons)]
    return fitting[-1] if fitting else None
