"""Fetches pages: PyTorch's CUDA indexes and PyPI's projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envgen.core.dataclass import dataclass
from envgen.net.client import StatusError
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.fetch import fetch
from envgen.net.pip_index import ProjectPage, read_project
from envgen.net.sites import Site
from envgen.refresh.outcome import Inputs

FAMILY = ("torch", "torchvision", "torchaudio")


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaPage:
    """A project's page of the index of a CUDA tag. `site` is the URL that was read, `canonical` PyTorch's own page."""

    tag: str
    canonical: str
    site: str
    page: ProjectPage


def read_cuda_pages(inputs: Inputs, urls: Mapping[str, str], known: Iterable[tuple[str, str]]) -> list[CudaPage]:
    """Return the pages of the family on every CUDA index (`urls`: CUDA tag -> URL), in that order.

    `known` are the (CUDA tag, project) that must have one; the others may be absent.

    Raises: UnreachableError, SourceDataError.
    """
    expected = set(known)
    pages = []
    for tag, url in urls.items():
        site = Site.parse(inputs.wheel_mirror).below(tag) if inputs.wheel_mirror else Site.parse(url)
        for project in FAMILY:
            page = _cuda_page(inputs, site, project, expected=(tag, project) in expected)
            if page is not None:
                pages.append(CudaPage(tag=tag, canonical=f"{url}/{project}/", site=site.url, page=page))
    return pages


def read_pypi(inputs: Inputs, project: str) -> ProjectPage:
    """Return PyPI's page of a project.

    Raises: UnreachableError, SourceDataError.
    """
    page = read_project(Site.parse(inputs.pypi), project, patience=inputs.patience)
    if page is None or not page.files:
        raise SourceDataError(url=f"{Site.parse(inputs.pypi).url}/{project}/", reason=f"no wheel of {project}")
    return page


def read_text(inputs: Inputs, url: str, *, absent: str | None = None) -> str:
    """Return the text at a URL; `absent` stands for one that is not there.

    Raises: UnreachableError, SourceDataError.
    """
    page = fetch(url, login=Site.parse(url), accept="*/*", patience=inputs.patience)
    if page is None and absent is None:
        raise SourceDataError(url=url, reason="nothing is there")
    return absent or "" if page is None else page.body.decode("utf-8", errors="replace")


def _cuda_page(inputs: Inputs, site: Site, project: str, *, expected: bool) -> ProjectPage | None:
    """The page, or None when the index has none and need not have one."""
    url = f"{site.url}/{project}/"
    try:
        page = read_project(site, project, patience=inputs.patience)
    except UnreachableError as error:
        # download.pytorch.org answers 403, not 404, where nothing is (read 2026-11-24 in a public user report).
        if expected or not (isinstance(error.__cause__, StatusError) and error.__cause__.status == 403):
            raise
        return None
    if page is None and expected:
        raise SourceDataError(url=url, reason=f"no such page, but wheels.csv knows files of {project} on it")
    return page
