"""`envgen audit`: will the torch in files that anybody made run on a GPU."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import print_note, write_answer, write_json
from envgen.request.options import RequestOptions

if TYPE_CHECKING:
    from envgen.cli.project import Asked
    from envgen.facts.catalog import Catalog


class AuditFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


# The files say what is in them.
_NOT_READ = ("torch", "cuda", "vision", "audio", "glibc")


@options.takes(RequestOptions, without=_NOT_READ)
def audit_command(
    wanted: RequestOptions,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="requirements.txt, pyproject.toml, uv.lock, poetry.lock, pylock.toml, environment.yml, "
            "conda-lock.yml, an explicit lock, pixi.toml, pixi.lock or Dockerfile; a folder means those in it.",
        ),
    ],
    output_format: Annotated[AuditFormat, typer.Option("--format", help="How to print it.")] = AuditFormat.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="What can't be decided fails too.")] = False,
    target: options.TargetNames = None,
) -> None:
    """Say whether the torch that files name runs on a GPU with a driver, and if not, why and the smallest change.

    Example: envgen audit uv.lock Dockerfile --gpu "GTX 1080 Ti" --driver 535.183.01 --platform linux-64

    Exit status: 0 none fails, 1 one does not run, 3 a file can't be read.
    """
    from envgen.audits.report import as_github, as_json, as_text, audit_files, exit_status
    from envgen.facts.catalog import Catalog
    from envgen.readers.registry import files_in
    from envgen.verify.refusal import refuse_for_audit

    catalog = Catalog.load()
    asked = _asked(wanted, target, catalog)
    paths = [path for file in files for path in (files_in(file) if file.is_dir() else [file])]
    refuse_for_audit(paths, catalog)
    unique = dict.fromkeys(paths)
    judged = ((one, audit_files(unique, one.requests.requests, catalog)) for one in asked)
    reports = [(one, [replace(report, target=one.target) for report in found]) for one, found in judged]
    for notice in dict.fromkeys(notice.text for one in asked for notice in one.requests.notices):
        print_note(notice)
    every = [report for _, found in reports for report in found]
    match output_format:
        case AuditFormat.TEXT:
            for one, found in reports:
                write_answer(one.heading + as_text(found))
        case AuditFormat.JSON:
            write_json(as_json(every))
        case AuditFormat.GITHUB:
            write_answer(as_github(every))
    raise typer.Exit(exit_status(every, strict=strict))


def _asked(wanted: RequestOptions, names: list[str] | None, catalog: Catalog) -> list[Asked]:
    """What to judge for.

    Raises: UsageError when nothing of it has a GPU.
    """
    from envgen.cli.project import asked_of
    from envgen.core.errors import UsageError

    asked = asked_of(names, wanted, catalog, without=_NOT_READ)
    found = [one for one in asked if not one.requests.requests[0].is_cpu]
    if not found:
        hint = "name the GPU that the files are for, or a target with one"
        raise UsageError("audit tells whether CUDA runs on a GPU, and the CPU has none", hint=hint)
    if left := [one.target for one in asked if one not in found]:
        print_note(f"not judged for {', '.join(left)}: without a GPU there is no CUDA that could fail")
    return found
