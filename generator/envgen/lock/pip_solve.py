"""Solves a pip pairing into a lock: torch's family from its own index, everything else from PyPI, every file hashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from envgen.core.errors_lock import SolverError, WheelHashError
from envgen.core.locks import PipLock, PipPackage
from envgen.core.wheel_names import WheelName, normalise_project
from envgen.facts.wheels import TorchPin, TorchPins, WheelCatalog
from envgen.lock.fetch import Deadline, Retry, Site
from envgen.lock.pip_query import FAMILY, PYPI_INDEX, PipQuery, plain_requirement
from envgen.lock.pip_wheels import WantedWheels, extra_family, look_up_wheels
from envgen.lock.uv_compile import UvPackage, UvRequest, UvWheel, compile_packages
from envgen.lock.wheel_choice import best_wheel

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WAREHOUSE_PATH = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+")
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Where traffic goes, and what the lock says instead."""

    torch: Site
    pypi: Site
    torch_canonical: str
    writes_mirror: bool

    @classmethod
    def of(cls, query: PipQuery, *, wheel_mirror: str, pypi: str, writes_mirror: bool) -> _Sources:
        default = Site.parse(pypi or PYPI_INDEX)
        mirrored = Site.parse(wheel_mirror).below(query.cuda_tag) if wheel_mirror else Site.parse(query.torch_index)
        return cls(
            torch=default if query.on_pypi else mirrored,
            pypi=default,
            torch_canonical=query.torch_index,
            writes_mirror=writes_mirror,
        )


