"""One request with what the rules need to know of it, looked up once and not once for each build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from envgen.core.builds import Build, DriverSupport
from envgen.core.capability import ArchCode, CodeKind
from envgen.core.drivers import DriverVersion
from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.request import Request, RequestedGpu
from envgen.core.resolution import RejectionCode
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_in
from envgen.resolve.driver import DriverRules, SupportedGpu, assumed_driver, first_dropped, last_release, supports
from envgen.resolve.failure import Failure

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

# The oldest driver that will do, or None, and what speaks against an older one.
NeededDriver = tuple[DriverVersion | None, tuple[Failure, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an arch list holds for the GPUs of a request: the code that each runs, in their order, None without any.

    `missing` speaks against every build with that list.
    """

    codes: tuple[ArchCode | None, ...]
    needs_ptx: bool
    missing: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every build is asked.

    `supports` are the GPUs whose capability the catalog knows, with their drivers. `off_platform` and `off_branch`
    speak against every build alike. `torch` is `--torch` as read, None when it was not given.
    """

    request: Request
    rules: DriverRules
    torch: SpecifierSet | None
    supports: tuple[SupportedGpu, ...]
    off_platform: tuple[Failure, ...]
    off_branch: tuple[Failure, ...]
    _coverages: dict[str, Coverage] = field(default_factory=dict, repr=False, compare=False)
    _drivers: dict[tuple[str, bool], NeededDriver] = field(default_factory=dict, repr=False, compare=False)
    _elsewhere: list[Question] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, request: Request, builds: Catalog) -> Self:
        """The question that a request asks. Without a driver the newest that serves all its GPUs is assumed.

        Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
        """
        driver = request.driver or assumed_driver(request, builds)
        rules = DriverRules(driver=driver, subdir=request.subdir, builds=builds)
        found = supports(request, builds)
        return cls(
            request=request,
            rules=rules,
            torch=_specifiers(request.torch),
            supports=tuple(found),
            off_platform=tuple(f for gpu, support in found for f in _off_platform(gpu, support, request)),
            off_branch=tuple(_off_branch(found, rules)),
        )

    def elsewhere(self) -> Question:
        """The same question on the platform that the first GPU which is part of one belongs to."""
        if not self._elsewhere:
            request = replace(self.request, subdir=Subdir(self.off_platform[0].unlock["platform"]))
            self._elsewhere.append(Question.of(request, self.rules.builds))
        return self._elsewhere[0]

    def coverage(self, build: Build) -> Coverage:
        """What a build holds for the GPUs. Hundreds of builds share a few dozen arch lists."""
        found = self._coverages.get(build.arch_list)
        if found is None:
            found = self._coverages[build.arch_list] = _coverage(build.arch_list, self.request)
        return found

    def driver_floor(self, build: Build) -> DriverVersion | None:
        """The oldest driver that will do for a build on all GPUs of the request; None when no source states it."""
        return self._needed(build)[0]

    def driver_too_old(self, build: Build) -> tuple[Failure, ...]:
        """What speaks against every build with the same toolkit because of the driver's age."""
        return self._needed(build)[1]

    def _needed(self, build: Build) -> NeededDriver:
        key = build.cuda, self.coverage(build).needs_ptx
        found = self._drivers.get(key)
        if found is None:
            found = self._drivers[key] = _needed_driver(*key, self)
        return found


def _specifiers(torch: str) -> SpecifierSet | None:
    if not torch:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(torch)
    except InvalidSpecifier as error:
        expected = 'a PEP 440 specifier, such as "==2.14.*" or ">=2.6,<2.9"'
        raise ValueFormatError(kind="version specifier", value=torch, expected=expected, origin="--torch") from error


def _coverage(arch_list: str, request: Request) -> Coverage:
    codes = tuple(code_in(arch_list, requested.gpu.capability) for requested in request.gpus)
    missing = [requested.gpu for requested, code in zip(request.gpus, codes, strict=True) if code is None]
    return Coverage(
        codes=codes,
        needs_ptx=any(code is not None and code.kind is CodeKind.PTX for code in codes),
        missing=tuple(
            Failure(
                code=RejectionCode.NO_KERNEL_IMAGE,
                text=f" has no code for {gpu.name} (compute capability {gpu.capability}); its arch list is {arch_list}",
            )
            for gpu in missing
        ),
    )


