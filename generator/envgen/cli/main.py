"""The console script: runs the command line and turns every error into its text and exit status."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable


def run() -> None:
    """The console script: run the app, print an error in our form, exit with its status."""
    run_process(lambda: main(sys.argv[1:]))


def run_process(body: Callable[[], int]) -> None:
    """Run what a process is there for and end the process with the status that it returns.

    The collector looks rarely: nearly all that a start allocates lives to the end. And what was registered to be done
    at exit is done, but the interpreter isn't taken down module by module: that takes longer than its start.
    """
    import atexit
    import os
    from contextlib import suppress

    gc.set_threshold(100_000)
    status = body()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has gone, or it is closed
            stream.flush()
    os._exit(status)


def main(arguments: list[str]) -> int:
    """Run the command line and return the exit status. Errors of envgen and of usage never show a traceback."""
    import click

    from envgen.cli.output import print_error, print_usage_error
    from envgen.core.errors import EnvgenError

    try:
        result = _run(arguments)
    except EnvgenError as error:
        print_error(error)
        return error.exit_code
    except click.UsageError as error:
        print_usage_error(error.format_message(), error.ctx.command_path if error.ctx else "envgen")
        return 2
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.stderr.write("\ninterrupted, nothing was written\n")
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    return result if isinstance(result, int) else 0


def _run(arguments: list[str]) -> object:
    """Run with the commands that the arguments name; with all of them for help, and to answer a mistyped name."""
    import click
    from typer.main import get_command

    from envgen.cli.app import COMMANDS, build_app
    from envgen.cli.options import fill_defaults

    named = [name for name in COMMANDS if name in arguments]
    helps = bool({"-h", "--help"} & set(arguments))
    try:
        command = get_command(build_app(named if named or not helps else COMMANDS))
        if helps:
            fill_defaults(command)
        return command.main(args=arguments, prog_name="envgen", standalone_mode=False)
    except click.NoSuchCommand:
        return get_command(build_app(COMMANDS)).main(args=arguments, prog_name="envgen", standalone_mode=False)


def _broken_pipe() -> int:
    """Leave quietly when the reader of our output has gone (`envgen gpus | head`)."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
