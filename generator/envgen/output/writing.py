"""Writes a plan: each file is whole or absent, all or none as far as a file system allows."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from envgen.core.stop import unstopped
from envgen.output.errors import (
    OutputBusyError,
    OutputChangedError,
    OutputFullError,
    OutputNotFolderError,
    OutputNotWritableError,
)
from envgen.output.plan import Change, Plan, State, read_file

_STAGING = ".envgen-partial-"
_LOCK = ".envgen.lock"
_FULL = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))
# What flock answers where it does not exist (some network file systems): then runs are not kept apart.
_NO_LOCKS = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL))


def apply(plan: Plan) -> None:
    """Write a plan: new texts into a temporary folder beside them, then one rename each, then stale files go.

    What fails is undone. Killed at any moment every file is whole; a set torn between two renames is known by its run
    digests, and the next run completes it and clears what the killed one left.

    Raises: OutputBusyError, OutputChangedError, OutputFullError, OutputNotFolderError, OutputNotWritableError.
    """
    with unstopped(), _reported(plan.folder):
        if not plan.pending and not list(_leftovers(plan.folder)):
            return
        with _held(plan.folder):
            _recheck(plan)
            for leftover in _leftovers(plan.folder):  # of a run that was killed: we hold the lock, so it is nobody's
                shutil.rmtree(leftover, ignore_errors=True)
            _write(plan)
            _sync(plan.folder)


def replace_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files by their path below a folder: each whole at every moment, all or none as far as that is possible.

    Raises: OSError.
    """
    changes = []
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        state = State.CHANGED if (folder / name).exists() else State.NEW
        changes.append(Change(name=name, state=state, old=None, new=text))
    _write(Plan(folder=folder, changes=tuple(changes), torn=False))
    _sync(folder)


def _leftovers(folder: Path) -> Iterator[Path]:
    for path in folder.glob(f"{_STAGING}*"):
        if path.is_dir() and not path.is_symlink():
            yield path


def _recheck(plan: Plan) -> None:
    """Refuse when a file is no longer what the plan saw: solving takes minutes, and a person may edit meanwhile."""
    for change in plan.pending:
        try:
            is_there, text = True, read_file(plan.folder / change.name)
        except FileNotFoundError:
            is_there, text = False, None
        as_planned = is_there == (change.state is not State.NEW) and text == change.old
        as_wanted = is_there == (change.new is not None) and text == change.new
        if not (as_planned or as_wanted):
            raise OutputChangedError(plan.folder.as_posix(), change.name)


def _write(plan: Plan) -> None:
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=plan.folder))
    new, old = staging / "new", staging / "old"
    try:
        new.mkdir()
        old.mkdir()
        for change in plan.pending:
            if change.new is not None:
                _write_through(new / change.name, change.new)
            if change.state is not State.NEW:
                _keep(plan.folder / change.name, old / change.name)
            if change.state is State.CHANGED:
                shutil.copymode(plan.folder / change.name, new / change.name)
        _swap(plan, new, old)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(plan: Plan, new: Path, old: Path) -> None:
    begun: list[Change] = []
    try:
        for change in sorted(plan.pending, key=lambda change: change.state is State.STALE):
            begun.append(change)
            if change.new is not None:
                (new / change.name).replace(plan.folder / change.name)
            else:
                (plan.folder / change.name).unlink(missing_ok=True)
    except BaseException:
        for change in reversed(begun):
            with contextlib.suppress(OSError):
                if change.state is not State.NEW:
                    (old / change.name).replace(plan.folder / change.name)
                elif not (new / change.name).exists():
                    (plan.folder / change.name).unlink()
        raise


def _write_through(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _keep(path: Path, backup: Path) -> None:
    """Keep a file so that it can be put back: by a hard link, which needs no room, or else by a copy."""
    backup.parent.mkdir(exist_ok=True)
    try:
        os.link(path, backup, follow_symlinks=False)
    except FileNotFoundError:  # a stale file that somebody else removed
        return
    except (OSError, NotImplementedError):
        shutil.copy2(path, backup, follow_symlinks=False)


def _make(folder: Path, tries: int = 3) -> list[Path]:
    """Create a folder and its missing parents; returns those that were created, outermost first."""
    created: list[Path] = []
    try:
        for path in (*reversed(folder.parents), folder):
            if path.is_dir():
                continue
            try:
                path.mkdir()
            except FileExistsError:
                if not path.is_dir():  # else another run made it just now
                    raise
            else:
                created.append(path)
    except BaseException as error:
        _unmake(created)
        if isinstance(error, FileNotFoundError) and tries:  # a run that failed removed a parent just now
            return _make(folder, tries - 1)
        raise
    return created


def _unmake(created: list[Path]) -> None:
    for path in reversed(created):
        with contextlib.suppress(OSError):
            path.rmdir()


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turn what the operating system says into an error about the output folder."""
    name = folder.as_posix()
    try:
        yield
    except (NotADirectoryError, FileExistsError) as error:
        raise OutputNotFolderError(name, f"a file is in the way: {error.filename}") from error
    except IsADirectoryError as error:
        raise OutputNotWritableError(name, f"a folder is where a file goes: {error.filename}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise OutputFullError(name, reason) from error
        raise OutputNotWritableError(name, reason) from error


if sys.platform == "win32":

    @contextlib.contextmanager
    def _held(folder: Path) -> Iterator[None]:
        """Create a folder and hold it against other runs; on failure what was created is removed.

        Windows can't lock a folder: a file in it is held, and removed after. While another run holds that file, the
        folder is not empty, so it can't be removed under it.
        """
        import msvcrt

        created = _make(folder)
        path = folder / _LOCK
        try:
            with path.open("w", encoding="utf-8") as file:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                except OSError as error:
                    raise OutputBusyError(folder.as_posix()) from error
                try:
                    yield
                finally:
                    msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
                    file.close()
                    with contextlib.suppress(OSError):
                        path.unlink()
        except BaseException:
            _unmake(created)
            raise

    def _sync(folder: Path) -> None:
        """Windows has no way to flush a folder."""

else:

    @contextlib.contextmanager
    def _held(folder: Path) -> Iterator[None]:
        """Create a folder and hold it against other runs; on failure what was created is removed.

        The lock is the operating system's: it ends with the process. Only who holds it removes the folder: to a run
        that was just let in, the folder would vanish under its hands.
        """
        created = _make(folder)
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError as error:  # the run that made it failed and removed it
            raise OutputBusyError(folder.as_posix()) from error
        try:
            _lock(descriptor, folder)
            try:
                yield
            except BaseException:
                _unmake(created)
                raise
        finally:
            os.close(descriptor)

    def _lock(descriptor: int, folder: Path) -> None:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputBusyError(folder.as_posix()) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        try:
            is_there = os.path.samestat(os.fstat(descriptor), folder.stat())
        except FileNotFoundError:
            is_there = False
        if not is_there:  # likewise
            raise OutputBusyError(folder.as_posix())

    def _sync(folder: Path) -> None:
        """Make the renames last through a power cut, where the file system knows how."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
