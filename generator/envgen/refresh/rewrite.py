"""The text of a changed table, the difference to the file, and writing it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from envgen.core.errors import DataError
from envgen.facts.errors import FactInvalidError
from envgen.facts.schema_checks import table_violations
from envgen.facts.tables import dump_table, read_schema
from envgen.output.writing import replace_files
from envgen.refresh.outcome import Rows


class FactsNotWritableError(DataError):
    """The folder of the tables refuses to be written."""

    code = "facts-not-writable"

    def __init__(self, *, folder: str, reason: str) -> None:
        super().__init__(
            f"the tables in {folder} cannot be written", reason, hint="run it in a checkout of the project"
        )


def table_file(name: str, rows: Rows) -> dict[str, str]:
    """Return `{<name>.csv: text}` of a table.

    Raises: FactInvalidError when a row breaks the table's schema, so that such a row is never written.
    """
    schema = read_schema(name)
    text = dump_table(list(schema["properties"]), rows)
    if found := tuple(table_violations(name, text, schema)):
        raise FactInvalidError(found)
    return {f"{name}.csv": text}


def changed_files(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The files whose text is not the one on disk; line ends of a checkout do not count."""
    return {name: text for name, text in files.items() if _text(folder / name) != text}


def differences(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """The lines of a unified diff from the files on disk to the new texts."""
    for name, text in files.items():
        before = _text(folder / name).splitlines(keepends=True)
        yield from difflib.unified_diff(before, text.splitlines(keepends=True), f"a/{name}", f"b/{name}")


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files: each is whole at every moment, and none is replaced before all are on the disk.

    Raises: FactsNotWritableError.
    """
    try:
        replace_files(folder, files)
    except OSError as error:
        raise FactsNotWritableError(folder=str(folder), reason=error.strerror or str(error)) from error


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