def _needed_driver(cuda: str, needs_ptx: bool, question: Question) -> NeededDriver:
    """SASS counts from the CUDA major's floor, PTX from the toolkit's own driver; a GPU's first branch counts too."""
    rules = question.rules
    floor = rules.toolkit_minimum(cuda) if needs_ptx else rules.floor(cuda)
    if floor is None:
        text = f" needs the driver that came with CUDA {cuda} (it runs from PTX, or predates minor-version "
        text += "compatibility); no source states that driver, so it is unknown"
        return None, (Failure(code=RejectionCode.DRIVER_TOO_OLD, text=text),)
    firsts = [support.first_branch for _, support in question.supports if support.first_branch is not None]
    by_branch = not needs_ptx
    if firsts and max(firsts) > floor.branch:
        floor, by_branch = (
            DriverVersion.parse(str(max(firsts))),
            True,
        )  # any release of a later branch has the toolkit's
    if rules.driver.meets_floor(floor) if by_branch else rules.driver.serves_toolkit(floor):
        return floor, ()
    system = "Windows" if rules.subdir.is_windows else "Linux"
    text = f" needs driver {floor} or newer on {system}, the target has {rules.driver}"
    unlock = _driver_option(str(floor), question.supports, rules)
    return floor, (Failure(code=RejectionCode.DRIVER_TOO_OLD, text=text, unlock=unlock),)


def _off_platform(requested: RequestedGpu, support: DriverSupport, request: Request) -> Iterator[Failure]:
    if support.only_subdir not in (None, request.subdir):
        yield Failure(
            code=RejectionCode.NOT_ON_PLATFORM,
            text=f"{requested.gpu.name} (compute capability {requested.gpu.capability}) is part of a "
            f"{support.only_subdir} module, not of a {request.subdir} computer",
            unlock={"platform": str(support.only_subdir)},
            is_whole=True,
        )


def _off_branch(supports: Sequence[SupportedGpu], rules: DriverRules) -> Iterator[Failure]:
    """What speaks against the driver itself: it is too new or too old for a GPU, or none can serve all of them."""
    oldest = first_dropped(supports)
    newest = max(supports, key=lambda found: found[1].first_branch or 0, default=None)
    last = oldest[1].last_branch if oldest else None
    first = newest[1].first_branch if newest else None
    if oldest and newest and last is not None and first is not None and first > _last_major(last, rules):
        text = f"no driver serves both {oldest[0].gpu.name} (R{last} is its last branch) "
        text += f"and {newest[0].gpu.name} (R{first} is its first)"
        yield Failure(code=RejectionCode.DRIVER_PREDATES_GPU, text=text, is_whole=True)
        return
    branch = rules.driver.branch
    for requested, support in supports:
        if oldest and support.last_branch is not None and branch > _last_major(support.last_branch, rules):
            yield Failure(
                code=RejectionCode.DRIVER_TOO_NEW,
                text=f": driver {rules.driver} no longer serves {requested.gpu.name} ({support.architecture}); "
                f"R{support.last_branch} is the last branch that does",
                unlock={"driver": last_release(oldest[1], rules.subdir)},
            )
        if support.first_branch is not None and branch < support.first_branch:
            yield Failure(
                code=RejectionCode.DRIVER_PREDATES_GPU,
                text=f": driver {rules.driver} is older than the first branch that knows {requested.gpu.name}, "
                f"R{support.first_branch}",
                unlock={"driver": str(first)},
            )


def _driver_option(version: str, supports: Sequence[SupportedGpu], rules: DriverRules) -> dict[str, str]:
    """The option of a newer driver; empty when it no longer serves one of the GPUs."""
    oldest = first_dropped(supports)
    last = oldest[1].last_branch if oldest else None
    served = last is None or DriverVersion.parse(version).branch <= _last_major(last, rules)
    return {"driver": version} if served else {}


def _last_major(branch: int, rules: DriverRules) -> int:
    """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
    if not rules.subdir.is_windows:
        return branch
    entry = next((b for b in rules.builds.branches if b.branch == branch), None)
    return max(entry.windows_majors, default=branch) if entry else branch
