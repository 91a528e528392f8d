"""A GitHub Actions workflow for a user's own repository: installs the locks committed there, and checks them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envgen import __version__
from envgen.ci.matrix import GITHUB_LIMIT, HOSTED_RUNNERS, GpuRunner, MatrixTooLargeError, with_unique_ids
from envgen.core.errors import DataError, UsageError, show
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.facts.tables import catalog_revision
from envgen.files.header import Header, body_digest, compose
from envgen.files.registry import EXPLICIT, PYLOCK, REQUIREMENTS, SMOKE_TEST
from envgen.files.templates import render

_PYTHON_PACKAGE = re.compile(r"/python-(?P<version>3\.\d+)\.[^/]*$", re.MULTILINE)
# What can be in a path of the workflow: no expression, no glob, and no space, at which setup-micromamba would split.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")


class NoLockHereError(UsageError):
    """A folder holds no environment that a workflow could install."""

    code = "no-lock-here"

    def __init__(self, folder: str) -> None:
        names = (REQUIREMENTS.one, REQUIREMENTS.each, EXPLICIT.each)
        fact = f"looked for {', '.join(names).replace('{subdir}', 'SUBDIR')}"
        super().__init__(f"{show(folder)} holds no locked environment", fact=fact, hint="run envgen there first")


class LockIncompleteError(DataError):
    """A lock is there, but not the file beside it that says what it is for."""

    code = "lock-incomplete"

    def __init__(self, lock: str, missing: str) -> None:
        super().__init__(lock, missing)
        self.lock, self.missing = lock, missing

    def headline(self) -> str:
        return f"no workflow can be made for {self.lock}"

    def facts(self) -> tuple[str, ...]:
        return (self.missing,)

    def hint(self) -> str:
        return "run envgen there again: it writes the whole set"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedLock:
    """A lock in a user's repository. `folder`, `lock` and `smoke_test` are relative to the repository's root."""

    package_set: PackageSet
    subdir: Subdir
    python: str
    folder: PurePosixPath
    lock: PurePosixPath

    @property
    def id(self) -> str:
        """A name for jobs and artefacts: `envs-train-linux-64-pip`."""
        return "-".join([*self.folder.parts, self.subdir.value, self.package_set.value])

    @property
    def smoke_test(self) -> PurePosixPath:
        return self.folder / SMOKE_TEST.one

    def row(self, runner: GpuRunner | None = None) -> dict[str, str]:
        """The values of one matrix entry; `runner` is YAML already, the others are quoted by the template."""
        return {
            "id": self.id if runner is None else f"{self.id}-on-{runner.slug}",
            "kind": self.package_set.value,
            "python": self.python,
            "runner": json.dumps(HOSTED_RUNNERS[self.subdir] if runner is None else runner.runs_on),
            "lock": str(self.lock),
            "smoke_test": str(self.smoke_test),
        }


def find_locks(root: Path, folder: PurePosixPath) -> tuple[CommittedLock, ...]:
    """Return the locks in one folder of a repository, sorted by file name.

    Raises: NoLockHereError, LockIncompleteError; UsageError for a path that a workflow cannot hold.
    """
    if not _PLAIN_PATH.fullmatch(str(folder)) or ".." in folder.parts or folder.is_absolute():
        fact = "a folder below the current one, in letters, digits and ._/-"
        hint = "name it relative to the repository's root, or rename or move the folder"
        raise UsageError(f"{show(str(folder))} cannot stand in a workflow", fact=fact, hint=hint)
    place = root / folder
    names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    found = [lock for name in names if (lock := _read_lock(place, folder, name)) is not None]
    if not found:
        raise NoLockHereError(str(folder))
    if SMOKE_TEST.one not in names:
        raise LockIncompleteError(str(found[0].lock), f"{folder / SMOKE_TEST.one} is missing")
    return tuple(found)


def _read_lock(place: Path, folder: PurePosixPath, name: str) -> CommittedLock | None:
    if REQUIREMENTS.matches(name):
        return _pip_lock(place, folder, name)
    if subdir := EXPLICIT.subdir_of(name):
        found = _PYTHON_PACKAGE.search((place / name).read_text(encoding="utf-8"))
        if found is None:
            raise LockIncompleteError(str(folder / name), "it holds no package named python")
        return CommittedLock(
            package_set=PackageSet.CONDA, subdir=subdir, python=found["version"], folder=folder, lock=folder / name
        )
    return None


def _pip_lock(place: Path, folder: PurePosixPath, name: str) -> CommittedLock:
    """A requirements file does not say which subdir and Python it is for; the pylock.toml beside it does."""
    pylock = PYLOCK.name(REQUIREMENTS.subdir_of(name), many=True)
    try:
        tool = tomllib.loads((place / pylock).read_text(encoding="utf-8"))["tool"]["envgen"]
        subdir, python = Subdir(tool["subdir"]), re.fullmatch(r"3\.\d+", tool["python"])
    except FileNotFoundError as error:
        raise LockIncompleteError(str(folder / name), f"{folder / pylock} is missing") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LockIncompleteError(str(folder / name), f"{folder / pylock} does not say what it is for") from error
    if python is None:
        raise LockIncompleteError(str(folder / name), f"{folder / pylock} names no Python 3.Y")
    return CommittedLock(
        package_set=PackageSet.PIP, subdir=subdir, python=python.group(), folder=folder, lock=folder / name
    )


def workflow_body(locks: Sequence[CommittedLock], runners: Iterable[GpuRunner]) -> str:
    """Return the text of the workflow, without header.

    Raises: MatrixTooLargeError; UsageError when a GPU runner has no lock to run.
    """
    hosted = with_unique_ids(lock.row() for lock in locks)
    gpu = []
    for runner in dict.fromkeys(runners):
        fitting = [lock.row(runner) for lock in locks if lock.subdir is runner.subdir]
        if not fitting:
            there = ", ".join(sorted({lock.subdir.value for lock in locks}))
            raise UsageError(
                f"no lock here is for {runner.subdir}, as the runner {show(','.join(runner.labels))} needs",
                fact=f"the locks are for {there}",
                hint="name the runner's subdir: --gpu-runner win-64=LABEL",
            )
        gpu += fitting
    gpu = with_unique_ids(gpu)
    if max(len(hosted), len(gpu)) > GITHUB_LIMIT:
        raise MatrixTooLargeError(max(len(hosted), len(gpu)))
    paths = sorted({str(path) for lock in locks for path in (lock.lock, lock.smoke_test)})
    return render("workflows/environments.yml.j2", hosted=hosted, gpu=gpu, paths=paths)


def workflow_text(body: str, name: str, command: str) -> str:
    """Return the workflow file: the body under a header that names the command which makes it again."""
    header = Header(
        title=f"{__version__} {name}: installs the locked environments of this repository and checks them",
        command=command,
        lines=(),
        catalog=catalog_revision(),
        body=body_digest(body),
    )
    return compose(body, header)
