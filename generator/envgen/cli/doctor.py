"""`envgen doctor`: why CUDA does not work here, and the one thing to do next."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import emit, emit_json, say

if TYPE_CHECKING:
    from envgen.core.errors import UsageError
    from envgen.doctor.examine import Examined

Python = Annotated[
    str | None,
    typer.Option(
        "--python",
        metavar="PATH",
        help="Interpreter to examine. Default: that of the active environment, else python3 or python on PATH.",
    ),
]
Env = Annotated[str | None, typer.Option("--env", metavar="PREFIX", help="Environment to examine, by its folder.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")]
Collect = Annotated[
    str | None,
    typer.Option(
        "--collect",
        metavar="FILE",
        help="Also write a report for a bug tracker, without names, home folders, host names and UUIDs.",
    ),
]


def doctor_command(
    python: Python = None,
    env: Env = None,
    output_format: options.Format = options.OutputFormat.TEXT,
    strict: Strict = False,
    collect: Collect = None,
) -> None:
    """Say why torch.cuda.is_available() is False here, or True but broken, and what to do first. Changes nothing.

    Example: envgen doctor --python .venv/bin/python
    """
    from envgen.doctor.document import diagnosis_lines, diagnosis_mapping
    from envgen.doctor.examine import examine_host

    if collect is not None:
        _check_report(Path(collect))
    examined = examine_host(python=python, prefix=env, recording=collect is not None)
    if collect is not None:
        _write_report(Path(collect), examined)
    if output_format is options.OutputFormat.JSON:
        emit_json(diagnosis_mapping(examined.context, examined.diagnosis, strict=strict))
    else:
        emit("\n".join(diagnosis_lines(examined.context, examined.diagnosis)) + "\n")
    raise typer.Exit(examined.diagnosis.exit_code(strict=strict))


def _check_report(path: Path) -> None:
    """Refuse, before the host is examined, what can't be written; a file that is no report is not overwritten."""
    from envgen.core.errors import UsageError, show
    from envgen.doctor.collect import HEADER

    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"{path.parent} is not a folder")
        if path.exists() and not path.read_text("utf-8", "replace").startswith(HEADER):
            raise UsageError(f"{show(str(path))} is there and no report of envgen", hint="give --collect another name")
    except OSError as error:
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> UsageError:
    from envgen.core.errors import UsageError, show

    fact = error.strerror or str(error)
    return UsageError(f"{show(str(path))} can't be written (from --collect)", fact=fact, hint="name another file")


def _write_report(path: Path, examined: Examined) -> None:
    """Write the report whole or not at all."""
    import getpass
    import platform

    from envgen import __version__
    from envgen.doctor.collect import Identity, report

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""  # an account without a name, as in containers
    identity = Identity(user=user, host=platform.node(), home=str(Path("~").expanduser()))
    text = report(examined.context, examined.diagnosis, identity, examined.recorder, __version__)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise _not_writable(path, error) from error
    say(f"wrote {path}")
    sys.stderr.flush()
