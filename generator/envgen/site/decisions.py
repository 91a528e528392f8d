"""Every decision for one GPU, as a table: capability, platform, Python and the driver from which an answer holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from itertools import count

from envgen.core.builds import Build, DriverSupport, Existence
from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Pairing, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import failures
from envgen.resolve.rules.driver import serves_gpus
from envgen.resolve.shipped import newest
from envgen.resolve.wsl import FIRST_BRANCH
from envgen.resolve.wsl_branch import linux_branch

# In front of a Jetson's JetPack, where others have a driver.
JETPACK = "JetPack "
# Older than every driver with minor-version compatibility, so that a row has an answer for each driver.
_OLDEST = "100.00"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One distinct answer: the pairings of both sets, and the shipped locks that run for it (folders, or empty).

    `reason` is the code of what speaks against most builds when nothing runs.
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
    answer holds from its driver on, up to the next one's. A Jetson's has each of its JetPacks (`JetPack 6.2`) instead,
    and each answer is for that one alone. `assumed` maps (capability, subdir) to what is assumed when no driver is
    given, `only` a capability to the one platform whose computers such GPUs are built into. `branches` has the answers
    for a bare branch (`525`) where they are not those of its first release. Of drivers of Windows alone, as WSL shows
    them, `windows_numbers` has the branch that stands for them on Linux; none where they have no CUDA in WSL.
    """

    answers: list[Answer] = field(default_factory=list)
    rows: dict[tuple[ComputeCapability, Subdir, str], list[tuple[str, int]]] = field(default_factory=dict)
    assumed: dict[tuple[ComputeCapability, Subdir], str] = field(default_factory=dict)
    only: dict[ComputeCapability, Subdir] = field(default_factory=dict)
    branches: dict[tuple[ComputeCapability, Subdir, str], list[tuple[str, int]]] = field(default_factory=dict)
    windows_numbers: Mapping[str, str] = field(default_factory=dict)


def decision_table(catalog: Catalog, shipped: Sequence[Shipped], pythons: Sequence[str] = PYTHONS) -> Table:
    """Decide for every capability, platform, Python and driver (a Jetson's JetPack) at which an answer can change."""
    table = Table(windows_numbers=windows_numbers(catalog))
    table.only = {capability: found.only_subdir for capability, found in catalog.support.items() if found.only_subdir}
    known: dict[tuple[object, ...], int] = {}
    for subdir in CUDA_SUBDIRS:
        for capability in sorted(catalog.support):
            about = _About(capability=capability, subdir=subdir, catalog=catalog)
            for python in pythons:
                _fill(table, about, python, shipped, known)
            table.assumed[capability, subdir] = about.assumed()
    return table


def _fill(
    table: Table, about: _About, python: str, shipped: Sequence[Shipped], known: dict[tuple[object, ...], int]
) -> None:
    row: list[tuple[str, int]] = []
    branches: list[tuple[str, int]] = []

    def place(driver: str) -> int:
        answer = about.answer(python, driver, shipped)
        at = known.setdefault(answer.identity, len(table.answers))
        if at == len(table.answers):
            table.answers.append(answer)
        return at

    targets = about.jetpacks() or about.drivers()
    for driver in targets:
        at = place(driver)
        if not row or row[-1][1] != at or driver.startswith(JETPACK):
            row.append((driver, at))
    for branch in dict.fromkeys(driver.partition(".")[0] for driver in targets if not driver.startswith(JETPACK)):
        at, first = place(branch), place(f"{branch}.00")
        if at != first:
            branches.append((branch, at))
    table.rows[about.capability, about.subdir, python] = row
    table.branches[about.capability, about.subdir, python] = branches


@dataclass(frozen=True, kw_only=True)
class _About:
    """What is asked for a GPU of one capability on one platform."""

    capability: ComputeCapability
    subdir: Subdir
    catalog: Catalog

    @cached_property
    def builds(self) -> Sequence[Build]:
        """The builds with code for it."""
        every = (build for package_set in PackageSet for build in self.catalog.builds(package_set, self.subdir))
        return [build for build in every if code_for(build.codes, self.catalog.gpu(self.capability), build.cuda)]

    def answer(self, python: str, driver: str, shipped: Sequence[Shipped]) -> Answer:
        """The answer for a driver or JetPack."""
        request = self.request(python, driver)
        evaluation = Evaluation.of(request, self.catalog)
        if self.builds and (refused := next(serves_gpus(self.builds[0], evaluation), None)):
            # Whether a driver serves a GPU is no matter of the build.
            return Answer(pip=None, conda=None, reason=refused.code.value)
        resolution = resolve(self.catalog, request)
        nothing = resolution.pip is None and resolution.conda is None
        return Answer(
            pip=resolution.pip,
            conda=resolution.conda,
            pip_lock="" if nothing else _lock(PackageSet.PIP, request, self.catalog, shipped),
            conda_lock="" if nothing else _lock(PackageSet.CONDA, request, self.catalog, shipped),
            reason=self._reason(request) if nothing else "",
            notices=tuple(_lasting(resolution)),
        )

    def jetpacks(self) -> list[str]:
        """The JetPacks of the Jetsons with this capability, the oldest first; none where there is no Jetson."""
        if self.subdir is not Subdir.LINUX_AARCH64:
            return []
        return [f"{JETPACK}{j.release}" for j in self.catalog.jetpacks if self.capability in j.capabilities]

    def drivers(self) -> list[str]:
        """The drivers at which an answer can change; one where no build has code, since none changes that."""
        found = thresholds(self.catalog, self.subdir, self.catalog.support[self.capability], self.builds)
        return [_OLDEST, *found] if self.builds else [_OLDEST]

    def assumed(self) -> str:
        """The driver or JetPack that is assumed when none is given."""
        jetpacks = self.jetpacks()
        return jetpacks[-1] if jetpacks else str(resolve(self.catalog, self.request("3.12", "")).driver)

    def request(self, python: str, driver: str) -> Request:
        """A request with a driver, a JetPack, or neither (an empty text)."""
        jetpacks = {f"{JETPACK}{jetpack.release}": jetpack for jetpack in self.catalog.jetpacks}
        jetpack = jetpacks.get(driver)
        version = jetpack.driver if jetpack else DriverVersion.parse(driver) if driver else None
        return Request(
            gpus=(RequestedGpu(input=str(self.capability), gpu=self.catalog.gpu(self.capability)),),
            subdir=self.subdir,
            python=python,
            driver=version,
            driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
            jetpack=jetpack,
            glibc=jetpack.glibc if jetpack else self.catalog.default_glibc,
        )

    def _reason(self, request: Request) -> str:
        """The code of what speaks against most builds with code for the GPU, but for those that are only rumoured."""
        evaluation = Evaluation.of(request, self.catalog)
        certain = (build for build in self.builds if build.existence is not Existence.UNCERTAIN)
        codes = Counter(next(failures(build, evaluation)).code for build in certain)
        return codes.most_common(1)[0][0].value if codes else RejectionCode.NO_KERNEL_IMAGE.value


