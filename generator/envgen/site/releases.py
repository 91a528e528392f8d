"""A page a PyTorch release, and the picture and calendar of all: what has code for what, and what ended when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from envgen.core.capability import ComputeCapability
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.facts.tables import read_table
from envgen.site.decisions import Table
from envgen.site.frame import Frame, Page
from envgen.site.picture import cells, major_floor, picture

_FIRST_IN_PICTURE = (1, 13)
# No build of the catalog has code for an older one.
_FIRST_WITH_CODE = ComputeCapability(3, 5)


@cache
def released() -> Mapping[str, str]:
    """Release of torch -> the day it came out."""
    return {row["torch"]: row["released"] for row in read_table("torch_releases")}


def last_release(table: Table, capability: ComputeCapability, subdir: Subdir) -> str:
    """The newest release whose wheels some driver and Python run on a capability, or an empty string."""
    found = {
        answer.pip.build.torch
        for (have, where, _), row in table.rows.items()
        if (have, where) == (capability, subdir)
        for answer in (table.answers[at] for _, at in row)
        if answer.pip
    }
    return max(found, key=release_key, default="")


def release_pages(frame: Frame, catalog: Catalog, table: Table) -> Iterator[Page]:
    """The page of all releases, and a page for each."""
    say = frame.say
    capabilities = [found for found in sorted(catalog.support) if found >= _FIRST_WITH_CODE]
    every = {build.torch for subdir in CUDA_SUBDIRS for build in catalog.builds(PackageSet.PIP, subdir)}
    releases = sorted(every, key=release_key)
    recent = [release for release in reversed(releases) if release_key(release) >= _FIRST_IN_PICTURE]
    title = say["all_releases"]
    yield frame.page(
        "releases.html",
        "releases.html.j2",
        title,
        pictures=[
            (s.value, picture(cells(catalog, s), capabilities, recent, title=f"{say[s.value]}: {title}", name=s.value))
            for s in CUDA_SUBDIRS
        ],
        calendar=[(str(c), [_calendar(frame, table, c, subdir) for subdir in CUDA_SUBDIRS]) for c in capabilities],
        platforms=[subdir.value for subdir in CUDA_SUBDIRS],
        releases=[(release, released().get(release, "")) for release in reversed(releases)],
    )
    for release in releases:
        groups = [(subdir.value, _builds(catalog, release, subdir)) for subdir in CUDA_SUBDIRS]
        yield frame.page(
            f"torch/{release}.html",
            "torch.html.j2",
            frame.fill("page_torch", torch=release),
            release=release,
            released=released().get(release, ""),
            groups=[group for group in groups if group[1]],
        )


def _calendar(frame: Frame, table: Table, capability: ComputeCapability, subdir: Subdir) -> dict[str, str]:
    last = last_release(table, capability, subdir)
    if not last:
        return {"text": frame.say["none"], "page": ""}
    date = released().get(last, "")
    return {"text": f"{last} ({date})" if date else last, "page": last}


def _builds(catalog: Catalog, release: str, subdir: Subdir) -> list[dict[str, str]]:
    every = (build for package_set in PackageSet for build in catalog.builds(package_set, subdir))
    return [
        {
            "label": build.label,
            "archs": build.arch_list,
            "floor": str(major_floor(build.cuda, subdir, catalog) or "?"),
            "pythons": ", ".join(build.pythons),
            "evidence": build.evidence,
            "source": build.source,
        }
        for build in every
        if build.torch == release
    ]
