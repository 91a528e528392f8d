"""The packages that were asked for, solved by uv with torch left open among the releases that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.core.errors import some_of
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.requirements import normalise_project, parsed, read_specifiers
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.facts.catalog import Catalog
from envgen.net.deadline import Deadline, Patience
from envgen.net.sites import Site
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.solve.errors import SolveFailedError
from envgen.solve.extras import Extras
from envgen.solve.pip.answer import UvPackage
from envgen.solve.pip.built_for import BuiltFor, built_for
from envgen.solve.pip.query import FAMILY, newer_glibcs, platform_for_uv
from envgen.solve.pip.sources import AllowedSources
from envgen.solve.pip.uv import UvRequest

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


_NAMED = 4  # packages that a message names
_ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What is asked for on one target: further packages, and any torch that runs there."""

    request: Request
    catalog: Catalog
    extras: Extras
    deadline: Deadline
    pypi: str = field(default_factory=lambda: PYPI)

    def releases(self) -> tuple[str, ...]:
        """The releases of torch with a build that runs, oldest first."""
        builds = self.catalog.builds(PackageSet.PIP, self.request.subdir, cpu=self.request.is_cpu)
        runs = {b.torch for b in builds if pairing_if_it_runs(b, self.request, self.catalog) is not None}
        return tuple(sorted(runs, key=release_key))

    def solve(self, *, instead: Sequence[str] = (), longest_s: float = 60.0) -> Found:
        """uv's answer; the packages come first and torch last, so that uv gives up a newer torch before one of them.

        `instead` are requirements that take the place of those of the same packages.

        Raises: SolveFailedError when they go with none of the releases; UnreachableError, SourceDataError, SolverError.
        """
        request, releases = self.request, self.releases()
        named = some_of(instead or self.extras.pip, _NAMED)
        subject = f"{named} with any torch that runs, {request.subdir.value}, Python {request.python}"
        if not releases:
            raise SolveFailedError(solver="pip", subject=subject, explanation=("no build of torch runs there",))
        asked = UvRequest(
            subject=subject,
            python=request.python,
            platform=platform_for_uv(request.subdir, request.glibc),
            requirements=(*_replaced(self.extras.pip, instead), f"torch{self._bounds(releases)}"),
            constraints=self.extras.constraints_for(request.subdir, request.python),
            torch_index=None,
            torch_names=(),
            default_index=Site.parse(self.pypi),
        )
        patience = Patience(deadline=Deadline.after(min(longest_s, self.deadline.left())))
        found, reasons = self._compiled(asked, patience), list[str]()
        for _ in range(_ROUNDS):
            unfit = next((one for one in found.built_for if not one.fits(found.torch)), None)
            if unfit is None:
                return found
            reasons.append(f"{unfit.label} is built for torch {unfit.torch}: {unfit.source}")
            # The packages come first: an older torch before an older release of one.
            try:
                asked = replace(asked, requirements=(*asked.requirements, f"torch{unfit.torch}"))
                found = self._compiled(asked, patience)
            except SolveFailedError:
                requirements, constraints = asked.requirements[:-1], (*asked.constraints, unfit.others)
                asked = replace(asked, requirements=requirements, constraints=constraints)
                found = self._compiled(asked, patience, reasons)
        raise SolveFailedError(solver="pip", subject=subject, explanation=tuple(reasons))

    def _compiled(self, asked: UvRequest, patience: Patience, reasons: Sequence[str] = ()) -> Found:
        """uv's answer, or `reasons` why there is none."""
        request = self.request
        allowed = AllowedSources(
            names=self.extras.sources, python=request.python, subdir=request.subdir, glibc=request.glibc
        )
        try:
            packages = {package.name: package for package in allowed.compile(asked, patience=patience)}
        except SolveFailedError as error:
            error.explanation = (*reasons, *error.explanation)
            raise
        versions = {name: package.version for name, package in packages.items()}
        return Found(packages=packages, built_for=tuple(built_for(versions, self.catalog)))

    def newer_glibcs(self) -> tuple[Request, ...]:
        """The request with each newer glibc, oldest first."""
        request = self.request
        glibcs = newer_glibcs(request.glibc) if request.subdir.is_linux else ()
        return tuple(replace(request, glibc=glibc) for glibc in glibcs)

    def bounds_on(self, project: str) -> list[SpecifierSet]:
        """What the request itself allows of a project."""
        return [each.specifier for each in parsed(self.extras.pip) if normalise_project(each.name) == project]

    def _bounds(self, releases: Sequence[str]) -> str:
        """A specifier that only some releases meet, of those that the catalog knows."""
        known = sorted(self.catalog.companions, key=release_key)
        between = (one for one in known if release_key(releases[0]) < release_key(one) < release_key(releases[-1]))
        excluded = (f"!={one}" for one in between if one not in releases)
        return ",".join((f">={releases[0]}", f"<={releases[-1]}", *excluded))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A solution: name -> package, and what some of them are built for."""

    packages: Mapping[str, UvPackage]
    built_for: tuple[BuiltFor, ...] = ()

    @property
    def torch(self) -> str:
        """The release of torch."""
        return self.packages["torch"].version.partition("+")[0]

    @property
    def sources(self) -> frozenset[str]:
        """The packages that are taken as source distributions."""
        files = ((name, wheel.url) for name, package in self.packages.items() for wheel in package.wheels)
        return frozenset(name for name, url in files if not url.endswith(".whl"))

    def excluding(self, torch: str) -> dict[str, str]:
        """Package with its version -> the bounds that it sets on torch, of those that exclude a release."""
        found = {one.label: one.torch for one in self.built_for if not one.fits(torch)}
        for name, text in self.packages["torch"].via.items():
            bounds = text.replace(" ", "")
            specifiers = read_specifiers(bounds)
            if specifiers is not None and torch not in specifiers and name not in FAMILY:
                found[f"{name} {self.packages[name].version}"] = bounds
        return found


def _replaced(extras: Sequence[str], instead: Sequence[str]) -> tuple[str, ...]:
    """Requirements with others for some of the packages; the extras of a package (`jax[cuda13]`) stay."""
    from packaging.requirements import Requirement

    others = {normalise_project(one.name): one for one in map(Requirement, instead)}
    kept = []
    for one in map(Requirement, extras):
        other = others.pop(normalise_project(one.name), None)
        if other is not None:
            one.specifier = other.specifier
        kept.append(str(one))
    return (*kept, *map(str, others.values()))
