"""A TOML file of a person's own, edited in place: comments, order and everything that is not asked for stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envgen.core.errors import DataError, quoted
from envgen.core.requirements import normalise_project, project_of

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Array, InlineTable


class ProjectFileError(DataError):
    """A project's file can't be edited."""

    code = "project-file"

    def __init__(self, file: str, reason: str, hint: str) -> None:
        super().__init__(f"{quoted(file)} can't be edited", reason, hint=hint)


class ProjectDocument:
    """A TOML document that is edited; `file` is the name that errors give it."""

    def __init__(self, text: str, file: str) -> None:
        """Raises: ProjectFileError for what is no TOML."""
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        self.file = file
        try:
            self._document: TOMLDocument = tomlkit.parse(text)
        except (TOMLKitError, RecursionError) as error:
            line = getattr(error, "line", None)
            where = f"line {line}: " if line else ""
            raise ProjectFileError(file, f"{where}{str(error)[:200]}", "correct it, then run this again") from error

    def text(self) -> str:
        """The text as it is now."""
        import tomlkit

        return tomlkit.dumps(self._document)

    def get(self, *path: str) -> Any:  # noqa: ANN401 -- whatever a person's file holds there
        """The value at a path, or None."""
        value: Any = self._document
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def table(self, *path: str) -> Any:  # noqa: ANN401 -- a table of tomlkit's, which are several classes
        """The table at a path, made where there is none.

        Raises: ProjectFileError when something else is there.
        """
        import tomlkit

        value: Any = self._document
        for depth, key in enumerate(path, start=1):
            if key not in value:
                value[key] = tomlkit.table(is_super_table=depth < len(path))
            value = value[key]
            if not isinstance(value, Mapping):
                raise self.refused(".".join(path[:depth]), "a table")
        return value

    def refused(self, place: str, expected: str) -> ProjectFileError:
        """The error for a place that holds something that envgen did not write, and would not leave as it is."""
        reason = f"{place} holds something else than {expected}"
        return ProjectFileError(self.file, reason, f"take {place} out, or add what is printed without --write by hand")


def inline(values: Mapping[str, str]) -> InlineTable:
    """`{ name = "value" }`."""
    import tomlkit

    table = tomlkit.inline_table()
    table.update(values)
    return table


def lines(values: Iterable[object]) -> Array:
    """An array with an entry a line."""
    import tomlkit

    array = tomlkit.array()
    array.extend(values)
    return array.multiline(multiline=True)


def plain(value: object) -> object:
    """A value of a document without what it looked like."""
    return value.unwrap() if hasattr(value, "unwrap") else value


def put(table: Any, key: str, value: object) -> None:  # noqa: ANN401 -- a table of tomlkit's
    """Set a key, unless it has that value already: what a person wrote of the same meaning stays."""
    if key not in table or plain(table[key]) != plain(value):
        table[key] = value


def merged(old: object, new: Sequence[str], names: Iterable[str]) -> list[str]:
    """The entries of an array of requirements with others for some packages; the rest stay, in their order."""
    ours = {*map(normalise_project, names)}
    kept = [str(text) for text in old] if isinstance(old, Sequence) and not isinstance(old, str) else []
    return [*(text for text in kept if project_of(text) not in ours), *new]
