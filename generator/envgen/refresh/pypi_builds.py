"""Task `pypi-torch`: Pythons of PyPI's own builds, and releases that no file knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from packaging.version import Version

from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.wheel_names import host_platforms
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import ProjectPage
from envgen.refresh.compile import compiled
from envgen.refresh.index_pages import FAMILY, read_pypi
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.releases import Release, read_releases
from envgen.refresh.wheel_tags import python_list, pythons_of, subdirs_of

_LINUX = (Subdir.LINUX_64, Subdir.LINUX_AARCH64)
PypiPythons = Mapping[tuple[str, Subdir], frozenset[str]]


def refresh_pypi_torch(inputs: Inputs) -> Outcome:
    """The files of releases with the Pythons that PyPI has files for, and findings about releases that none knows.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    releases = read_releases(inputs.folder)
    builds = read_table("torch_builds", inputs.folder)
    torch, vision, audio = (read_pypi(inputs, project) for project in FAMILY)
    known = [release.companions for release in releases.values()]
    of_audio = {cells[column] for cells in known for column in ("torchaudio", "torchaudio_loads")}
    made = compiled(inputs.folder, with_pypi_pythons(releases.values(), torch))
    findings = [
        *made.findings,
        *unknown_releases(torch, releases),
        *unknown_releases(vision, {cells["torchvision"] for cells in known}),
        *unknown_releases(audio, of_audio),
        *unmarked_builds(builds, torch),
        *newer_glibc(builds, torch),
        *yanked_releases(builds, torch),
    ]
    return Outcome(files=made.files, findings=tuple(findings))


def pypi_pythons(page: ProjectPage) -> PypiPythons:
    """(Release, subdir) -> the Pythons that PyPI has a file for."""
    found: defaultdict[tuple[str, Subdir], frozenset[str]] = defaultdict(frozenset)
    for file in page.files:
        for subdir in subdirs_of(file.name):
            found[file.name.version, subdir] |= pythons_of(file.name)
    return dict(found)


def with_pypi_pythons(releases: Iterable[Release], page: ProjectPage) -> Iterator[Release]:
    """The releases; builds that are PyPI's own have every Python that PyPI has a file for.

    Nothing is taken away: a CUDA index can have files for more Pythons than PyPI.

    Raises: SourceDataError when a build that is PyPI's own has no file at all on the page.
    """
    pypi = pypi_pythons(page)
    for release in releases:
        changed = release
        for key, cells in release.pip.items():
            if not cells["on_pypi"]:
                continue
            found = pypi.get((release.torch, Subdir(key[1])), frozenset())
            if not found:
                reason = f"no file of torch {release.torch} for {key[1]} on it, which PyPI had"
                raise SourceDataError(url=page.url, reason=reason)
            changed = changed.with_pip(key, pythons=python_list({*cells["pythons"].split(), *found}))
        yield changed


def unknown_releases(page: ProjectPage, known: Iterable[str]) -> Iterator[Finding]:
    """One warning for each final release that no file of a release names and that is not older than all of them."""
    names = {name for name in known if name}
    floor = min(names, key=release_key)
    pythons = pypi_pythons(page)
    for release in _final_releases(page):
        if release in names or Version(release) < Version(floor):
            continue
        files = {subdir: python_list(pythons[release, subdir]) for subdir in Subdir if (release, subdir) in pythons}
        yield Finding(
            code="unknown-release",
            title=f"unknown release: {page.project} {release} is on PyPI, no file of a release names it",
            evidence=tuple(f"{subdir}: Python {listed or 'any'}" for subdir, listed in files.items()),
            remedy="run `python -m envgen.refresh arch-lists --write`, which makes its file, then look it through"
            if page.project == "torch"
            else "run `python -m envgen.refresh companions --write`",
        )


def unmarked_builds(builds: Rows, page: ProjectPage) -> Iterator[Finding]:
    """One warning for each Linux release on PyPI whose rows say of none that it is PyPI's own build.

    aarch64 wheels of PyPI were CPU builds before the first row that is marked, so those are left out.
    """
    for subdir in _LINUX:
        rows = [row for row in builds if row["subdir"] == subdir]
        marked = {row["torch"] for row in rows if row["on_pypi"]}
        first = min(map(release_key, marked), default=())
        for release in sorted({row["torch"] for row in rows} - marked, key=release_key):
            if release_key(release) >= first and (release, subdir) in pypi_pythons(page):
                tags = " ".join(row["cuda_tag"] for row in rows if row["torch"] == release)
                yield Finding(
                    code="pypi-build-unmarked",
                    title=f"PyPI has torch {release} for {subdir}, and no row is marked as that build",
                    evidence=(f"rows: {tags}",),
                    remedy="see which CUDA it is with `python -m envgen.refresh arch-lists`, then set on_pypi to yes",
                )


def newer_glibc(builds: Rows, page: ProjectPage) -> Iterator[Finding]:
    """One warning for each build that is PyPI's own and has no file for the glibc that its row states."""
    for row in builds:
        subdir = Subdir(row["subdir"])
        if not row["on_pypi"] or not row["glibc"]:
            continue
        tags = {
            tag
            for file in page.files
            if file.name.version == row["torch"] and subdir in subdirs_of(file.name)
            for tag in file.name.platforms
        }
        if tags and tags.isdisjoint(host_platforms(subdir, row["glibc"])):
            yield Finding(
                code="glibc-differs",
                title=f"torch {row['torch']} for {subdir} needs a newer glibc than the {row['glibc']} of its row",
                evidence=(f"platform tags on PyPI: {' '.join(sorted(tags))}",),
                remedy="correct the column glibc by hand",
            )


def yanked_releases(builds: Rows, page: ProjectPage) -> Iterator[Finding]:
    """One warning for each release of the table that PyPI has withdrawn, in part or as a whole."""
    known = {row["torch"] for row in builds if row["on_pypi"]}
    yanked = {file.name.version for file in page.files if file.is_yanked} & known
    for release in sorted(yanked, key=release_key):
        yield Finding(
            code="release-yanked",
            title=f"PyPI has yanked files of torch {release}",
            remedy="read why on its page; mark a build that must not be chosen as uncertain, and say why in its note",
        )


def _final_releases(page: ProjectPage) -> list[str]:
    """The releases that are neither candidates nor yanked and have a file for one of our subdirs, oldest first."""
    found: set[str] = set()
    for file in page.files:
        if file.is_yanked or not subdirs_of(file.name):
            continue
        if not Version(file.name.version).is_prerelease:
            found.add(file.name.version)
    return sorted(found, key=Version)
