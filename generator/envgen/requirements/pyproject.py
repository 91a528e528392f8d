"""pyproject.toml: a project's dependencies, its extras and groups, and what uv and poetry add to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envgen.core.requirements import normalise_project, project_of
from envgen.readers.mention import FileUnreadableError
from envgen.readers.toml_text import Table, parse_toml, table, text_of, texts
from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.lines import pass_over, take_line
from envgen.requirements.poetry import poetry_groups, take_poetry
from envgen.requirements.requirements_txt import read_file

_ELSEWHERE = ("git", "path", "url", "workspace")


def take_pyproject(asked: Asked, path: Path, name: str, *, extras: Sequence[str], groups: Sequence[str]) -> None:
    """Add what a pyproject.toml asks for, with some of its extras and groups.

    Raises: RequirementsFileError.
    """
    try:
        document = parse_toml(read_file(path, name), name=name)
    except FileUnreadableError as error:
        raise RequirementsFileError(error.headline(), fact=error.reason) from error
    _check_shape(document, name)
    elsewhere = _elsewhere(document)
    for where, line in _lines(document, name, extras, groups):
        project = project_of(line)
        if project in elsewhere:
            pass_over(asked, where, line, f"{name} takes it from {elsewhere[project]}; a lock needs a file on an index")
        else:
            take_line(asked, line, where)
    for line in texts(table(document, "tool", "uv").get("constraint-dependencies")):
        take_line(asked, line, f"{name} [tool.uv] constraint-dependencies", constraint=True)
    for line in texts(table(document, "tool", "uv").get("override-dependencies")):
        pass_over(asked, f"{name} [tool.uv] override-dependencies", line, "what packages ask for is not overridden")
    take_poetry(asked, document, name, extras=extras, groups=groups)


def _check_shape(document: Table, name: str) -> None:
    """See that what is read of a file has the form that it must have: nothing of it is dropped without a word.

    Raises: RequirementsFileError.
    """
    project = _table_of(document, "project", name)
    if "dependencies" in project and not _is_list_of_texts(project["dependencies"]):
        raise _misshapen(f"{name} [project] dependencies", "a list of texts (PEP 621)")
    optional = _table_of(project, "optional-dependencies", f"{name} [project]")
    for extra, lines in optional.items():
        if not _is_list_of_texts(lines):
            raise _misshapen(f"{name} extra {extra}", "a list of texts (PEP 621)")
    for group, entries in _table_of(document, "dependency-groups", name).items():
        included = [one for one in entries if not isinstance(one, str)] if isinstance(entries, list) else [entries]
        if not all(isinstance(one, Mapping) and isinstance(one.get("include-group"), str) for one in included):
            raise _misshapen(f"{name} group {group}", "a list of texts and of include-group (PEP 735)")


def _table_of(document: Table, key: str, where: str) -> Table:
    if not isinstance(document.get(key, {}), Mapping):
        raise _misshapen(f"{where} {key}", "a table")
    return table(document, key)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _misshapen(where: str, expected: str) -> RequirementsFileError:
    return RequirementsFileError(f"{where} can't be read", fact=f"it is not {expected}")


def _elsewhere(document: Table) -> dict[str, str]:
    """Project -> what uv takes it from, where that is no index."""
    found = {}
    for name, source in table(document, "tool", "uv", "sources").items():
        entries = source if isinstance(source, list) else [source]
        kinds = [kind for entry in entries if isinstance(entry, Mapping) for kind in _ELSEWHERE if entry.get(kind)]
        if kinds:
            found[normalise_project(name)] = kinds[0]
    return found


def _lines(document: Table, name: str, extras: Sequence[str], groups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Where and which requirement, of the project, of its extras and of its groups (PEP 735)."""
    project = table(document, "project")
    optional = {normalise_project(key): value for key, value in table(project, "optional-dependencies").items()}
    own = normalise_project(text_of(project.get("name")))
    for line in texts(project.get("dependencies")):
        yield from ((f"{name} [project]", one) for one in _with_own_extras(line, own, optional))
    own_groups = {normalise_project(key): value for key, value in table(document, "dependency-groups").items()}
    poetry_extras, in_poetry = poetry_groups(document)
    for extra in extras:
        if normalise_project(extra) not in {*optional, *poetry_extras}:
            raise _unknown(name, "extra", extra, [*optional, *poetry_extras])
        for line in texts(optional.get(normalise_project(extra))):
            yield from ((f"{name} extra {extra}", one) for one in _with_own_extras(line, own, optional))
    for group in groups:
        if normalise_project(group) not in {*own_groups, *in_poetry}:
            raise _unknown(name, "group", group, [*own_groups, *in_poetry])
        for line in _group(own_groups, normalise_project(group), name, ()):
            yield from ((f"{name} group {group}", one) for one in _with_own_extras(line, own, optional))


def _with_own_extras(
    line: str, own: str, optional: Mapping[str, object], through: frozenset[str] = frozenset()
) -> Iterator[str]:
    """A requirement; of the project itself (`mine[docs]` in mine) what those extras of it ask for."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(line) if own and project_of(line) == own else None
    except InvalidRequirement:
        requirement = None
    if requirement is None:
        yield line
        return
    for extra in sorted({normalise_project(extra) for extra in requirement.extras} - through):
        for text in texts(optional.get(extra)):
            for one in _with_own_extras(text, own, optional, through | {extra}):
                yield _where(one, str(requirement.marker)) if requirement.marker else one


def _where(line: str, marker: str) -> str:
    """A requirement where a marker holds, too."""
    before, mark, own = line.partition(";")
    return f"{before}; ({own}) and ({marker})" if mark else f"{before}; {marker}"


def _group(groups: Mapping[str, object], group: str, name: str, through: tuple[str, ...]) -> Iterator[str]:
    """The requirements of a group and of those that it includes."""
    if group in through:
        raise RequirementsFileError(f"{name}: the group {group} includes itself", fact=" -> ".join((*through, group)))
    entries = groups.get(group)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, Mapping):
            yield from _group(groups, normalise_project(text_of(entry.get("include-group"))), name, (*through, group))


def _unknown(name: str, kind: str, wanted: str, known: Sequence[str]) -> RequirementsFileError:
    there = ", ".join(sorted(known)) or "none"
    return RequirementsFileError(f"{name} has no {kind} {wanted} (from --{kind})", fact=f"it has: {there}")
