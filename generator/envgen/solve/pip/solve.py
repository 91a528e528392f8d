"""Solves a pip pairing into a lock: torch's family from its own index, everything else from PyPI, every file hashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from envgen.core.dataclass import dataclass
from envgen.core.locks import PassedOver, PipLock, PipPackage
from envgen.core.releases import CPU
from envgen.core.requirements import project_of, read_version
from envgen.core.resolution import Notice
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.core.wheel_names import file_name
from envgen.facts.catalog import Catalog
from envgen.facts.wheels import TorchPin, TorchPins, WheelCatalog
from envgen.net.cache import keep_file
from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.served import canonical_pypi_url, check_served
from envgen.net.sites import Site
from envgen.solve.errors import SolveFailedError, SolverError, WheelHashError
from envgen.solve.pip.built_for import BuiltFor, built_for
from envgen.solve.pip.choice import best_wheel
from envgen.solve.pip.constraints import check_constraints
from envgen.solve.pip.query import FAMILY, FAMILY_IF_THERE, PipQuery, asked_sometimes, plain_requirement
from envgen.solve.pip.seen import Listed, remember, seen_before, wheels_of_last
from envgen.solve.pip.sources import AllowedSources
from envgen.solve.pip.uv import UvRequest, UvRun, started

if TYPE_CHECKING:
    from envgen.solve.pip.answer import UvPackage, UvWheel
    from envgen.solve.pip.wheels import WantedWheels

__all__ = ["check_constraints", "solve_pip"]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROUNDS = 3
_READING_S = 60.0  # what looking into the wheels may cost; it warns, no lock hangs on it


def solve_pip(  # noqa: PLR0913 -- each option is a user's
    query: PipQuery,
    *,
    preferred: PipLock | None = None,
    wheel_mirror: str = "",
    pypi: str = "",
    write_mirror: bool = False,
    timeout_s: float = 300.0,
    retry: Retry | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> PipLock:
    """Return the complete, checked lock of a pip pairing.

    Traffic for PyTorch's index goes to `<wheel_mirror>/<cuda tag>/`, for PyPI to `pypi`; the lock names the canonical
    URLs, or the mirrors' with `write_mirror`. A login in a mirror's URL reaches only that mirror. Versions of
    `preferred`, an earlier lock, are taken again where nothing speaks against them. `meanwhile` is called while uv
    works, if it is started early enough.

    Raises: UnreachableError (the only one after which a shipped lock is a fair answer), SourceDataError,
    WheelMissingError, WheelHashError, SolveFailedError, SolverError, UsageError.
    """
    default = Site.parse(pypi or PYPI)
    mirrored = Site.parse(wheel_mirror).below(query.cuda_tag) if wheel_mirror else Site.parse(query.torch_index)
    solve = _Solve(
        query=query,
        torch=default if query.on_pypi else mirrored,
        pypi=default,
        writes_mirror=write_mirror,
        patience=Patience(deadline=Deadline.after(timeout_s), retry=retry or Retry()),
        catalog=WheelCatalog.load(),
        pins=tuple(pin for pin in TorchPins.load().of(query.torch, query.cuda_tag, query.subdir) if pin.is_exact),
        preferred=_versions(preferred) if preferred is not None else {},
        cache_dir=cache_dir,
        report=progress or _silent,
    )
    return solve.run(meanwhile)


def check_extras(query: PipQuery, *, pypi: str = "", timeout_s: float = 300.0) -> None:
    """Raise SolveFailedError when the extra packages of a query have no solution on PyPI, whatever torch they get."""
    request = UvRequest(
        subject=f"{', '.join(query.extras)} alone, {query.subdir.value}, Python {query.python}",
        python=query.python,
        platform=query.uv_platform,
        requirements=query.extras,
        constraints=(),
        torch_index=None,
        torch_names=(),
        default_index=Site.parse(pypi or PYPI),
    )
    _allowed(query).compile(request, patience=Patience(deadline=Deadline.after(timeout_s)))


def _allowed(query: PipQuery) -> AllowedSources:
    return AllowedSources(names=query.sources, python=query.python, subdir=query.subdir, glibc=query.glibc)


def _silent(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solve:
    """One solve: the query, where traffic goes, and what is known beforehand."""

    query: PipQuery
    torch: Site
    pypi: Site
    writes_mirror: bool
    patience: Patience
    catalog: WheelCatalog
    pins: tuple[TorchPin, ...]
    preferred: Mapping[str, str]
    cache_dir: Path | None
    report: Callable[[str], None]

    def run(self, meanwhile: Callable[[], None] | None) -> PipLock:
        with self._ahead() as (guess, run):
            wanted, listed = self._look_up()
            request = self._request(listed)
            if guess == request:
                from envgen.net.wheel_contents import load_contents
                from envgen.solve.pip.answer import load_reading

                load_reading()
                if meanwhile is not None:
                    meanwhile()
                if self.query.extras:  # or nobody asks for what the wheels hold
                    load_contents(wheels_of_last(self.query))
                return self._solved(request, wanted, run)
        return self._solved(request, wanted)

    @contextmanager
    def _ahead(self) -> Iterator[tuple[UvRequest | None, UvRun | None]]:
        """uv at work on what it will be asked most likely, while the index is read, which says what it is asked."""
        listed = None if self.query.sources else seen_before(self.query, self.pins)
        if listed is None:
            yield None, None
            return
        request = self._request(listed)
        with started(request, patience=self.patience, cache_dir=self.cache_dir) as run:
            yield request, run

    def _solved(self, request: UvRequest, wanted: WantedWheels, run: UvRun | None = None) -> PipLock:
        """The lock of a request, on which `run` may be at work."""
        query = self.query
        before: tuple[UvRequest, tuple[UvPackage, ...]] | None = None
        for _ in range(_ROUNDS):
            self.report(f"solving {query.subject}")
            try:
                packages = run.packages([]) if run is not None else self._compiled(request)
            except SolveFailedError as error:
                if before is not None:  # the index has not the release that is needed
                    return self._lock(*before, wanted)
                strays = self._strays(request, re.findall(r"[a-z]+", " ".join(error.explanation)))
                if not strays:
                    raise
            else:
                names = [package.name for package in packages]
                strays = self._strays(request, names)
                if not strays and (strays := self._published(request, names)):
                    before = request, packages
                if not strays:
                    return self._lock(request, packages, wanted)
            # Something asks for a companion that the query doesn't name. PyPI's is another build (and pins another
            # torch, so that there may be no solution), so ask again for the index's.
            request, run = self._with_companions(request, strays), None
        raise SolverError(solver="uv", reason=f"it keeps taking {', '.join(strays)} from PyPI")

    def _compiled(self, request: UvRequest) -> tuple[UvPackage, ...]:
        return _allowed(self.query).compile(request, patience=self.patience, cache_dir=self.cache_dir)

    def _look_up(self) -> tuple[WantedWheels, Listed]:
        from envgen.solve.pip.wheels import extra_family, look_up_wheels

        query = self.query
        self.report(f"reading {self.torch.url}")
        wanted = look_up_wheels(
            query, self.torch, catalog=self.catalog, pins=self.pins, patience=self.patience, report=self.report
        )
        names = () if query.on_pypi else asked_sometimes(query.extras)
        sometimes = extra_family(query, names, self.torch, patience=self.patience)
        listed = Listed(requirements=wanted.requirements, pins=wanted.open_pins, sometimes=sometimes)
        remember(query, listed)
        return wanted, listed

    def _request(self, listed: Listed) -> UvRequest:
        """What uv is asked."""
        query = self.query
        extras = tuple(plain_requirement(extra) for extra in query.extras)
        return UvRequest(
            subject=query.subject,
            python=query.python,
            platform=query.uv_platform,
            requirements=(*listed.requirements, *extras),
            constraints=(
                *query.constraints,
                *(f"{pin.package}=={pin.version}" for pin in listed.pins),
                *(() if query.cuda_tag == CPU else (query.bindings_bound,)),
                *(f"{name}=={version}" for name, version in self._companions().items() if query.on_pypi),
            ),
            torch_index=None if query.on_pypi else self.torch,
            torch_names=() if query.on_pypi else (*query.pinned_family, *listed.sometimes),
            default_index=self.pypi,
            preferred=self.preferred,
        )

    def _strays(self, request: UvRequest, names: Iterable[str]) -> tuple[str, ...]:
        """The members of torch's family among the names that were not told to come from its index."""
        if self.query.on_pypi:
            return ()
        return tuple(sorted(FAMILY.intersection(names).difference(request.torch_names)))

    def _published(self, request: UvRequest, names: Iterable[str]) -> tuple[str, ...]:
        """What came along from PyPI although torch's index has it, built for its CUDA (torchcodec)."""
        further = sorted(FAMILY_IF_THERE.intersection(names).difference(request.torch_names))
        if not further or self.query.on_pypi:
            return ()
        from envgen.solve.pip.wheels import extra_family

        return extra_family(self.query, further, self.torch, patience=self.patience)

    def _with_companions(self, request: UvRequest, names: tuple[str, ...]) -> UvRequest:
        """The request with further members of the family, in the release that goes with torch where one is known."""
        versions = self._companions()
        added = (f"{name}=={version}" if (version := versions.get(name)) else name for name in names)
        return replace(
            request, requirements=(*request.requirements, *added), torch_names=(*request.torch_names, *names)
        )

    def _companions(self) -> dict[str, str]:
        """Project -> the release that goes with torch, of those that the catalog knows; another one may not load."""
        known = Catalog.load().companions.get(self.query.torch)
        if known is None:
            return {}
        audio = known.audio_for(self.query.python, self.query.cuda_tag)
        named = {"torchvision": known.torchvision, "torchaudio": audio}
        return {project: version for project, version in named.items() if version}

    def _lock(self, request: UvRequest, packages: tuple[UvPackage, ...], wanted: WantedWheels) -> PipLock:
        query = self.query
        asked = {project_of(extra) for extra in query.extras}
        # uv was told of the index of what comes along by asking for it; torchvision is what goes with torch.
        ours = FAMILY | (FAMILY_IF_THERE - asked)
        packages = tuple(
            replace(one, is_requested=one.is_requested and one.name in FAMILY, passed=None) if one.name in ours else one
            for one in packages
        )
        pinned = {pin.package: pin for pin in wanted.open_pins}
        wheels = {package.name: best_wheel(package, query) for package in packages}
        locked = []
        for package in packages:
            wheel = wheels[package.name]
            self._check(package, wheel, request, wanted)
            reason = _reason(package, pinned.get(package.name))
            is_torch = package.name in request.torch_names
            needs = tuple(other.name for other in packages if package.name in other.via)
            locked.append(self._locked(package, wheel, is_torch=is_torch, reason=reason, needs=needs))
        lock = PipLock(
            subdir=query.subdir,
            python=query.python,
            glibc=query.glibc,
            packages=tuple(locked),
            passed_over=tuple(_passed_over(packages)),
        )
        if lock.version_of("torch") != query.torch_version:
            reason = f"it locked torch {lock.version_of('torch') or '(none)'} instead of {query.torch_version}"
            raise SolverError(solver="uv", reason=reason)
        check_constraints(lock, request.constraints)
        if not query.extras:
            return lock
        return replace(lock, notices=self._notices(lock, {name: wheel.url for name, wheel in wheels.items()}))

    def _notices(self, lock: PipLock, served: Mapping[str, str]) -> tuple[Notice, ...]:
        """What the wheels themselves say; `served` is where each is. Raises: CudaClashError."""
        from envgen.solve.pip.contents import judged, read_all, wheels_of

        query = self.query
        self.report("reading what the wheels hold")
        asked = [project_of(extra) for extra in query.extras]
        patience = replace(self.patience, deadline=Deadline.after(min(_READING_S, self.patience.deadline.left())))
        wheels = wheels_of(lock, asked, served)
        contents = read_all(wheels, patience=patience)
        keep_file(wheels_of_last(query), "\n".join(wheel.sha256 for wheel in wheels))
        told = judged(wheels, contents, build=f"{query.torch}+{query.cuda_tag}", major=query.cuda_major)
        sources = (package for package in lock.packages if package.is_source)
        known = built_for({package.name: package.version for package in lock.packages}, Catalog.load())
        unsure = (_built_for_unknown(one) for one in known if not one.torch)
        return (*(_from_source(package) for package in sources), *unsure, *told)

    def _check(self, package: UvPackage, wheel: UvWheel, request: UvRequest, wanted: WantedWheels) -> None:
        """Raise unless the file has a hash: the one that the index's page showed, and the known one."""
        filename = file_name(wheel.url)
        if not _SHA256.fullmatch(wheel.sha256):
            raise SolverError(solver="uv", reason=f"it gave no sha256 for {filename}")
        own = package.name in request.torch_names
        mirror = (self.torch if own else self.pypi) if self.writes_mirror else None
        check_served(wheel.url, project=package.name, version=package.version, mirror=mirror)
        listed = wanted.find(filename)
        if listed and listed.sha256 != wheel.sha256:
            raise WheelHashError(
                filename=filename,
                expected=listed.sha256,
                expected_from="the index's page, a moment ago",
                found=wheel.sha256,
                found_in=wheel.url,
            )
        if not listed and package.name in wanted.files:
            reason = f"it took {filename}, which the index did not list for {self.query.subject}"
            raise SolverError(solver="uv", reason=reason)
        if package.name in request.torch_names:
            from envgen.solve.pip.wheels import check_known

            check_known(filename, wheel.sha256, found_in=wheel.url, index=self.query.cuda_tag, catalog=self.catalog)

    def _locked(
        self, package: UvPackage, wheel: UvWheel, *, is_torch: bool, reason: str, needs: tuple[str, ...]
    ) -> PipPackage:
        if self.writes_mirror:
            index, url = (self.torch.url if is_torch else self.pypi.url), wheel.url
        elif is_torch:
            index = self.query.torch_index
            url = f"{index}/{quote(file_name(wheel.url))}"
        else:
            index, url = PYPI, canonical_pypi_url(wheel.url, package.name)
        known = (k.size for k in self.catalog.find(file_name(wheel.url)) if k.sha256 == wheel.sha256)
        return PipPackage(
            name=package.name,
            version=package.version,
            index=index,
            url=url,
            sha256=wheel.sha256,
            size=wheel.size if wheel.size is not None else next(known, None),
            reason=reason,
            dependencies=needs,
        )


