"""Errors of the output folder. Whenever one is raised nothing in the folder has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envgen.core.errors import DataError, ToolError, UsageError, quoted


class OutputEditedError(DataError):
    """Files that a person edited, or that envgen did not write, stand where ours would go; `folders` are no files.

    `foreign` maps those that envgen never wrote to the option that reads them, or to an empty string.
    """

    code = "output-edited"

    def __init__(
        self,
        folder: str,
        edited: Sequence[tuple[str, str]],
        folders: Sequence[str] = (),
        foreign: Mapping[str, str] | None = None,
    ) -> None:
        names, were = ", ".join(name for name, _ in edited), "was" if len(edited) == 1 else "were"
        super().__init__(
            f"{names} {were} edited since envgen wrote it, or not written by envgen: not overwritten",
            *(f"{name}: {why}" for name, why in edited),
        )
        self.folder, self.edited, self.folders = folder, tuple(edited), tuple(folders)
        self.foreign = foreign or {}

    def hint(self) -> str:
        if self.folders:
            return (
                f"move {', '.join(self.folders)} away (--force replaces no folder), or pass --output to write elsewhere"
            )
        for name, option in self.foreign.items():
            if option:
                return f"{option} {name} reads it as what you ask for; pass another --output for the lock"
        if self.foreign:
            return "pass another --output"
        return "pass --force to replace, or --output to write elsewhere"


class OutputNotFolderError(UsageError):
    """The output path is a file, or a part of it is."""

    code = "output-not-a-folder"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} is not a folder that can be written into (from --output)", fact=reason)


class OutputNotWritableError(UsageError):
    """The output folder refuses to be written."""

    code = "output-not-writable"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be written (from --output)", fact=reason, hint="pass another --output")


class OutputBusyError(UsageError):
    """Another run of envgen writes into the folder at this moment."""

    code = "output-busy"

    def __init__(self, path: str) -> None:
        hint = "wait for it, or pass another --output"
        super().__init__(f"another envgen is writing into {path} at this moment", hint=hint)


class OutputChangedError(DataError):
    """A file is no longer what it was when the run began."""

    code = "output-changed"

    def __init__(self, path: str, name: str) -> None:
        super().__init__(f"{name} was changed while envgen worked: nothing in {path} was written", hint="run it again")


class OutputFullError(ToolError):
    """The disk, or the user's quota on it, is full."""

    code = "output-full"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"no room to write into {path}",
            reason,
            "nothing in the folder was changed",
            hint="make room, or pass an --output on another disk",
        )


class OutputOtherError(DataError):
    """A folder that would be replaced whole holds what envgen did not write."""

    code = "output-not-ours"

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"{quoted(folder)} holds other files and would be replaced whole",
            hint="pass --output with a new or an empty folder, or --force to replace it",
        )
