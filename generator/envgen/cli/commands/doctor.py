"""`envgen doctor`: why CUDA does not work here, and the one thing to do next."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from envgen.cli import options
from envgen.cli.output import write_answer, write_json, write_line
from envgen.core.text_files import encoding_of, read_regular, system_reason

if TYPE_CHECKING:
    from envgen.core.errors import UsageError
    from envgen.doctor.examine import Examined
    from envgen.environments.inspected import InspectedEnvironment

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

Report = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Judge a machine by a text that somebody posted (- reads standard input): collect_env, nvidia-smi, lists.",
    ),
]

Target = Annotated[
    str | None,
    typer.Option("--target", metavar="NAME", help="Examine the .venv in the folder of this target of envgen.toml."),
]

_LONGEST = 8 << 20  # bytes of a posted text; nobody's is longer


def doctor_command(
    python: Python = None,
    env: Env = None,
    output_format: options.Format = options.OutputFormat.TEXT,
    strict: Strict = False,
    collect: Collect = None,
    report: Report = None,
    target: Target = None,
) -> None:
    """Say why torch.cuda.is_available() is False here, or True but broken, and what to do first. Changes nothing.

    Example: envgen doctor --python .venv/bin/python
    """
    from envgen.doctor.document import diagnosis_lines, diagnosis_mapping
    from envgen.doctor.examine import examine_host

    if report is not None:
        _judge_text(report, python or env or collect or target, output_format, strict=strict)
    if target is not None:
        env = _environment_of(target, python or env)
    if collect is not None:
        _check_report(Path(collect))
    examined = examine_host(python=python, prefix=env, recording=collect is not None)
    if collect is not None:
        _write_report(Path(collect), examined)
    if output_format is options.OutputFormat.JSON:
        write_json(diagnosis_mapping(examined.context, examined.diagnosis, strict=strict))
    else:
        write_answer("\n".join(diagnosis_lines(examined.context, examined.diagnosis)) + "\n")
    raise typer.Exit(examined.diagnosis.exit_code(strict=strict))


def _environment_of(target: str, other: str | None) -> str:
    """The environment in a target's folder, where the commands that envgen prints make it.

    Raises: UsageError when there is none; TargetUnknownError.
    """
    from envgen.cli.project import asked_of
    from envgen.core.errors import UsageError, quoted
    from envgen.facts.catalog import Catalog
    from envgen.files.commands import VENV
    from envgen.request.options import RequestOptions

    if other is not None:
        raise UsageError("--target names the environment, and so do --python and --env", hint="give one")
    (asked,) = asked_of([target], RequestOptions(), Catalog.load())
    found = asked.folder / VENV
    if not (found / "pyvenv.cfg").is_file():
        hint = "make it there with the commands that the locks say, or name another one: --env PREFIX"
        raise UsageError(f"{quoted(found.as_posix())} is no environment (from --target)", hint=hint)
    return str(found)


def _judge_text(source: str, other: str | None, output_format: options.OutputFormat, *, strict: bool) -> NoReturn:
    """Judge a posted text instead of this host."""
    from envgen.core.errors import UsageError, quoted
    from envgen.doctor.posted import examine_text, posted_lines, posted_mapping

    if other is not None:
        raise UsageError(
            "--report judges another machine: --python, --env, --target and --collect are of this one", hint="give one"
        )
    try:
        data = sys.stdin.buffer.read(_LONGEST) if source == "-" else read_regular(Path(source), _LONGEST)
    except (OSError, ValueError) as error:
        fact = system_reason(error)
        raise UsageError(f"{quoted(source)} can't be read (from --report)", fact=fact, hint="name a file") from error
    posted = examine_text(data.decode(encoding_of(data), "replace"))
    if output_format is options.OutputFormat.JSON:
        write_json(posted_mapping(posted, strict=strict))
    else:
        write_answer("\n".join(posted_lines(posted)) + "\n")
    raise typer.Exit(posted.diagnosis.exit_code(strict=strict))


def _check_report(path: Path) -> None:
    """Refuse, before the host is examined, what can't be written; a file that is no report is not overwritten."""
    from envgen.core.errors import UsageError, quoted
    from envgen.doctor.collect import HEADER

    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"{path.parent} is not a folder")
        if path.exists() and read_regular(path, len(HEADER.encode())) != HEADER.encode():
            raise UsageError(
                f"{quoted(str(path))} is there and no report of envgen", hint="give --collect another name"
            )
    except OSError as error:
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> UsageError:
    from envgen.core.errors import UsageError, quoted

    fact = error.strerror or str(error)
    return UsageError(f"{quoted(str(path))} can't be written (from --collect)", fact=fact, hint="name another file")


def _write_report(path: Path, examined: Examined) -> None:
    """Write the report whole or not at all."""
    import getpass
    import platform

    from envgen import __version__
    from envgen.doctor.collect import report
    from envgen.doctor.scrub import Identity
    from envgen.output.writing import replace_files

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""  # an account without a name, as in containers
    identity = Identity(
        user=user,
        host=platform.node(),
        home=str(Path("~").expanduser()),
        project=_project(examined.context.environment),
    )
    text = report(examined.context, examined.diagnosis, identity, examined.recorder, __version__)
    try:
        replace_files(path.parent, {path.name: text})
    except OSError as error:
        raise _not_writable(path, error) from error
    write_line(f"wrote {path}")
    sys.stderr.flush()


def _project(environment: InspectedEnvironment | None) -> str:
    """The folder that a virtual environment lies in, which is often named after the work done there."""
    from envgen.probe.observation import EnvironmentKind

    if environment is None or environment.kind not in (EnvironmentKind.VENV, EnvironmentKind.UV):
        return ""
    folder = Path(environment.interpreter.prefix).parent
    return str(folder) if len(folder.parts) > 2 else ""