def solve_pip(  # noqa: PLR0913 -- each option is a user's
    query: PipQuery,
    *,
    wheel_mirror: str = "",
    pypi: str = "",
    write_mirror: bool = False,
    offline: bool = False,
    timeout_s: float = 300.0,
    retry: Retry | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> PipLock:
    """Return the complete, checked lock of a pip pairing.

    Traffic for PyTorch's index goes to `<wheel_mirror>/<cuda tag>/`, for PyPI to `pypi`; the lock names the canonical
    URLs, or the mirrors' with `write_mirror`. A login in a mirror's URL reaches only that mirror.

    Raises: IndexUnreachableError (the only one after which a shipped lock is a fair answer), IndexDataError,
    WheelMissingError, WheelHashError, SolveFailedError, SolverError, UsageError.
    """
    report = progress or _silent
    retry = retry or Retry()
    deadline = Deadline.after(timeout_s)
    sources = _Sources.of(query, wheel_mirror=wheel_mirror, pypi=pypi, writes_mirror=write_mirror)
    catalog = WheelCatalog.load()
    pins = TorchPins.load().of(query.torch, query.cuda_tag, query.subdir)
    names = tuple(_project(plain_requirement(extra)) for extra in query.extras)
    if offline:
        wanted, family = None, ()
    else:
        report(f"reading {sources.torch.url}")
        wanted = look_up_wheels(
            query, sources.torch, catalog=catalog, pins=pins, deadline=deadline, retry=retry, report=report
        )
        family = () if query.on_pypi else extra_family(query, names, sources.torch, deadline=deadline, retry=retry)
    open_pins = wanted.open_pins if wanted else pins
    request = _uv_request(query, sources, wanted, open_pins, family)
    for _ in range(_ROUNDS):
        report(f"solving {query.subject}")
        packages = compile_packages(request, deadline=deadline, retry=retry, offline=offline, cache_dir=cache_dir)
        strays = _strays(query, request, packages)
        if not strays:
            return _checked_lock(query, sources, request, packages, wanted, open_pins, catalog)
        # A package asked for a companion that the query doesn't name: PyPI's is another build, so ask again for the index's.
        request = replace(
            request, requirements=(*request.requirements, *strays), torch_names=(*request.torch_names, *strays)
        )
    raise SolverError(solver="uv", reason=f"it keeps taking {', '.join(strays)} from PyPI")


def _silent(text: str) -> None:
    del text


def _project(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return normalise_project(found[0]) if found else ""


def _uv_request(
    query: PipQuery,
    sources: _Sources,
    wanted: WantedWheels | None,
    pins: Iterable[TorchPin],
    extra_names: tuple[str, ...],
) -> UvRequest:
    named = query.pinned_family | {"torch": query.torch_version}
    family = wanted.requirements if wanted else tuple(f"{project}=={version}" for project, version in named.items())
    return UvRequest(
        subject=query.subject,
        python=query.python,
        platform=query.uv_platform,
        requirements=(*family, *query.extras),
        constraints=(*query.constraints, *(f"{pin.package}=={pin.version}" for pin in pins)),
        torch_index=None if query.on_pypi else sources.torch,
        torch_names=() if query.on_pypi else (*query.pinned_family, *extra_names),
        default_index=sources.pypi,
    )


def _strays(query: PipQuery, request: UvRequest, packages: Iterable[UvPackage]) -> tuple[str, ...]:
    """The members of torch's family that were not told to come from its index."""
    if query.on_pypi:
        return ()
    return tuple(p.name for p in packages if p.name in FAMILY and p.name not in request.torch_names)


def _checked_lock(  # noqa: PLR0913 -- the solve's own parts
    query: PipQuery,
    sources: _Sources,
    request: UvRequest,
    packages: tuple[UvPackage, ...],
    wanted: WantedWheels | None,
    pins: tuple[TorchPin, ...],
    catalog: WheelCatalog,
) -> PipLock:
    pinned = {pin.package: pin for pin in pins}
    locked = []
    for package in packages:
        wheel = best_wheel(package, query)
        is_torch = package.name in request.torch_names
        _check_wheel(query, package, wheel, is_torch=is_torch, wanted=wanted, catalog=catalog)
        reason = _reason(package, pinned.get(package.name))
        locked.append(_locked(package, wheel, sources, is_torch=is_torch, reason=reason, size=wheel.size or _size(wheel, catalog)))
    lock = PipLock(subdir=query.subdir, python=query.python, glibc=query.glibc, packages=tuple(locked))
    if lock.version_of("torch") != query.torch_version:
        reason = f"it locked torch {lock.version_of('torch') or 'not at all'} instead of {query.torch_version}"
        raise SolverError(solver="uv", reason=reason)
    _check_constraints(lock, request)
    return lock


def _check_wheel(
    query: PipQuery,
    package: UvPackage,
    wheel: UvWheel,
    *,
    is_torch: bool,
    wanted: WantedWheels | None,
    catalog: WheelCatalog,
) -> None:
    """Raise unless the file has a hash, and the one that the index page showed and the catalog knows."""
    filename = file_name(wheel.url)
    if not _SHA256.fullmatch(wheel.sha256):
        raise SolverError(solver="uv", reason=f"it gave no sha256 for {filename}")
    if not is_torch:
        return
    listed = wanted.find(filename) if wanted else None
    if listed and listed.sha256 != wheel.sha256:
        found_in = "uv's answer, a moment later"
        raise WheelHashError(
            filename=filename, expected=listed.sha256, expected_from=listed.url, found=wheel.sha256, found_in=found_in
        )
    if wanted and not listed and package.name in wanted.files:
        raise SolverError(solver="uv", reason=f"it took {filename}, which the index did not list for {query.subject}")
    for known in catalog.find(filename, index=query.cuda_tag):
        if known.sha256 and known.sha256 != wheel.sha256:
            raise WheelHashError(
                filename=filename, expected=known.sha256, expected_from=known.source, found=wheel.sha256, found_in=wheel.url
            )


def _check_constraints(lock: PipLock, request: UvRequest) -> None:
    """Raise when a constraint does not hold: uv honours them, but cuDNN below 9.11 is what a Pascal GPU hangs on."""
    from packaging.requirements import Requirement

    for text in request.constraints:
        constraint = Requirement(text)
        version = lock.version_of(normalise_project(constraint.name))
        if version and not constraint.specifier.contains(version, prereleases=True):
            raise SolverError(solver="uv", reason=f"it locked {constraint.name} {version} against the constraint {text}")


def _reason(package: UvPackage, pin: TorchPin | None) -> str:
    via = "requested" if package.is_requested or not package.via else f"via {', '.join(package.via)}"
    return f"{via}; pinned: {pin.source}" if pin else via


def _size(wheel: UvWheel, catalog: WheelCatalog) -> int | None:
    return next((k.size for k in catalog.find(file_name(wheel.url)) if k.sha256 == wheel.sha256), None)


def _locked(
    package: UvPackage, wheel: UvWheel, sources: _Sources, *, is_torch: bool, reason: str, size: int | None
) -> PipPackage:
    if sources.writes_mirror:
        index, url = (sources.torch.url if is_torch else sources.pypi.url), wheel.url
    elif is_torch:
        index = sources.torch_canonical
        url = f"{index}/{quote(file_name(wheel.url))}"
    else:
        index, url = PYPI_INDEX, canonical_pypi_url(wheel.url, package.name)
    return PipPackage(
        name=package.name, version=package.version, index=index, url=url, sha256=wheel.sha256, size=size, reason=reason
    )


def file_name(url: str) -> str:
    """The file name that a URL ends in, decoded."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def canonical_pypi_url(url: str, project: str) -> str:
    """Return PyPI's own URL of a file that an index or mirror serves at `url`.

    Most mirrors keep PyPI's path; for others there is the address by file name that PyPI redirects from
    (https://warehouse.pypa.io/api-reference/integration-guide.html, "Predictable URLs").
    """
    parts = urlsplit(url)
    kept = _WAREHOUSE_PATH.search(parts.path)
    if kept:
        return f"https://files.pythonhosted.org{kept[0]}"
    filename = file_name(url)
    tag = ".".join(WheelName.parse(filename).interpreters)
    return f"https://files.pythonhosted.org/packages/{tag}/{project[0]}/{project}/{quote(filename)}"


