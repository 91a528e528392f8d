"""The command line: the main job, and the commands, each imported only when it is run."""

from __future__ import annotations

from collections.abc import Iterable

import typer

# Command -> where its function is. Only the command that is run is imported: start-up time is a feature.
COMMANDS = {
    "resolve": "envgen.cli.commands.resolve:resolve_command",
    "why-not": "envgen.cli.commands.why_not:why_not_command",
    "gpus": "envgen.cli.commands.gpus:gpus",
    "init": "envgen.cli.commands.init:init_command",
    "lock": "envgen.cli.commands.lock:lock_command",
    "project": "envgen.cli.commands.project:project_command",
    "verify": "envgen.cli.commands.verify:verify_command",
    "audit": "envgen.cli.commands.audit:audit_command",
    "matrix": "envgen.cli.commands.matrix:matrix_command",
    "ci": "envgen.cli.commands.ci:ci_command",
    "doctor": "envgen.cli.commands.doctor:doctor_command",
    "explain": "envgen.cli.commands.explain:explain_command",
    "probe": "envgen.cli.commands.probe:probe_command",
    "site": "envgen.cli.commands.site:site_command",
    "completion": "envgen.cli.commands.completion:completion_command",
}


def build_app(names: Iterable[str], *, has_options: bool = True) -> typer.Typer:
    """Return the command line with the main job and the named commands; without its options for a command alone."""
    from importlib import import_module

    app = typer.Typer(
        name="envgen",
        # Rich and completion would be imported at every start; plain help reads the same in a pipe.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    if has_options:
        from envgen.cli.main_job import envgen

        app.callback(invoke_without_command=True)(envgen)
    else:
        app.callback()(_no_options)
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        app.command(name)(getattr(import_module(module), function))
    return app


def _no_options() -> None:
    """The command that is named first reads all options."""
