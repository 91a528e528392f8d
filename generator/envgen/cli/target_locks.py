"""The locks of a project's targets as CI takes them, each with the runner that has its GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from envgen.ci.changed import changed_files
from envgen.ci.matrix import GpuRunner, target_entries
from envgen.ci.workflow import find_locks
from envgen.facts.catalog import Catalog
from envgen.verify.refusal import refuse_bad

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from envgen.cli.project import Project
    from envgen.core.platforms import Subdir
    from envgen.core.sets import PackageSet


def runners_of(project: Project) -> tuple[GpuRunner, ...]:
    """The runners that the targets state, each for its own folder."""
    return tuple(
        replace(GpuRunner.parse(f"{subdir}={labels}"), folder=one.folder)
        for one in project.targets
        for subdir, labels in one.runners.items()
    )


def entries_of(
    project: Project, sets: Sequence[PackageSet], subdirs: Sequence[Subdir], changed_since: str | None
) -> list[dict[str, Any]]:
    """The matrix entries of the targets: of some sets and platforms, or where something changed since a revision.

    Raises: NoLockHereError, LockIncompleteError, FolderNotGoodError, GitFailedError.
    """
    root, catalog = project.manifest.root, Catalog.load()
    names = {one.folder: one.name for one in project.targets}
    every = (lock for folder in names for lock in find_locks(root, folder))
    of_sets = (lock for lock in every if not sets or lock.package_set in sets)
    locks = [lock for lock in of_sets if not subdirs or lock.subdir in subdirs]
    refuse_bad((Path(project.shown(one)) for one in project.targets), catalog)
    if changed_since:
        changed = {PurePosixPath(path).parent for path in changed_files(root, changed_since)}
        locks = [lock for lock in locks if lock.folder in changed]
    return target_entries(locks, names, runners_of(project), root, catalog)
