"""`envgen matrix`: the CI matrix of the shipped locks."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envgen.cli import options
from envgen.cli.output import write_answer, write_json
from envgen.core.capability import ComputeCapability
from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envgen.ci.matrix import GpuRunner, Selection


class MatrixFormat(StrEnum):
    """How the matrix is printed."""

    GITHUB = "github"
    JSON = "json"
    TEXT = "text"


def matrix_command(
    output_format: Annotated[MatrixFormat, typer.Option("--format", help="How to print it.")] = MatrixFormat.TEXT,
    sets: Annotated[
        list[PackageSet] | None, typer.Option("--set", "--lane", help="pip or conda. Default: both.")
    ] = None,
    platform: Annotated[
        list[Subdir] | None, typer.Option("--platform", help="linux-64, win-64 or linux-aarch64. Repeatable.")
    ] = None,
    compute_capability: Annotated[
        list[str] | None,
        typer.Option("--compute-capability", metavar="X.Y", help="Only builds with code for this GPU. Repeatable."),
    ] = None,
    changed_since: Annotated[
        str | None,
        typer.Option("--changed-since", metavar="REV", help="Only locks that changed since a git revision."),
    ] = None,
    gpu_runner: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu-runner",
            metavar="[SUBDIR=]LABEL[,LABEL]",
            help="Entries for these runners in place of GitHub's own. Repeatable. Default SUBDIR: linux-64.",
        ),
    ] = None,
    shard: Annotated[
        str, typer.Option("--shard", metavar="K/N", help="The Kth of N parts: GitHub takes 256 jobs at once.")
    ] = "1/1",
    lockfiles: Annotated[
        str,
        typer.Option(
            "--lockfiles", metavar="DIR", help="Folder of locks. Default: those of the project, or that envgen ships."
        ),
    ] = "",
    target: options.TargetNames = None,
) -> None:
    """Print the CI matrix of a project's targets, or of the shipped locks: one entry per environment.

    Example: envgen matrix --format github --set pip --changed-since origin/main

    A target's entries are for its own runner, where the project's file names one.
    """
    from envgen.ci.matrix import GpuRunner, Selection, github_matrix, matrix_text
    from envgen.cli.project import project_of
    from envgen.cli.target_locks import entries_of

    project = None if lockfiles else project_of(target)
    if project is not None:
        if gpu_runner or compute_capability:
            hint = "give the target a runner, or name targets: --target NAME"
            raise UsageError("--gpu-runner and --compute-capability are not read beside a project's targets", hint=hint)
        number, parts = _shard(shard)
        entries = entries_of(project, sets or (), platform or (), changed_since)[number - 1 :: parts]
    else:
        selection = Selection(
            sets=tuple(sets or ()),
            subdirs=tuple(platform or ()),
            capabilities=tuple(ComputeCapability.parse(text) for text in compute_capability or ()),
            shard=_shard(shard),
        )
        runners = [GpuRunner.parse(text) for text in gpu_runner or ()]
        entries = _of_tree(
            lockfiles, selection, runners, changed_since, for_github=output_format is MatrixFormat.GITHUB
        )
    match output_format:
        case MatrixFormat.GITHUB:
            import json

            # One line: it becomes the value of a job's output.
            write_answer(json.dumps(github_matrix(entries), separators=(",", ":")) + "\n")
        case MatrixFormat.JSON:
            write_json({"schema_version": 1, "environments": entries})
        case MatrixFormat.TEXT:
            write_answer(matrix_text(entries))


def _of_tree(
    lockfiles: str, selection: Selection, runners: Sequence[GpuRunner], changed_since: str | None, *, for_github: bool
) -> list[dict[str, Any]]:
    """The entries of a tree of locks, laid out as the shipped ones are."""
    from envgen.ci.changed import changed_files
    from envgen.ci.matrix import find_environments, matrix_entries, select
    from envgen.ci.places import check_quotable
    from envgen.core.paths import tree
    from envgen.facts.catalog import Catalog

    root = Path(lockfiles) if lockfiles else tree("lockfiles")
    if not root.is_dir():
        raise UsageError(
            f"{quoted(lockfiles)} is not a folder (from --lockfiles)", hint="name a folder of envgen's locks"
        )
    catalog = Catalog.load()
    if changed_since:
        selection = replace(selection, changed=changed_files(root, changed_since))
    environments = select(find_environments(root, catalog), selection)
    if lockfiles:  # what envgen ships was verified before
        from envgen.verify.refusal import refuse_bad

        refuse_bad((root / environment.shipped.folder for environment in environments), catalog)
    prefix = PurePosixPath(Path(lockfiles or "lockfiles").as_posix())
    if for_github:
        check_quotable(prefix)
    return matrix_entries(environments, runners, str(prefix))


def _shard(text: str) -> tuple[int, int]:
    number, slash, parts = text.partition("/")
    good = slash and all(part.isascii() and part.isdigit() and len(part) <= 4 for part in (number, parts))
    if not good or not 1 <= int(number) <= int(parts):
        raise UsageError(
            f"{quoted(text)} is not a shard", fact="K/N with K from 1 to N", hint="--shard 1/2, --shard 2/2"
        )
    return int(number), int(parts)
