"""`envgen verify`: cross-checks the files of a folder, or of every folder below one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envgen.cli import options
from envgen.cli.output import Progress, emit, emit_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envgen.verify.findings import Report


def verify_command(
    folders: Annotated[
        list[str], typer.Argument(metavar="DIR...", help="Folder with envgen's files, or one with such folders in it.")
    ],
    output_format: options.Format = options.OutputFormat.TEXT,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no index and no channel: hashes against the catalog alone.")
    ] = False,
    conda_mirror: options.CondaMirror = "",
    wheel_mirror: options.WheelMirror = "",
    timeout: Annotated[int, typer.Option("--timeout", metavar="SECONDS", min=1, help="For each lock.")] = 120,
) -> None:
    """Check locks: same pairing in every file, hashes against the index, closure, GPU and driver, edits.

    Example: envgen verify environments/laptop

    Exit status: 0 nothing is wrong, 1 something is. What could not be checked (offline, an index that does not answer)
    is told as skipped and is no fault.
    """
    from envgen.core.errors import UsageError, show
    from envgen.facts.builds import BuildCatalog
    from envgen.verify.findings import Asking
    from envgen.verify.folder import folders_below, verify_folder

    asking = Asking(offline=offline, wheel_mirror=wheel_mirror, conda_mirror=conda_mirror, timeout_s=timeout)
    builds, reports = BuildCatalog(), []
    progress = Progress()
    for text in folders:
        hint = "name the folder that holds requirements.txt, pylock.toml, conda-lock.yml"
        if not Path(text).is_dir():
            raise UsageError(f"{show(text)} is not a folder", hint=hint)
        found = folders_below(Path(text))
        if not found:
            raise UsageError(f"no file of envgen's in {show(text)}", hint=hint)
        for folder in found:
            progress.step(f"checking {folder.as_posix()}")
            reports.append(verify_folder(folder, builds, asking))
    progress.done()
    if output_format is options.OutputFormat.JSON:
        emit_json({"schema_version": 1, "folders": [_mapping(report) for report in reports]})
    else:
        emit("".join(f"{line}\n" for line in _lines(reports)))
    raise typer.Exit(0 if all(report.is_good for report in reports) else 1)


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        verdict = "good" if report.is_good else "not good"
        yield f"{report.folder}: {verdict} ({len(report.files)} files, {report.packages} packages)"
        for finding in report.findings:
            yield f"  {finding.level}: {finding.file}: {finding.title} [{finding.code}]"
            yield from (f"    {line}" for line in finding.evidence)
        yield from (f"  skipped: {check.check}: {check.reason}" for check in report.skipped)
    if len(reports) > 1:
        bad = sum(not report.is_good for report in reports)
        yield f"{len(reports)} folders, {bad} with faults"


def _mapping(report: Report) -> dict[str, Any]:
    return {
        "folder": report.folder,
        "good": report.is_good,
        "files": list(report.files),
        "packages": report.packages,
        "findings": [
            {
                "code": finding.code.value,
                "level": finding.level.value,
                "file": finding.file,
                "title": finding.title,
                "evidence": list(finding.evidence),
            }
            for finding in report.findings
        ],
        "skipped": [{"check": check.check, "reason": check.reason} for check in report.skipped],
    }
