"""Which CUDA major the requested packages load, by what is known of their wheels on PyPI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from envgen.core.patterns import Pattern
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.requirements import cuda_major_in, normalise_project, parsed, project_of
from envgen.facts.catalog import Catalog

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import Specifier

_RELEASE = Pattern(r"^\d+(?:\.\d+)*")


def for_companions(request: Request, requirements: Iterable[str], catalog: Catalog) -> Request:
    """The request with the CUDA majors that its packages of the pip set load; all of them must load the same."""
    known = {row["package"].partition("[")[0] for row in catalog.rows("companion_cuda")}
    # Most say nothing of CUDA, and need no parser.
    telling = (text for text in requirements if (name := project_of(text)) in known or cuda_major_in(name))
    found = {major for requirement in parsed(telling) for major in _majors(requirement, catalog)}
    return replace(request, cuda_major=found.pop()) if len(found) == 1 else request


def _majors(requirement: Requirement, catalog: Catalog) -> Iterator[int]:
    name = normalise_project(requirement.name)
    if named := cuda_major_in(name):
        yield named
    wanted = {name, *(f"{name}[{normalise_project(extra)}]" for extra in requirement.extras)}
    rows = [row for row in catalog.rows("companion_cuda") if row["package"] in wanted]
    known = [row for row in rows if _can_be(requirement, row["since"])]
    if known:  # rows are sorted by release, oldest first
        yield int(known[-1]["cuda_major"])


def _can_be(requirement: Requirement, since: str) -> bool:
    """True when the bounds leave a release from `since` on."""
    return not any(_ends_before(bound, _numbers(since)) for bound in requirement.specifier if since)


def _ends_before(bound: Specifier, since: tuple[int, ...]) -> bool:
    version = _numbers(bound.version)
    if bound.operator == "~=" or bound.version.endswith(".*"):
        prefix = version[:-1] if bound.operator == "~=" else version
        return bound.operator != "!=" and since[: len(prefix)] > prefix
    padded = (*since, *[0] * (len(version) - len(since)))
    return version < padded if bound.operator in ("==", "===", "<=") else bound.operator == "<" and version <= padded


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with."""
    found = _RELEASE.search(version)
    return release_key(found[0]) if found else ()
