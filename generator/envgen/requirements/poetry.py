"""Poetry's own tables of a pyproject.toml, in the words of PEP 508."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envgen.core.requirements import canonical
from envgen.readers.toml_text import Table, table, text_of, texts
from envgen.requirements.asked import Asked
from envgen.requirements.lines import pass_over, take_line

_CARET = re.compile(r"\^\s*(\d+(?:\.\d+)*)")
_TILDE = re.compile(r"~(?!=)\s*(\d+(?:\.\d+)*)")
_ELSEWHERE = ("git", "path", "url", "file")


def poetry_groups(document: Table) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Extra -> the packages that it adds, and the names of the groups."""
    poetry = table(document, "tool", "poetry")
    extras = {canonical(extra): tuple(texts(names)) for extra, names in table(poetry, "extras").items()}
    groups = tuple(canonical(group) for group in table(poetry, "group"))
    return extras, groups + (("dev",) if "dev-dependencies" in poetry else ())


def take_poetry(asked: Asked, document: Table, name: str, *, extras: Sequence[str], groups: Sequence[str]) -> None:
    """Add what poetry's tables ask for. Raises: RequirementsFileError."""
    poetry = table(document, "tool", "poetry")
    by_extra, _ = poetry_groups(document)
    optional = {canonical(package) for extra in extras for package in by_extra.get(canonical(extra), ())}
    wanted = [("dependencies", table(poetry, "dependencies"))]
    for group in groups:
        found = {canonical(key): value for key, value in table(poetry, "group").items()}.get(canonical(group))
        wanted.append((f"group {group}", table(found, "dependencies")))
        wanted += [("dev-dependencies", table(poetry, "dev-dependencies"))] if canonical(group) == "dev" else []
    for part, dependencies in wanted:
        where = f"{name} [tool.poetry] {part}"
        for package, value in dependencies.items():
            if canonical(package) == "python":
                continue
            for entry in value if isinstance(value, list) else [value]:
                _take(asked, package, entry, where, with_optional=canonical(package) in optional)


def _take(asked: Asked, package: str, entry: object, where: str, *, with_optional: bool) -> None:
    options: Mapping[str, object] = entry if isinstance(entry, Mapping) else {"version": entry}
    if options.get("optional") is True and not with_optional:
        return
    places = [kind for kind in _ELSEWHERE if options.get(kind)]
    if places:
        pass_over(asked, where, package, f"it is taken from {places[0]}; a lock needs a file on an index")
        return
    extras = ",".join(texts(options.get("extras")))
    marker = text_of(options.get("markers"))
    specifier = ",".join(_specifiers(text_of(options.get("version"))))
    line = f"{package}{f'[{extras}]' if extras else ''}{specifier}{f'; {marker}' if marker else ''}"
    take_line(asked, line, where)


def _specifiers(version: str) -> Iterator[str]:
    """`^1.2` is `>=1.2,<2`, `~1.2` is `>=1.2,<1.3`, `1.2` is `==1.2`, `1.*` is `==1.*`; poetry's documentation."""
    for part in filter(None, (part.strip() for part in version.split(","))):
        if part == "*":
            continue
        if caret := _CARET.fullmatch(part):
            yield from (f">={caret[1]}", f"<{_next(caret[1], _first_significant(caret[1]))}")
        elif tilde := _TILDE.fullmatch(part):
            yield from (f">={tilde[1]}", f"<{_next(tilde[1], min(1, tilde[1].count('.')))}")
        else:
            yield part if part[0] in "<>=!~" else f"=={part}"


def _first_significant(version: str) -> int:
    numbers = [int(number) for number in version.split(".")]
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(version: str, place: int) -> str:
    """The first version after all that agree with this one up to a place."""
    numbers = [int(number) for number in version.split(".")][: place + 1]
    return ".".join(str(number) for number in (*numbers[:-1], numbers[-1] + 1))