def _passed_over(packages: Iterable[UvPackage]) -> Iterator[PassedOver]:
    """The requested packages that are not at the newest release that was looked at."""
    for package in packages:
        if package.passed is not None:
            yield PassedOver(name=package.name, locked=package.version, newer=package.passed)


def _versions(lock: PipLock) -> dict[str, str]:
    """Project -> version of a lock's packages, without what is none: the file may come from anybody."""
    named = {package.name: read_version(package.version) for package in lock.packages if _NAME.fullmatch(package.name)}
    return {name: str(version) for name, version in named.items() if version is not None}


def _built_for_unknown(one: BuiltFor) -> Notice:
    text = f"{one.label} is built for one release of torch, and no source says which: import it before you count on it "
    return Notice(code="built-for-unknown", text=f"{text}({one.source})", package_set=PackageSet.PIP)


def _from_source(package: PipPackage) -> Notice:
    text = f"{package.name} {package.version} is locked as a source distribution: it is built on the machine that "
    text += "installs it, which needs what it is built with (a compiler, CUDA's toolkit)"
    return Notice(code="from-source", text=text, package_set=PackageSet.PIP)


def _reason(package: UvPackage, pin: TorchPin | None) -> str:
    via = "requested" if package.is_requested or not package.via else f"via {', '.join(package.via)}"
    return f"{via}; pinned: {pin.source}" if pin else via
