"""Looks at PyTorch's index before and after a solve: the wanted wheels exist, carry hashes, and are the known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from envgen.core.dataclass import dataclass
from envgen.core.requirements import read_version
from envgen.core.wheel_names import WheelName
from envgen.facts.wheels import TorchPin, WheelCatalog
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import IndexFile, ProjectPage, read_project, read_requires
from envgen.net.sites import Site
from envgen.solve.errors import WheelHashError, WheelMissingError
from envgen.solve.pip.query import PipQuery

PYPI = "pypi"  # as the catalog would name it; it holds files of the CUDA indexes only


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWheels:
    """The wheels of PyTorch's family that a solve may use, checked: project -> the files that fit the query.

    `open_pins` are the table's pins that the torch wheel's own metadata leaves open (all, if it is not served).
    """

    files: Mapping[str, tuple[IndexFile, ...]]
    open_pins: tuple[TorchPin, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """`torch==2.14.1+cu126` and so on, exactly as the files are named."""
        return tuple(f"{project}=={files[0].name.version}" for project, files in self.files.items())

    def find(self, filename: str) -> IndexFile | None:
        """The checked file of that name, or None."""
        return next((f for files in self.files.values() for f in files if f.name.filename == filename), None)


def look_up_wheels(  # noqa: PLR0913 -- what is known beforehand, each from its own table
    query: PipQuery,
    site: Site,
    *,
    catalog: WheelCatalog,
    pins: Iterable[TorchPin],
    patience: Patience,
    report: Callable[[str], None],
) -> WantedWheels:
    """Return the checked wheels of torch and its wanted companions.

    Raises: WheelMissingError, SourceDataError (a file without sha256, which uv would download whole to hash it),
    WheelHashError, UnreachableError.
    """
    index = PYPI if query.on_pypi else query.cuda_tag
    files = {}
    for project, version in query.pinned_family.items():
        page = read_project(site, project, patience=patience)
        fitting = _fitting(page, query, version) if page else ()
        if not fitting or page is None:
            raise _missing(page, site, query, project, version)
        for file in fitting:
            check_index_file(file, page.url, index=index, catalog=catalog)
        if not fitting[0].has_metadata:
            report(f"{page.url} serves no metadata beside {fitting[0].name.filename}; uv reads it out of the wheel")
        files[project] = fitting
    requires = read_requires(site, files["torch"][0], patience=patience)
    return WantedWheels(files=files, open_pins=tuple(pins) if requires is None else pins_left_open(pins, requires))


def extra_family(query: PipQuery, names: Iterable[str], site: Site, *, patience: Patience) -> tuple[str, ...]:
    """Which of some packages PyTorch's index publishes for this host."""
    found = []
    for name in names:
        page = read_project(site, name, patience=patience)
        if page and any(_fits(f, query) for f in page.files):
            found.append(name)
    return tuple(found)


def check_index_file(file: IndexFile, url: str, *, index: str, catalog: WheelCatalog) -> None:
    """Raise unless the file has a sha256, and the known one where one is known.

    Raises: SourceDataError, WheelHashError.
    """
    if not file.sha256:
        advice = "use an index or mirror that states sha256 for its files"
        raise SourceDataError(url=url, reason=f"no sha256 for {file.name.filename}", advice=advice)
    check_known(file.name.filename, file.sha256, found_in=url, index=index, catalog=catalog)


def check_known(filename: str, sha256: str, *, found_in: str, index: str, catalog: WheelCatalog) -> None:
    """Raise WheelHashError when the catalog knows another sha256 of that file on that CUDA index."""
    for known in catalog.find(filename, index=index):
        if known.sha256 and known.sha256 != sha256:
            source = f"{known.source}; {known.note}" if known.note else known.source
            raise WheelHashError(
                filename=filename, expected=known.sha256, expected_from=source, found=sha256, found_in=found_in
            )


def pins_left_open(pins: Iterable[TorchPin], requires: Iterable[str]) -> tuple[TorchPin, ...]:
    """The pins whose package the metadata doesn't pin itself, unless the metadata rules the pin's version out.

    The wheel's own metadata is the better source wherever it speaks.
    """
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    stated: dict[str, SpecifierSet] = {}
    for line in requires:
        requirement = Requirement(line)
        stated[requirement.name.lower()] = stated.get(requirement.name.lower(), SpecifierSet()) & requirement.specifier
    return tuple(
        pin
        for pin in pins
        if (spec := stated.get(pin.package)) is None
        or (not any(part.operator in ("==", "===") for part in spec) and spec.contains(pin.version, prereleases=True))
    )


def _fitting(page: ProjectPage, query: PipQuery, version: str) -> tuple[IndexFile, ...]:
    """The page's files of a release that fit the host, those with the CUDA tag before those without a local version.

    torch itself must carry the tag: an untagged file on a CUDA index may be anything.
    """
    tags = [""] if query.on_pypi else [query.cuda_tag, ""] if page.project != "torch" else [query.cuda_tag]
    for tag in tags:
        found = [f for f in page.files if f.name.release == version and f.name.local == tag and _fits(f, query)]
        if found:
            return tuple(found)
    return ()


def _fits(file: IndexFile, query: PipQuery) -> bool:
    return not file.is_yanked and file.name.fits(python=query.python, subdir=query.subdir, glibc=query.glibc)


def _missing(page: ProjectPage | None, site: Site, query: PipQuery, project: str, version: str) -> WheelMissingError:
    url = page.url if page else f"{site.below(project).url}/"
    local = "" if query.on_pypi else f"+{query.cuda_tag}"
    glibc = f", glibc {query.glibc}" if query.glibc else ""
    wanted = f"{project} {version}{local} for {query.subdir.value}, Python {query.python}{glibc}"
    if page is None:
        return WheelMissingError(url=url, wanted=wanted, exists=(), advice="check the index's URL; it has no such page")
    of_release = sorted(f.name.filename for f in page.files if f.name.release == version)
    advice = ""
    if not of_release and page.files:
        advice = f"it lists {project} {', '.join(_releases(f.name for f in page.files)[-6:])}"
    return WheelMissingError(url=url, wanted=wanted, exists=tuple(of_release), advice=advice)


def _releases(names: Iterable[WheelName]) -> list[str]:
    """The versions of some files, oldest first; what is no version is left out."""
    versions = {version for name in names if (version := read_version(name.version)) is not None}
    return [str(version) for version in sorted(versions)]
