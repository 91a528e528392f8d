"""Reads a project's page of a Python package index: PEP 691 JSON or PEP 503 HTML, whichever is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urljoin

from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.json_text import JsonError, parse_json
from envgen.core.requirements import normalise_project
from envgen.core.wheel_names import WheelName, file_name, project_and_version
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError
from envgen.net.fetch import Page, fetch
from envgen.net.sites import Site, without_credentials

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/+%-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """One wheel on a project's page. `sha256` is empty and `size` None when the page does not state them.

    `has_metadata` says that the index serves the wheel's metadata apart from the wheel (PEP 658). `uploaded` is when
    (ISO 8601, PEP 700); it and `requires_python` (PEP 345) are empty when the page does not state them.
    """

    name: WheelName
    url: str
    sha256: str
    size: int | None
    has_metadata: bool
    is_yanked: bool
    uploaded: str = ""
    requires_python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One source distribution on a project's page, as IndexFile has them."""

    version: str
    url: str
    sha256: str
    is_yanked: bool
    uploaded: str = ""
    requires_python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """The files of one project on one index, in the page's order. `url` carries no credentials."""

    project: str
    url: str
    files: tuple[IndexFile, ...]
    sources: tuple[SourceFile, ...] = ()

    def find(self, filename: str) -> IndexFile | None:
        """The file of that name, or None."""
        return next((f for f in self.files if f.name.filename == filename), None)

    def find_source(self, filename: str) -> SourceFile | None:
        """The source distribution of that name, or None."""
        return next((one for one in self.sources if file_name(one.url) == filename), None)


def read_project(site: Site, project: str, *, patience: Patience) -> ProjectPage | None:
    """Return a project's page of the index at `site`, or None when the index has no such page.

    Raises: UnreachableError, SourceDataError.
    """
    url = f"{site.below(normalise_project(project)).url}/"
    page = fetch(url, login=site, accept=_ACCEPT, patience=patience)
    return parse_page(page, project) if page else None


def read_requires(site: Site, file: IndexFile, *, patience: Patience) -> tuple[str, ...] | None:
    """Return the Requires-Dist lines of a wheel's metadata (PEP 658), or None when the index does not serve it.

    Raises: UnreachableError, SourceDataError.
    """
    if not file.has_metadata:
        return None
    page = fetch(f"{file.url}.metadata", login=site, accept="*/*", patience=patience)
    if page is None:
        return None
    from packaging.metadata import parse_email

    metadata, _ = parse_email(page.body)
    if normalise_project(metadata.get("name", "")) != file.name.project:
        raise SourceDataError(url=page.url, reason=f"not the metadata of {file.name.project}")
    return tuple(metadata.get("requires_dist", ()))


def parse_page(page: Page, project: str) -> ProjectPage:
    """Return the wheels and source distributions of a page; broken names are left out, as pip and uv do.

    Raises: SourceDataError when the page is cut off or is not an index page.
    """
    text = page.body.decode("utf-8", errors="replace")
    is_json = "json" in page.content_type or text.lstrip()[:1] == "{"
    found = list(_json_files(page, text) if is_json else _html_files(page, text))
    wanted = normalise_project(project)
    return ProjectPage(
        project=wanted,
        url=page.url,
        files=tuple(f for f in found if isinstance(f, IndexFile) and f.name.project == wanted),
        sources=tuple(f for f in found if isinstance(f, SourceFile) and _is_of(f, wanted)),
    )


def _is_of(source: SourceFile, project: str) -> bool:
    found = project_and_version(file_name(source.url))
    return found is not None and found[0] == project


def _json_files(page: Page, text: str) -> Iterator[IndexFile | SourceFile]:
    try:
        document = parse_json(text)
    except JsonError as error:
        raise SourceDataError(url=page.url, reason=f"not readable as JSON: {error}") from error
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, list):
        raise SourceDataError(url=page.url, reason='a JSON index page must hold a list "files" (PEP 691)')
    for entry in files:
        if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
            raise SourceDataError(url=page.url, reason="an entry of its files has no url (PEP 691)")
        hashes = entry.get("hashes")
        size = entry.get("size")
        metadata = entry.get("core-metadata") or entry.get("dist-info-metadata")
        yield from _file(
            page,
            href=entry["url"],
            sha256=str(hashes.get("sha256", "")) if isinstance(hashes, dict) else "",
            size=size if isinstance(size, int) else None,
            has_metadata=bool(metadata),
            is_yanked=bool(entry.get("yanked")),
            uploaded=str(entry.get("upload-time") or ""),
            requires_python=str(entry.get("requires-python") or ""),
        )


def _html_files(page: Page, text: str) -> Iterator[IndexFile | SourceFile]:
    from envgen.net.html_links import read_links  # most indexes answer in JSON

    try:
        read = read_links(text)
    except ValueError as error:
        raise SourceDataError(url=page.url, reason=f"a link on it cannot be read: {error}") from error
    if not read.is_whole:
        raise SourceDataError(url=page.url, reason=f"the HTML page ends in the middle, after {len(page.body)} bytes")
    if not read.links and not any(meta.get("name") == "pypi:repository-version" for meta in read.metas):
        raise SourceDataError(
            url=page.url, reason=f"no link on it: not an index page ({page.content_type or 'no type'})"
        )
    for anchor in read.links:
        href, _, fragment = anchor.get("href", "").partition("#")
        algorithm, _, digest = fragment.partition("=")
        yield from _file(
            page,
            href=href,
            sha256=digest.partition("&")[0] if algorithm == "sha256" else "",
            size=None,
            has_metadata="data-core-metadata" in anchor or "data-dist-info-metadata" in anchor,
            is_yanked="data-yanked" in anchor,
            requires_python=anchor.get("data-requires-python", ""),
        )


def _file(  # noqa: PLR0913 -- one for each thing that a page says about a file
    page: Page,
    *,
    href: str,
    sha256: str,
    size: int | None,
    has_metadata: bool,
    is_yanked: bool,
    uploaded: str = "",
    requires_python: str = "",
) -> Iterator[IndexFile | SourceFile]:
    try:
        # A plain address is what it would be joined to, and PyPI's page of torch has two thousand.
        url = href if _ADDRESS.fullmatch(href) else without_credentials(urljoin(page.url, href))
    except ValueError:  # no URL
        return
    filename, digest = file_name(url), sha256.strip().lower()
    name = _name(filename)
    if name is not None and digest and not _SHA256.fullmatch(digest):
        raise SourceDataError(url=page.url, reason=f"the sha256 of {filename} is not 64 hex digits")
    if isinstance(name, str):
        yield SourceFile(
            version=name,
            url=url,
            sha256=digest,
            is_yanked=is_yanked,
            uploaded=uploaded,
            requires_python=requires_python,
        )
    if not isinstance(name, WheelName):
        return
    yield IndexFile(
        name=name,
        url=url,
        sha256=digest,
        size=size,
        has_metadata=has_metadata,
        is_yanked=is_yanked,
        uploaded=uploaded,
        requires_python=requires_python,
    )


def _name(filename: str) -> WheelName | str | None:
    """What a wheel's name says, the version of a source distribution, or None for anything else."""
    if filename.endswith(".whl"):
        with suppress(ValueFormatError):
            return WheelName.parse(filename)
        return None
    found = project_and_version(filename)
    return found[1] if found else None
