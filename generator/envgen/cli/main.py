"""The console script: runs the command line and turns every error into its text and exit status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress


def run() -> None:
    """The console script: run the app, print an error in our form, exit with its status."""
    run_process(lambda: main(sys.argv[1:]))


def run_process(body: Callable[[], int]) -> None:
    """Run what a process is there for and end the process with the status that it returns.

    The collector looks rarely: nearly all that a start allocates lives to the end. And what was registered to be done
    at exit is done, but the interpreter isn't taken down module by module: that takes longer than its start.
    """
    import atexit

    from envgen.core.stop import StoppedError, install_stopper

    gc.set_threshold(100_000)
    _open_closed_streams()
    if sys.warnoptions:  # PYTHONWARNINGS=error is meant for a user's own programs
        import warnings

        warnings.simplefilter("ignore")
    try:
        install_stopper()
        status = body()
    except StoppedError as error:  # as early or as late as that
        status = error.status
    except (OSError, MemoryError, ImportError) as error:  # no file can be opened any more, not even one of ours
        status = _refused(error)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has gone, or it is closed
            stream.flush()
    os._exit(status)


def _refused(error: Exception) -> int:
    """Say with what is loaded already that the system lets this process do no more; the status of that."""
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
    with suppress(OSError):
        os.write(2, f"error: {reason} [system]\n".encode("ascii", "replace"))
    return 5


def main(arguments: list[str]) -> int:
    """Run the command line and return the exit status. Only an error of envgen itself is 70, and says how to report it.

    ENVGEN_DEBUG=1 shows the traceback of every error.
    """
    import click

    from envgen.cli.output import print_error, silence, spoken, usage_error, wants_json, write_line
    from envgen.core.errors import EnvgenError
    from envgen.core.stop import StoppedError

    as_json = wants_json(arguments)
    try:
        result = _run(arguments)
    except EnvgenError as error:
        _show_traceback()
        print_error(error, as_json=as_json, lang=spoken(arguments))
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "envgen"
        print_error(usage_error(error.format_message(), command), as_json=as_json, lang=spoken(arguments))
        return 2
    except StoppedError as error:
        write_line("\nstopped: nothing is left half done")
        return error.status
    except (BrokenPipeError, SystemExit):  # click's end of `envgen --help | head -1`
        silence(sys.stdout)
        return 0
    except Exception as error:  # noqa: BLE001 -- the outermost frame
        return _unforeseen(error, as_json=as_json)
    return result if isinstance(result, int) else 0


def _unforeseen(error: Exception, *, as_json: bool) -> int:
    from envgen.cli.output import print_error
    from envgen.cli.unforeseen import foreseen
    from envgen.core.stop import stop_behind

    if (stop := stop_behind(error)) is not None:
        return stop.status
    _show_traceback()
    shown = foreseen(error)
    print_error(shown, as_json=as_json)
    return shown.exit_code


def _run(arguments: list[str]) -> object:
    """Run with the commands that the arguments name; with all of them for help, and to answer a mistyped name."""
    import click
    from typer.main import get_command

    from envgen.cli.app import COMMANDS, build_app
    from envgen.cli.options import fill_defaults

    named = [name for name in COMMANDS if name in arguments]
    helps = bool({"-h", "--help"} & set(arguments))
    has_options = not arguments or arguments[0] not in COMMANDS
    try:
        command = get_command(build_app(named if named or not helps else COMMANDS, has_options=has_options))
        if helps:
            fill_defaults(command)
        return command.main(args=arguments, prog_name="envgen", standalone_mode=False)
    except click.NoSuchCommand:
        return get_command(build_app(COMMANDS)).main(args=arguments, prog_name="envgen", standalone_mode=False)


def _show_traceback() -> None:
    if os.environ.get("ENVGEN_DEBUG"):
        import traceback

        with suppress(OSError, ValueError):
            traceback.print_exc()


def _open_closed_streams() -> None:
    """Put the null device where a standard stream is closed (`>&-`): the next file opened would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: SIM115, PTH123
