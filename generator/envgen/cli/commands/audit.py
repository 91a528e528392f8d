"""`envgen audit`: will the torch in files that anybody made run on a GPU."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.output import emit, emit_json, print_note
from envgen.request.options import RequestOptions


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
) -> None:
    """Say whether the torch that files name runs on a GPU with a driver, and if not, why and the smallest change.

    Example: envgen audit uv.lock Dockerfile --gpu "GTX 1080 Ti" --driver 535.183.01 --platform linux-64

    Exit status: 0 none fails, 1 one does not run, 3 a file can't be read.
    """
    from envgen.audit.report import as_github, as_json, as_text, audit_files, exit_status
    from envgen.facts.catalog import Catalog
    from envgen.readers.registry import files_in
    from envgen.request.read import read_request
    from envgen.verify.refusal import FOR_AUDIT, AuditNotGoodError, FolderNotGoodError, refuse_bad

    catalog = Catalog.load()
    asked = read_request(wanted, catalog)
    paths = [path for file in files for path in (files_in(file) if file.is_dir() else [file])]
    try:
        refuse_bad(dict.fromkeys(path.parent for path in paths), catalog, let_go=FOR_AUDIT)
    except FolderNotGoodError as error:
        raise AuditNotGoodError(error.folder, error.findings) from error
    reports = audit_files(dict.fromkeys(paths), asked.requests, catalog)
    for notice in asked.notices:
        print_note(notice.text)
    match output_format:
        case AuditFormat.TEXT:
            emit(as_text(reports))
        case AuditFormat.JSON:
            emit_json(as_json(reports))
        case AuditFormat.GITHUB:
            emit(as_github(reports))
    raise typer.Exit(exit_status(reports, strict=strict))
