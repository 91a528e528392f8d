"""`envgen` without a command: the main job, with all its options."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen import __version__
from envgen.cli import options
from envgen.cli.output import write_answer
from envgen.core.errors import UsageError
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions


def _version(value: bool) -> None:
    if value:
        write_answer(f"envgen {__version__}\n")
        raise typer.Exit


def _refuse_options(context: typer.Context, command: str) -> None:
    """A command reads its own options only: one in front of its name would be dropped without a word.

    Raises: UsageError when there is one.
    """
    from click.core import ParameterSource

    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(
            f"{', '.join(given)} in front of the command `{command}` would not be read",
            hint=f"put every option behind it; `envgen {command} --help` lists them",
        )


@options.takes(RequestOptions, WriteOptions)
def envgen(
    wanted: RequestOptions,
    writing: WriteOptions,
    context: typer.Context,
    target: options.TargetNames = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Write a locked PyTorch environment for an NVIDIA GPU: the newest PyTorch and CUDA that really run on it.

    Example: envgen --gpu "GeForce MX450" --platform win-64 --driver 560.94

    Writes environment.yml, conda-lock.yml, conda-SUBDIR.lock, virtual-packages.yml, requirements.txt, pylock.toml and
    smoke_test.py. No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context, context.invoked_subcommand)
        return
    from envgen.cli.project import project_of

    if (project := project_of(target, wanted)) is not None:
        from envgen.cli.on_targets import generate_targets

        raise typer.Exit(generate_targets(project, writing))
    from envgen.cli.generate import generate

    raise typer.Exit(generate(wanted, writing))
