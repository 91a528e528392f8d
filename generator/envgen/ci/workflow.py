"""A GitHub Actions workflow for a user's own repository: installs the locks committed there, and checks them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from envgen import __version__
from envgen.ci.locks import CiLock, LockIncompleteError, read_locks
from envgen.ci.matrix import GITHUB_LIMIT, HOSTED_RUNNERS, GpuRunner, MatrixTooLargeError, with_unique_ids
from envgen.ci.places import as_argument, check_plain
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.facts.tables import catalog_revision
from envgen.files.header import Header, body_digest, compose
from envgen.files.registry import EXPLICIT, REQUIREMENTS, name_globs
from envgen.files.templates import render


class NoLockHereError(UsageError):
    """A folder holds no environment that a workflow could install."""

    code = "no-lock-here"

    def __init__(self, folder: str) -> None:
        names = (REQUIREMENTS.one, REQUIREMENTS.each, EXPLICIT.each)
        fact = f"looked for {', '.join(names).replace('{subdir}', 'SUBDIR')}"
        super().__init__(f"{quoted(folder)} holds no locked environment", fact=fact, hint="run envgen there first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What a workflow checks before it installs anything. `output` is the workflow's own file.

    `targets` are names of a project's, `inputs` the files that their locks are made from: the project's own and its
    requirements. With them the workflow holds the locks against what is asked for, and solves anew each week.
    """

    output: PurePosixPath
    targets: tuple[str, ...] = ()
    inputs: tuple[PurePosixPath, ...] = ()


def _row(lock: CiLock, runner: GpuRunner | None = None) -> dict[str, str]:
    """The values of one matrix entry; `runner` is YAML already, the others are quoted by the template."""
    name = "-".join([*lock.folder.parts, lock.subdir.value, lock.package_set.value])
    return {
        "id": name if runner is None else f"{name}-on-{runner.slug}",
        "kind": lock.package_set.value,
        "python": lock.python,
        "runner": json.dumps(HOSTED_RUNNERS[lock.subdir] if runner is None else runner.runs_on),
        "lock": as_argument(lock.lock),
        "smoke_test": as_argument(lock.smoke_test),
    }


def find_locks(root: Path, folder: PurePosixPath) -> tuple[CiLock, ...]:
    """Return the locks in one folder of a repository, sorted by file name.

    Raises: NoLockHereError, LockIncompleteError; UsageError for a path that a workflow cannot hold.
    """
    check_plain(folder)
    found = tuple(read_locks(root, folder))
    if not found:
        raise NoLockHereError(str(folder))
    if not (root / found[0].smoke_test).is_file():
        raise LockIncompleteError(str(found[0].lock), f"{found[0].smoke_test} is missing")
    return found


def with_locks(folders: Iterable[Path], root: Path) -> tuple[PurePosixPath, ...]:
    """Return those of some folders that hold locks, relative to their root.

    Raises: NoLockHereError.
    """
    below = (PurePosixPath(path.relative_to(root).as_posix()) for path in folders)
    found = tuple(folder for folder in below if any(_locks_in(root / folder)))
    if not found:
        raise NoLockHereError(".")
    return found


def _locks_in(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if REQUIREMENTS.matches(path.name) or EXPLICIT.matches(path.name))


def workflow_body(locks: Sequence[CiLock], runners: Iterable[GpuRunner], checks: Checks) -> str:
    """Return the text of the workflow, without header.

    Raises: MatrixTooLargeError; UsageError when a GPU runner has no lock to run.
    """
    hosted = with_unique_ids(_row(lock) for lock in locks)
    gpu = []
    for runner in dict.fromkeys(runners):
        fitting = [_row(lock, runner) for lock in locks if runner.runs(lock) and not lock.is_cpu]
        if not fitting:
            there = ", ".join(sorted({lock.subdir.value for lock in locks if runner.folder in (None, lock.folder)}))
            raise UsageError(
                f"no lock {f'in {runner.folder}' if runner.folder else 'here'} is for {runner.subdir}, as the runner "
                f"{quoted(','.join(runner.labels))} needs",
                fact=f"the locks are for {there}",
                hint="name the runner's subdir: --gpu-runner win-64=LABEL",
            )
        gpu += fitting
    gpu = with_unique_ids(gpu)
    if max(len(hosted), len(gpu)) > GITHUB_LIMIT:
        raise MatrixTooLargeError(max(len(hosted), len(gpu)))
    folders = list(dict.fromkeys(as_argument(lock.folder) for lock in locks))
    own = {*checks.inputs, checks.output, *(lock.smoke_test for lock in locks)}
    # Every file of an environment has a part in what is checked.
    beside = {lock.folder / name for lock in locks for name in name_globs()}
    return render(
        "workflows/environments.yml.j2",
        hosted=hosted,
        gpu=gpu,
        paths=sorted(map(str, own | beside)),
        folders="\n".join(folders),
        envgen=f"cuda-envgen=={__version__}",
        targets="\n".join(f"--target={name}" for name in checks.targets),
    )


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
