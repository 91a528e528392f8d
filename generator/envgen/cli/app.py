"""The command line: the main job, and the commands, each imported only when it is run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from envgen import __version__
from envgen.cli import options
from envgen.cli.output import emit
from envgen.cli.settings import WriteOptions
from envgen.core.errors import UsageError
from envgen.request.options import RequestOptions

# Command -> where its function is. Only the command that is run is imported: start-up time is a feature.
COMMANDS = {
    "resolve": "envgen.cli.resolve:resolve_command",
    "why-not": "envgen.cli.why_not:why_not_command",
    "gpus": "envgen.cli.gpus:gpus",
    "lock": "envgen.cli.lock:lock_command",
    "verify": "envgen.cli.verify:verify_command",
    "audit": "envgen.cli.audit:audit_command",
    "matrix": "envgen.cli.matrix:matrix_command",
    "ci": "envgen.cli.ci:ci_command",
    "doctor": "envgen.cli.doctor:doctor_command",
    "probe": "envgen.cli.probe:probe_command",
    "site": "envgen.cli.site:site_command",
}


def build_app(names: Iterable[str]) -> typer.Typer:
    """Return the command line with the main job and the named commands."""
    from importlib import import_module

    app = typer.Typer(
        name="envgen",
        # Rich and completion would be imported at every start; plain help reads the same in a pipe.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(envgen)
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        app.command(name)(getattr(import_module(module), function))
    return app


def _version(value: bool) -> None:
    if value:
        emit(f"envgen {__version__}\n")
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
    from envgen.cli.generate import generate

    raise typer.Exit(generate(wanted, writing))
