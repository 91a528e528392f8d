"""What the headers of a folder claim: for which GPUs and which driver its locks are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from envgen.core.builds import Build
from envgen.core.capability import ArchCode
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.records.request import RequestRecord
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules
from envgen.resolve.rules.libraries import dropped_by
from envgen.verify.findings import Code, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What is claimed of the locks of one platform: for which GPUs they are, and for which driver.

    `codes` are the entries of an arch list for whose every GPU a shipped lock is, `floor` the driver that it needs.
    `is_cpu` says that they are for the CPU.
    """

    gpus: tuple[Gpu, ...] = ()
    codes: tuple[ArchCode, ...] = ()
    driver: DriverVersion | None = None
    floor: DriverVersion | None = None
    is_cpu: bool = False


def claims_of(record: RequestRecord | None, subdir: Subdir) -> Claims:
    """Return what the request line claims for one platform; nothing when there is none."""
    platform = next((one for one in record.platforms if one.subdir is subdir), None) if record is not None else None
    if record is None or platform is None:
        return Claims()
    gpus = tuple(Gpu.of_capability(gpu.capability) for gpu in platform.gpus)
    return Claims(gpus=gpus, codes=record.codes, driver=platform.driver, floor=record.floor, is_cpu=record.is_cpu)


def check_build(build: Build, claims: Claims, file: str, builds: Catalog) -> Iterator[Finding]:
    """Hold the catalog's facts of a build against what the headers claim."""
    is_pip = build.package_set is PackageSet.PIP
    label = build.label if is_pip else f"pytorch {build.made_for}"
    arch_list = f"its arch list: {' '.join(str(code) for code in sorted(build.codes))} ({build.source})"
    for gpu in claims.gpus if build.codes else ():
        if code_for(build.codes, gpu, build.cuda) is None:
            title = f"{label} has no code for compute capability {gpu.capability}"
            yield Finding(code=Code.GPU_NOT_COVERED, file=file, title=title, evidence=(arch_list,))
    absent = [code for code in claims.codes if code not in build.codes] if build.codes else []
    if absent:
        title = f"{label} has no {' '.join(str(code) for code in absent)}"
        yield Finding(code=Code.GPU_NOT_COVERED, file=file, title=title, evidence=(arch_list,))
    yield from _check_driver(build, claims, file, builds, label)


def other_kind(label: str, claims: Claims, file: str) -> Finding:
    """A CPU build where CUDA was asked for, or the other way round."""
    if claims.is_cpu:
        title = f"{label} is a CUDA build, a CPU build was asked for"
        return Finding(code=Code.REQUEST_UNMET, file=file, title=title)
    return Finding(code=Code.CPU_BUILD, file=file, title=f"{label} is no CUDA build")


def _check_driver(build: Build, claims: Claims, file: str, builds: Catalog, label: str) -> Iterator[Finding]:
    some = claims.driver or claims.floor
    if some is None or build.is_cpu:
        return
    floor = DriverRules(driver=some, subdir=build.subdir, builds=builds).floor(build.cuda)
    if floor is None:
        return
    for what, driver in (("was asked for", claims.driver), ("is said to do", claims.floor)):
        if driver is not None and not driver.meets_floor(floor):
            title = f"{label} needs driver {floor} or newer, {driver} {what}"
            yield Finding(code=Code.DRIVER_TOO_OLD, file=file, title=title)


def check_once(names: Iterable[str], file: str) -> Iterator[Finding]:
    """Packages that a lock has several entries of."""
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        yield Finding(code=Code.PACKAGE_TWICE, file=file, title=f"{name} has several entries")


def check_cudnn(claims: Claims, name: str, version: str, file: str) -> Iterator[Finding]:
    """A cuDNN that dropped a GPU of the header."""
    asked = [gpu.capability for gpu in claims.gpus] + [code.capability for code in claims.codes]
    release = ".".join(part for part in version.split(".")[:2] if part.isascii() and part.isdigit())
    floor = dropped_by(release, min(asked)) if asked else None
    if floor is not None:
        title = f"{name} {version} has no kernels for compute capability {min(asked)}"
        fact = f"cuDNN {floor.since} and newer serve {floor.capability} and up (NVIDIA cuDNN support matrix)"
        yield Finding(code=Code.CUDNN_UNSUPPORTED, file=file, title=title, evidence=(fact,))