def thresholds(catalog: Catalog, subdir: Subdir, support: DriverSupport, builds: Iterable[Build]) -> list[str]:
    """The drivers at which a decision among some builds can change for one capability, the oldest first.

    Floors of CUDA majors, minimums of the toolkits that the builds were made with, and the branches that bring the CUDA
    of one of these, know the GPU first or serve it last.
    """
    windows = subdir.is_windows
    toolkits = {build.cuda for build in builds}
    floors = [floor for major, floor in catalog.floors.items() if any(release_key(c)[0] == major for c in toolkits)]
    found = {str(floor.windows if windows else floor.linux) for floor in floors}
    rules = DriverRules(driver=DriverVersion.parse("999"), subdir=subdir, builds=catalog)
    found |= {str(minimum) for cuda in toolkits if (minimum := rules.toolkit_minimum(cuda)) is not None}
    served, alone = 0, _windows_majors(catalog)
    for branch in catalog.branches:
        majors = sorted({branch.branch, *branch.windows_majors}) if windows else [branch.branch]
        serves = sum(release_key(cuda)[:2] <= release_key(branch.cuda) for cuda in toolkits)
        if serves != served or branch.branch == support.first_branch:
            found |= {f"{major}.00" for major in (majors[0], min(branch.windows_majors, default=0)) if major in majors}
        if branch.branch == support.last_branch:
            found.add(f"{next(n for n in count(majors[-1] + 1) if windows or n not in alone)}.00")
        served = serves
    if support.first_branch is not None:
        found.add(f"{support.first_branch}.00")
    parsed = {DriverVersion.parse(text) for text in found}
    return [str(driver) for driver in sorted(parsed, key=lambda driver: driver.parts)]


def _windows_majors(catalog: Catalog) -> set[int]:
    """What stands in front of the dot in drivers of Windows alone."""
    found = {major for branch in catalog.branches for major in branch.windows_majors}
    return found - {branch.branch for branch in catalog.branches}


def windows_numbers(catalog: Catalog) -> Mapping[str, str]:
    """Driver of Windows, as WSL shows it -> its branch on Linux: 528.33 and every later 528.x are R525.

    `528` is the bare branch, `528.00` holds from the first release on; 460.107 is above the last that Linux has of
    R460, whose bare number is a branch of Linux. The branch is empty where drivers have no CUDA in WSL yet.
    """
    found = {}
    branches = {branch.branch: branch for branch in catalog.branches}
    for major in sorted({major for branch in catalog.branches for major in branch.windows_majors}):
        own = branches.get(major)
        if own is None:
            floors = [str(floor.windows) for floor in catalog.floors.values() if floor.windows.branch == major]
            numbers = [f"{major}", f"{major}.00", *floors]
        elif own.last_linux:
            found[f"{major}"] = f"{major}"
            numbers = [f"{major}.{DriverVersion.parse(own.last_linux).parts[1] + 1}"]
        else:
            continue
        for number in numbers:
            branch = linux_branch(DriverVersion.parse(number), catalog.branches, catalog.floors)
            found[number] = str(branch) if branch.branch >= FIRST_BRANCH else ""
    return found


def _lasting(resolution: Resolution) -> Iterator[str]:
    """The codes of what a reader must know; what only the command line's own run means is left out."""
    codes = "driver-assumed driver-branch-only jetpack no-conda-pairing no-pip-pairing wsl-driver wsl-limits"
    left_out = frozenset(codes.split())
    return (notice.code for notice in resolution.notices if notice.code not in left_out)


def _lock(package_set: PackageSet, request: Request, catalog: Catalog, shipped: Iterable[Shipped]) -> str:
    found = newest(package_set, shipped, request, catalog)
    return Shipped.of(found.build, request.python).folder.as_posix() if found is not None else ""
