"""Every decision for one GPU, as a table: capability, platform, Python and the driver from which an answer holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.driver import DriverRules
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import failures
from envgen.resolve.shipped import newest

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One distinct answer: the pairings of both sets, and the shipped locks that run for it (folders, or empty).

    `reason` is the first reason of the newest build when nothing runs; `next_driver` and `next_torch` say which newer
    driver would give which newer release, or are empty.
    """

    pip: Pairing | None
    conda: Pairing | None
    pip_lock: str = ""
    conda_lock: str = ""
    reason: str = ""
    notices: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two answers one for a reader: the builds, the code that runs, the locks and the notices."""
        return (_part(self.pip), _part(self.conda), self.pip_lock, self.conda_lock, self.reason, self.notices)


def _part(pairing: Pairing | None) -> tuple[object, ...]:
    if pairing is None:
        return ()
    return pairing.build.label, str(pairing.code[0].code), str(pairing.driver_floor), pairing.torchvision, pairing.specs


@dataclass(slots=True)
class Table:
    """All answers, and where each holds.

    `rows` maps (capability, subdir, Python) to (driver, position in `answers`) pairs, the oldest driver first: an
    answer holds from its driver on, up to the next one's. `assumed` maps (capability, subdir) to the driver that is
    assumed when none is given.
    """

    answers: list[Answer] = field(default_factory=list)
    rows: dict[tuple[ComputeCapability, Subdir, str], list[tuple[str, int]]] = field(default_factory=dict)
    assumed: dict[tuple[ComputeCapability, Subdir], str] = field(default_factory=dict)


def decision_table(catalog: Catalog, shipped: Sequence[Shipped], pythons: Sequence[str] = PYTHONS) -> Table:
    """Decide for every capability, platform, Python and driver at which an answer can change."""
    table = Table()
    known: dict[tuple[object, ...], int] = {}
    for subdir in CUDA_SUBDIRS:
        drivers = thresholds(catalog, subdir)
        for capability in sorted(catalog.support):
            for python in pythons:
                row: list[tuple[str, int]] = []
                for driver in drivers:
                    answer = _decide(_request(capability, subdir, python, driver, catalog), catalog, shipped)
                    at = known.setdefault(answer.identity, len(table.answers))
                    if at == len(table.answers):
                        table.answers.append(answer)
                    if not row or row[-1][1] != at:
                        row.append((driver, at))
                table.rows[capability, subdir, python] = row
            assumed = resolve(catalog, _request(capability, subdir, "3.12", None, catalog)).driver
            table.assumed[capability, subdir] = str(assumed)
    return table


def thresholds(catalog: Catalog, subdir: Subdir) -> list[str]:
    """The drivers at which any decision can change on a platform, the oldest first.

    Floors of CUDA majors, minimums of the toolkits that builds were made with, and the branches that bring another
    CUDA, know a GPU first or serve it last.
    """
    windows = subdir.is_windows
    found = {str(floor.windows if windows else floor.linux) for floor in catalog.floors.values()}
    rules = DriverRules(driver=DriverVersion.parse("999"), subdir=subdir, builds=catalog)
    toolkits = {build.cuda for package_set in PackageSet for build in catalog.builds(package_set, subdir)}
    found |= {str(minimum) for cuda in toolkits if (minimum := rules.toolkit_minimum(cuda)) is not None}
    firsts = {support.first_branch for support in catalog.support.values()}
    lasts = {support.last_branch for support in catalog.support.values()}
    cuda = ""
    for branch in catalog.branches:
        majors = sorted({branch.branch, *branch.windows_majors}) if windows else [branch.branch]
        if branch.cuda != cuda or branch.branch in firsts:  # what a branch serves by its own CUDA begins with it
            found.add(f"{majors[0]}.00")
        if branch.branch in lasts:
            found.add(f"{majors[-1] + 1}.00")
        cuda = branch.cuda
    found |= {f"{branch}.00" for branch in firsts if branch is not None}
    if not windows:  # WSL shows the Windows number: what is a number of Windows alone is read as its branch
        of_linux = {branch.branch for branch in catalog.branches}
        alone = {major for branch in catalog.branches for major in branch.windows_majors} - of_linux
        found |= {f"{number}.00" for major in alone for number in (major, major + 1)}
        found |= {str(floor.windows) for floor in catalog.floors.values()}
    parsed = {DriverVersion.parse(text if "." in text else f"{text}.00") for text in found}
    return [str(driver) for driver in sorted(parsed, key=lambda driver: driver.parts)]


def _request(
    capability: ComputeCapability, subdir: Subdir, python: str, driver: str | None, catalog: Catalog
) -> Request:
    name = f"compute capability {capability}"
    gpu = Gpu(name=name, capability=capability, architecture=catalog.support[capability].architecture)
    return Request(
        gpus=(RequestedGpu(input=str(capability), gpu=gpu),),
        subdir=subdir,
        python=python,
        driver=DriverVersion.parse(driver) if driver else None,
        driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
        glibc=catalog.default_glibc,
    )


def _decide(request: Request, catalog: Catalog, shipped: Sequence[Shipped]) -> Answer:
    resolution = resolve(catalog, request)
    nothing = resolution.pip is None and resolution.conda is None
    return Answer(
        pip=resolution.pip,
        conda=resolution.conda,
        pip_lock=_lock(PackageSet.PIP, request, catalog, shipped),
        conda_lock=_lock(PackageSet.CONDA, request, catalog, shipped),
        reason=_first_reason(request, catalog) if nothing else "",
        notices=tuple(_lasting(resolution)),
    )


def _first_reason(request: Request, catalog: Catalog) -> str:
    """The code of what speaks most against the newest build."""
    newest_build = catalog.builds(PackageSet.PIP, request.subdir)[-1]
    return next((failure.code.value for failure in failures(newest_build, Evaluation.of(request, catalog))), "")


def _lasting(resolution: Resolution) -> Iterator[str]:
    """The codes of what a reader must know; what only the command line's own run means is left out."""
    left_out = {"driver-assumed", "driver-branch-only", "no-conda-pairing", "no-pip-pairing"}
    return (notice.code for notice in resolution.notices if notice.code not in left_out)


def _lock(package_set: PackageSet, request: Request, catalog: Catalog, shipped: Iterable[Shipped]) -> str:
    found = newest(package_set, shipped, request, catalog)
    if found is None:
        return ""
    build = found.build
    lock = Shipped(
        package_set=package_set,
        subdir=request.subdir,
        python=request.python,
        torch=build.torch,
        cuda_tag=build.cuda_tag,
    )
    return lock.folder.as_posix()
