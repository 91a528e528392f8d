"""Poetry's own tables of a pyproject.toml, in the words of PEP 508."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envgen.core.requirements import normalise_project
from envgen.readers.poetry_versions import pep440_of_poetry
from envgen.readers.toml_text import Table, table, text_of, texts
from envgen.requirements.asked import Asked
from envgen.requirements.lines import pass_over, take_line
from envgen.requirements.places import release_at

_ELSEWHERE = ("git", "path", "url", "file")


def poetry_groups(document: Table) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Extra -> the packages that it adds, and the names of the groups."""
    poetry = table(document, "tool", "poetry")
    extras = {normalise_project(extra): tuple(texts(names)) for extra, names in table(poetry, "extras").items()}
    groups = tuple(normalise_project(group) for group in table(poetry, "group"))
    return extras, groups + (("dev",) if "dev-dependencies" in poetry else ())


def take_poetry(asked: Asked, document: Table, name: str, *, extras: Sequence[str], groups: Sequence[str]) -> None:
    """Add what poetry's tables ask for. Raises: RequirementsFileError."""
    poetry = table(document, "tool", "poetry")
    by_extra, _ = poetry_groups(document)
    chosen = (package for extra in map(normalise_project, extras) for package in by_extra.get(extra, ()))
    optional = {*map(normalise_project, chosen)}
    wanted = [("dependencies", table(poetry, "dependencies"))]
    by_group = {normalise_project(key): value for key, value in table(poetry, "group").items()}
    for group in groups:
        found = by_group.get(normalise_project(group))
        wanted.append((f"group {group}", table(found, "dependencies")))
        wanted += [("dev-dependencies", table(poetry, "dev-dependencies"))] if normalise_project(group) == "dev" else []
    for part, dependencies in wanted:
        where = f"{name} [tool.poetry] {part}"
        for package, value in dependencies.items():
            if normalise_project(package) == "python":
                continue
            for entry in value if isinstance(value, list) else [value]:
                _take(asked, package, entry, where, with_optional=normalise_project(package) in optional)


def _take(asked: Asked, package: str, entry: object, where: str, *, with_optional: bool) -> None:
    options: Mapping[str, object] = entry if isinstance(entry, Mapping) else {"version": entry}
    if options.get("optional") is True and not with_optional:
        return
    places = [kind for kind in _ELSEWHERE if options.get(kind)]
    marker = text_of(options.get("markers"))
    if release := release_at(text_of(options.get("url"))):
        take_line(asked, f"{release}{f'; {marker}' if marker else ''}", where)
        return
    if places:
        pass_over(asked, where, package, f"it is taken from {places[0]}; a lock needs a file on an index")
        return
    extras = ",".join(texts(options.get("extras")))
    specifier = pep440_of_poetry(text_of(options.get("version")))
    line = f"{package}{f'[{extras}]' if extras else ''}{specifier}{f'; {marker}' if marker else ''}"
    take_line(asked, line, where)
