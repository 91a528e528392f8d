"""A project of uv's: explicit indexes, sources with markers, and an extra for the CPU and one for CUDA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.resolution import Pairing
from envgen.core.sites import PYPI
from envgen.files.formats.pylock import environment_marker
from envgen.project.document import ProjectDocument, inline, lines, merged, plain, put
from envgen.project.lanes import Lanes

FILE = "pyproject.toml"
_FAMILY = ("torch", "torchvision", "torchaudio")
_OURS = "pytorch-"
# The names that envgen gives; uv's documentation has the same. `pytorch-rocm` and the like are a person's own.
_NAME = Pattern(rf"{_OURS}(?:cpu|cu\d{{2,3}})")


def edit(document: ProjectDocument, lanes: Lanes) -> None:
    """Put the lanes into a pyproject.toml.

    Raises: ProjectFileError for a source of torch that is a person's own.
    """
    _check_sources(document)
    for name, pairings in lanes.named.items():
        optional = document.table("project", "optional-dependencies")
        wanted = merged(optional.get(name), list(_requirements(pairings)), _FAMILY)
        put(optional, name, lines(wanted))
    if len(lanes.named) > 1:
        _exclude(document, tuple(lanes.named))
    used = list(_used_indexes(lanes))
    for project in _FAMILY:
        sources = [inline(source) for name in lanes.named for source in _sources(project, name, lanes.named[name])]
        own = document.table("tool", "uv", "sources")
        if sources:
            put(own, project, lines(sources))
        elif all("extra" in one for one in _entries(document, project)):
            own.pop(project, None)  # an earlier run's; without an extra it is for a dependency of the project's
    _put_indexes(document, dict(used))


def _requirements(pairings: Mapping[Subdir, Pairing]) -> Iterator[str]:
    """The lines of an extra: each release once, for the platforms that it is for."""
    for project in _FAMILY:
        releases: dict[str, list[Subdir]] = {}
        for subdir, pairing in pairings.items():
            if release := _release(project, pairing):
                releases.setdefault(release, []).append(subdir)
        for release, subdirs in releases.items():
            yield f"{project}=={release}; {_marker(subdirs)}"


def _release(project: str, pairing: Pairing) -> str:
    return {"torch": pairing.build.torch, "torchvision": pairing.torchvision, "torchaudio": pairing.torchaudio}[project]


def _marker(subdirs: list[Subdir]) -> str:
    markers = [environment_marker(subdir) for subdir in subdirs]
    return markers[0] if len(markers) == 1 else " or ".join(f"({marker})" for marker in markers)


def _sources(project: str, extra: str, pairings: Mapping[Subdir, Pairing]) -> Iterator[dict[str, str]]:
    """Where an extra has a package from, by platform; PyPI needs no source."""
    by_index: dict[str, list[Subdir]] = {}
    for subdir, pairing in pairings.items():
        if _release(project, pairing) and pairing.index_url != PYPI:
            by_index.setdefault(_index(pairing), []).append(subdir)
    for index, subdirs in by_index.items():
        yield {"index": index, "extra": extra, "marker": _marker(subdirs)}


def _index(pairing: Pairing) -> str:
    return f"{_OURS}{pairing.build.cuda_tag}"


def _used_indexes(lanes: Lanes) -> Iterator[tuple[str, str]]:
    for pairings in lanes.named.values():
        yield from ((_index(one), one.index_url) for one in pairings.values() if one.index_url != PYPI)


def _check_sources(document: ProjectDocument) -> None:
    for project in _FAMILY:
        if not all(_is_ours(one) for one in _entries(document, project)):
            raise document.refused(f"tool.uv.sources.{project}", f"indexes named {_OURS}cpu or {_OURS}cuNNN, by extra")


def _entries(document: ProjectDocument, project: str) -> list[Any]:
    """The sources of a package, which uv takes alone or in a list."""
    found = plain(document.get("tool", "uv", "sources", project))
    return found if isinstance(found, list) else [found] if found is not None else []


def clashes(document: ProjectDocument, lanes: Lanes) -> Iterator[str]:
    """The project's own dependencies that no lock could have together with the extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    listed = plain(document.get("project", "dependencies"))
    for text in listed if isinstance(listed, list) else []:
        try:
            line = Requirement(str(text))
        except InvalidRequirement:
            continue
        pairings = [one for own in lanes.named.values() for one in own.values()] if line.name in _FAMILY else []
        releases = dict.fromkeys(release for one in pairings if (release := _release(line.name, one)))
        outside = [release for release in releases if not line.specifier.contains(release)]
        if outside and line.marker is None:
            yield (
                f"dependencies of {document.file} ask for {text}, and an extra for {line.name}=={outside[0]}: "
                "uv finds no lock for both; take the line out, or decide within it (--torch)"
            )


def _is_ours(source: object) -> bool:
    """True for a source that a run of envgen could have written: one for a group, or with other keys, is a person's."""
    is_known = isinstance(source, dict) and {*source} <= {"index", "extra", "marker"}
    return is_known and bool(_NAME.fullmatch(str(source.get("index", ""))))  # type: ignore[attr-defined] # it is a dict


def _exclude(document: ProjectDocument, extras: tuple[str, ...]) -> None:
    """Add the conflict of the extras to those that are there."""
    table = document.table("tool", "uv")
    wanted = [{"extra": name} for name in extras]
    there: Any = plain(table.get("conflicts")) or []
    if not isinstance(there, list):
        raise document.refused("tool.uv.conflicts", "a list")
    if wanted in there or wanted[::-1] in there:
        return
    ours = [inline(dict(one)) for one in wanted]
    if there:
        table["conflicts"].append(ours)  # what is there stays as it looks
    else:
        table["conflicts"] = lines([ours])


def _put_indexes(document: ProjectDocument, used: Mapping[str, str]) -> None:
    """The indexes that are used, each explicit; those of an earlier run that nothing uses any more go."""
    import tomlkit

    table = document.table("tool", "uv")
    there = table.get("index")
    if there is None:
        there = tomlkit.aot()
    elif not hasattr(there, "append") or not all(isinstance(entry, Mapping) for entry in there):
        raise document.refused("tool.uv.index", "a list of tables")
    sources: Any = plain(document.get("tool", "uv", "sources")) or {}
    named = {one.get("index") for value in sources.values() for one in (value if isinstance(value, list) else [value])}
    for at in reversed(range(len(there))):
        name, is_plain = str(there[at].get("name", "")), "#" not in there[at].as_string()
        if _NAME.fullmatch(name) and is_plain and name not in used and name not in named:
            del there[at]
    for name, url in used.items():
        entry = next((one for one in there if one.get("name") == name), None)
        if entry is not None and str(entry.get("url", "")).rstrip("/") != url:
            raise document.refused(f"tool.uv.index {name}", url)
        if entry is None:
            entry = tomlkit.table()
            entry["name"] = name
            there.append(entry)
        put(entry, "url", url)
        put(entry, "explicit", True)
    if "index" not in table and len(there):
        table["index"] = there
