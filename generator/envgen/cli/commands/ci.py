"""`envgen ci`: a GitHub Actions workflow for the user's own repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import write_answer, write_line
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.request.settings import WriteOptions

if TYPE_CHECKING:
    from envgen.ci.matrix import GpuRunner


@options.takes(WriteOptions, only=("check", "force"))
def ci_command(
    writing: WriteOptions,
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR]...",
            help="Folders with envgen's files, below this one. Default: those of the project's targets, each with its "
            "own runner, or else all that are found below this folder.",
        ),
    ] = None,
    gpu_runner: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu-runner",
            metavar="[SUBDIR=]LABEL[,LABEL]",
            help="A runner with a GPU, by its labels: the smoke test computes there. Repeatable. Without it the "
            "installed build is checked, which needs no GPU. Default SUBDIR: linux-64.",
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The workflow file.")
    ] = ".github/workflows/environments.yml",
    target: options.TargetNames = None,
) -> None:
    """Write a GitHub Actions workflow that verifies and installs the locks committed here and checks them.

    Run it at the root of your repository. Example: envgen ci envs/train --gpu-runner gpu-t4-4-core

    With targets (envgen.toml) each runs on its own runner, and once a week all of them are solved anew: what moved
    comes as a pull request.
    """
    from envgen.ci.workflow import Checks, find_locks, workflow_body, workflow_text
    from envgen.facts.catalog import Catalog
    from envgen.output.plan import make_plan
    from envgen.output.writing import apply
    from envgen.verify.refusal import refuse_bad

    if not output.isprintable() or Path(output).is_absolute() or ".." in Path(output).parts:
        hint = "name a .yml file below this folder"
        raise UsageError(f"{quoted(output)} cannot be a workflow (from --output)", hint=hint)
    places = _places(folders or [], gpu_runner or [], target)
    locks = [lock for folder in places.folders for lock in find_locks(Path(), folder)]
    refuse_bad((Path(folder) for folder in places.folders), Catalog.load())
    file = Path(output)
    checks = Checks(output=PurePosixPath(file.as_posix()), targets=places.targets, inputs=places.inputs)
    body = workflow_body(locks, places.runners, checks)
    text = workflow_text(body, file.name, _command(folders or [], gpu_runner or [], target or [], output))
    plan = make_plan(file.parent, _found(file), {file.name: text}, force=writing.force or writing.check)
    if writing.check:
        write_answer(plan.diff())
        if plan.pending:
            write_line(f"{file.as_posix()} would change")
        raise typer.Exit(1 if plan.pending else 0)
    apply(plan)
    write_line(f"{file.as_posix()} was written" if plan.pending else f"up to date: {file.as_posix()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """The folders of a workflow and its runners; of a project the targets, and the files that they are made from."""

    folders: tuple[PurePosixPath, ...]
    runners: tuple[GpuRunner, ...]
    targets: tuple[str, ...] = ()
    inputs: tuple[PurePosixPath, ...] = ()


def _places(folders: Sequence[str], runners: Sequence[str], targets: Sequence[str] | None) -> _Places:
    """What the command line names, or the project's targets, or all folders with locks below this one."""
    from envgen.ci.matrix import GpuRunner
    from envgen.ci.workflow import with_locks
    from envgen.cli.project import project_of
    from envgen.cli.target_locks import runners_of
    from envgen.verify.folder import folders_below

    given = tuple(GpuRunner.parse(text) for text in runners)
    project = project_of(targets) if targets or not folders else None
    if project is None:
        named = tuple(dict.fromkeys(PurePosixPath(Path(folder).as_posix()) for folder in folders))
        return _Places(folders=named or with_locks(folders_below(Path()), Path()), runners=given)
    if folders or runners:
        hint = 'give the target a runner: runner = "self-hosted,gpu"'
        raise UsageError("folders and --gpu-runner are not read beside the targets of a project", hint=hint)
    if project.manifest.root != project.start:
        raise UsageError("a workflow belongs to the repository's root", hint=f"run it in {project.manifest.root.name}/")
    files = (file for one in project.targets for file in (*one.writing.requirements, *one.writing.environments))
    inputs = tuple(dict.fromkeys([PurePosixPath(project.manifest.path.name), *map(PurePosixPath, files)]))
    names = tuple(one.name for one in project.targets)
    own = tuple(one.folder for one in project.targets)
    return _Places(folders=own, runners=runners_of(project), targets=names, inputs=inputs)


def _command(folders: Sequence[str], runners: Sequence[str], targets: Sequence[str], output: str) -> str:
    """The command that makes the same file again."""
    from shlex import quote

    from envgen.ci.places import as_argument

    parts = ["envgen ci", *(as_argument(PurePosixPath(Path(folder).as_posix())) for folder in folders)]
    parts += [f"--target {quote(name)}" for name in targets]
    parts += [f"--gpu-runner {quote(runner)}" for runner in runners]
    parts += [f"--output {quote(output)}"] if output != ".github/workflows/environments.yml" else []
    return " ".join(parts)


def _found(target: Path) -> dict[str, str | None]:
    """The file that is there, as a plan compares it: None when it is no text."""
    from envgen.output.plan import read_file

    try:
        return {target.name: read_file(target)}
    except FileNotFoundError:
        return {}
    except OSError:
        return {target.name: None}
