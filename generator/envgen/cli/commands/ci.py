"""`envgen ci`: a GitHub Actions workflow for the user's own repository."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.output import emit, say
from envgen.core.errors import UsageError, show
from envgen.request.settings import WriteOptions


@options.takes(WriteOptions, only=("check", "force"))
def ci_command(
    writing: WriteOptions,
    folders: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DIR]...", help="Folders with envgen's files, below this one. Default: this folder."),
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
) -> None:
    """Write a GitHub Actions workflow that installs the locks committed here and checks them.

    Run it at the root of your repository. Example: envgen ci envs/train --gpu-runner gpu-t4-4-core
    """
    from envgen.ci.matrix import GpuRunner
    from envgen.ci.workflow import find_locks, workflow_body, workflow_text
    from envgen.facts.catalog import Catalog
    from envgen.output.plan import make_plan
    from envgen.output.writing import apply
    from envgen.verify.refusal import refuse_bad

    wanted = [PurePosixPath(Path(folder).as_posix()) for folder in folders or ["."]]
    runners = [GpuRunner.parse(text) for text in gpu_runner or ()]
    locks = [lock for folder in dict.fromkeys(wanted) for lock in find_locks(Path(), folder)]
    refuse_bad((Path(folder) for folder in dict.fromkeys(wanted)), Catalog.load())
    body = workflow_body(locks, runners)
    target = Path(output)
    if not output.isprintable():
        raise UsageError(f"{show(output)} cannot be a workflow (from --output)", hint="name a .yml file")
    text = workflow_text(body, target.name, _command(wanted, gpu_runner or (), output))
    plan = make_plan(target.parent, _found(target), {target.name: text}, force=writing.force or writing.check)
    if writing.check:
        emit(plan.diff())
        if plan.pending:
            say(f"{target.as_posix()} would change")
        raise typer.Exit(1 if plan.pending else 0)
    apply(plan)
    say(f"{target.as_posix()} was written" if plan.pending else f"up to date: {target.as_posix()}")


def _command(folders: list[PurePosixPath], runners: list[str] | tuple[()], output: str) -> str:
    """The command that makes the same file again."""
    from shlex import quote

    from envgen.ci.places import as_argument

    parts = ["envgen ci", *(as_argument(folder) for folder in folders if str(folder) != ".")]
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
