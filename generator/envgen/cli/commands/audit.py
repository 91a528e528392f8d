"""`envgen audit`: will the torch in files that anybody made run on a GPU."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envgen.cli import options
from envgen.cli.output import print_note, write_answer, write_json
from envgen.request.options import RequestOptions

if TYPE_CHECKING:
    from envgen.facts.catalog import Catalog
    from envgen.request.requests import Requests


class AuditFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@options.takes(RequestOptions, without=("torch", "cuda", "vision", "audio", "glibc"))
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
    reports = {name: audit_files(dict.fromkeys(paths), one.requests, catalog) for name, one in asked.items()}
    for notice in dict.fromkeys(notice.text for one in asked.values() for notice in one.notices):
        print_note(notice)
    every = [report for found in reports.values() for report in found]
    match output_format:
        case AuditFormat.TEXT:
            for name, found in reports.items():
                write_answer((f"target {name}\n" if name else "") + as_text(found))
        case AuditFormat.JSON:
            write_json(as_json(every))
        case AuditFormat.GITHUB:
            write_answer(as_github(every))
    raise typer.Exit(exit_status(every, strict=strict))


def _asked(wanted: RequestOptions, names: list[str] | None, catalog: Catalog) -> dict[str, Requests]:
    """What to judge for, by the name of the target; without a name where it is the command line's."""
    from envgen.cli.project import project_of
    from envgen.request.read import read_request

    project = project_of(names, wanted)
    if project is None:
        return {"": read_request(wanted, catalog)}
    plain: dict[str, Any] = {"torch": None, "cuda": None, "vision": True, "audio": False, "glibc": ()}
    return {one.name: read_request(replace(one.wanted, **plain), catalog) for one in project.targets}
