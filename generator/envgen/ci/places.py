"""Paths as a workflow can hold them: no expression, no option, no glob, nothing that a shell reads otherwise."""

from __future__ import annotations

from pathlib import PurePosixPath

from envgen.core.errors import UsageError, quoted
from envgen.core.patterns import Pattern

# And no space, at which setup-micromamba would split.
_PLAIN = Pattern(r"[A-Za-z0-9._/-]+")
_QUOTABLE = Pattern(r"[A-Za-z0-9 ._/:~+@-]+")


def check_plain(folder: PurePosixPath) -> None:
    """See that a folder is below the repository's root and has a plain path.

    Raises: UsageError.
    """
    if not _PLAIN.fullmatch(str(folder)) or ".." in folder.parts or folder.is_absolute():
        fact = "a folder below the current one, in letters, digits and ._/-"
        hint = "name it relative to the repository's root, or rename or move the folder"
        raise UsageError(f"{quoted(str(folder))} cannot stand in a workflow", fact=fact, hint=hint)


def check_quotable(folder: PurePosixPath) -> None:
    """See that a folder, wherever it is, holds nothing that a job which names it could run.

    Raises: UsageError.
    """
    if not _QUOTABLE.fullmatch(str(folder)):
        hint = "rename or move the folder, or print it with --format text"
        raise UsageError(f"{quoted(str(folder))} cannot stand in a workflow", hint=hint)


def as_argument(path: PurePosixPath) -> str:
    """The path as a command line takes it: none begins like an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
