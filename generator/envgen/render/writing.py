"""Writes a plan: each file is whole or absent, all or none as far as a file system allows."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envgen.core.errors_output import (
    OutputBusyError,
    OutputFullError,
    OutputNotFolderError,
    OutputNotWritableError,
)
from envgen.render.plan import Plan, State

_STAGING = ".envgen-"
_LOCK = ".envgen.lock"
_FULL = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))


def apply(plan: Plan) -> None:
    """Write a plan: new texts into a temporary folder beside them, then one rename each, then stale files go.

    Killed at any moment every file is whole; a set torn between two renames is known by its run digests, and the next
    run completes it.

    Raises: OutputBusyError, OutputFullError, OutputNotFolderError, OutputNotWritableError.
    """
    if not plan.pending:
        return
    with _reported(plan.folder):
        created = _make_folder(plan.folder)
        try:
            with _locked(plan.folder):
                _write(plan)
        except BaseException:
            for folder in created:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise


def _write(plan: Plan) -> None:
    for leftover in plan.folder.glob(f"{_STAGING}*"):  # of a run that was killed; we hold the lock, so it is nobody's
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=plan.folder))
    try:
        for change in plan.pending:
            if change.new is not None:
                _write_through(staging / change.name, change.new)
        for change in plan.pending:
            if change.new is not None:
                (staging / change.name).replace(plan.folder / change.name)
            elif change.state is State.STALE:
                (plan.folder / change.name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> list[Path]:
    """Create a folder and its missing parents; return those that were created, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turn what the operating system says into an error about the output folder."""
    name = folder.as_posix()
    try:
        yield
    except (NotADirectoryError, FileExistsError) as error:
        raise OutputNotFolderError(name, f"a file stands in the way: {error.filename}") from error
    except IsADirectoryError as error:
        raise OutputNotWritableError(name, f"a folder stands where a file goes: {error.filename}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise OutputFullError(name, reason) from error
        raise OutputNotWritableError(name, reason) from error


if sys.platform == "win32":

    @contextlib.contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        """Hold the folder against other runs. Windows can't lock a folder: a file in it is held, and removed after."""
        import msvcrt

        path = folder / _LOCK
        with path.open("w", encoding="utf-8") as file:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError as error:
                raise OutputBusyError(folder.as_posix()) from error
            try:
                yield
            finally:
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        with contextlib.suppress(OSError):
            path.unlink()

else:

    @contextlib.contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        """Hold the folder against other runs. The lock is the operating system's: it ends with the process."""
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputBusyError(folder.as_posix()) from error
            yield
        finally:
            os.close(descriptor)
