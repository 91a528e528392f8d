"""`envgen verify`: cross-checks the files of a folder, or of every folder below one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envgen.cli import options
from envgen.cli.output import Progress, write_answer, write_json
from envgen.core.escape import printable
from envgen.request.settings import WriteOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envgen.verify.findings import Report


@options.takes(WriteOptions, only=("conda_mirror", "wheel_mirror"))
def verify_command(
    reading: WriteOptions,
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR]...",
            help="Folder with envgen's files, or one with such folders in it. Default: those of the project's targets.",
        ),
    ] = None,
    target: options.TargetNames = None,
    output_format: options.Format = options.OutputFormat.TEXT,
    online: Annotated[
        bool | None,
        typer.Option(
            "--online/--offline",
            help="--online: an index or channel that does not answer is an error (exit 5). --offline: ask none, hashes "
            "against the catalog alone. Default: ask, and tell what did not answer.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")] = False,
    timeout: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", min=1, help="Longest wait for all answers together.")
    ] = 300,
) -> None:
    """Check locks: same pairing in every file, hashes against the index, closure, GPU and driver, edits.

    Example: envgen verify environments/laptop

    Exit status: 0 nothing is wrong, 1 something is, 5 nothing is but --online was given and an answer is missing. What
    could not be checked (offline, an index that does not answer) is listed as skipped and is no fault.
    """
    from envgen.facts.catalog import Catalog
    from envgen.net.deadline import Deadline
    from envgen.net.sites import wheel_site
    from envgen.verify.findings import Asking
    from envgen.verify.folder import verify_folder

    builds, reports, offline = Catalog.load(), [], online is False
    progress, deadline = Progress(), Deadline.after(timeout)
    asked = [(text, reading) for text in folders] if folders else _of_project(target, reading)
    for below, mirrors in [(_folders(text), mirrors) for text, mirrors in asked]:
        with wheel_site(mirrors.wheel_mirror) as site:
            asking = Asking(offline=offline, wheels=site, conda=mirrors.conda_mirror, deadline=deadline)
            for folder in below:
                progress.step(f"checking {folder.as_posix()}")
                reports.append(verify_folder(folder, builds, asking))
    progress.done()
    if output_format is options.OutputFormat.JSON:
        write_json({"schema_version": 1, "folders": [_mapping(report) for report in reports]})
    else:
        lines = _lines(reports, offline=offline)
        write_answer("".join(f"{printable(line)}\n" for line in lines))
    raise typer.Exit(_status(reports, strict=strict, online=online is True))


def _of_project(names: list[str] | None, reading: WriteOptions) -> list[tuple[str, WriteOptions]]:
    """The folders of a project's targets, with the mirrors of each; those of the command line come before.

    Raises: UsageError when there is no project, or a target has no folder yet.
    """
    from dataclasses import replace

    from envgen.cli.project import project_of
    from envgen.core.errors import UsageError

    project = project_of(names)
    if project is None:
        raise UsageError(
            "no folder is named, and there is no envgen.toml here", hint="name the folder: envgen verify DIR"
        )
    absent = [one.name for one in project.targets if not (project.manifest.root / one.folder).is_dir()]
    if absent:
        hint = "make them: envgen lock " + " ".join(f"--target {name}" for name in absent)
        raise UsageError(f"no files yet of {', '.join(absent)}", hint=hint)

    def placed(mirror: str) -> str:
        folder = project.manifest.root / mirror
        return str(folder) if mirror and folder.is_dir() else mirror

    return [
        (
            project.shown(one),
            replace(
                reading,
                conda_mirror=reading.conda_mirror or placed(one.writing.conda_mirror),
                wheel_mirror=reading.wheel_mirror or placed(one.writing.wheel_mirror),
            ),
        )
        for one in project.targets
    ]


def _folders(text: str) -> list[Path]:
    from envgen.core.errors import UsageError, quoted
    from envgen.files.registry import CONDA_LOCK, PYLOCK, REQUIREMENTS
    from envgen.verify.folder import folders_below

    hint = f"name the folder that holds {', '.join(one.one for one in (REQUIREMENTS, PYLOCK, CONDA_LOCK))}"
    if not Path(text).is_dir():
        raise UsageError(f"{quoted(text)} is not a folder", hint=hint)
    found = folders_below(Path(text))
    if not found:
        raise UsageError(f"no file of envgen's in {quoted(text)}", hint=hint)
    return found


def _status(reports: Sequence[Report], *, strict: bool, online: bool) -> int:
    status = max(report.exit_code(strict=strict) for report in reports)
    unanswered = any(check.unanswered for report in reports for check in report.skipped)
    return 5 if online and unanswered and not status else status


def _lines(reports: Sequence[Report], *, offline: bool) -> Iterator[str]:
    for report in reports:
        size = f"{len(report.files)} files, {report.packages} packages"
        yield f"{report.folder}: {_said(report, offline=offline)} ({size})"
        for finding in report.findings:
            yield f"  {finding.line}"
            yield from (f"    {line}" for line in finding.evidence)
            yield f"    hint: {report.remedy(finding)}"
        yield from (f"  skipped: {check.check}: {check.reason}" for check in report.skipped)
    if len(reports) > 1:
        from envgen.verify.findings import Verdict

        bad = sum(report.verdict is Verdict.NOT_GOOD for report in reports)
        yield f"{len(reports)} folders, {bad} with faults"


def _said(report: Report, *, offline: bool) -> str:
    """The verdict in words; what was left open for want of a network is said to be that."""
    from envgen.verify.findings import Verdict

    left_open = "not checked offline" if offline else "not checked"
    return {Verdict.GOOD: "good", Verdict.NOT_GOOD: "not good", Verdict.NOT_CHECKED: left_open}[report.verdict]


def _mapping(report: Report) -> dict[str, Any]:
    return {
        "folder": report.folder,
        "good": report.verdict == "good",
        "verdict": report.verdict.value,
        "files": list(report.files),
        "packages": report.packages,
        "findings": [
            {
                "code": finding.code.value,
                "level": finding.level.value,
                "file": finding.file,
                "title": finding.title,
                "evidence": list(finding.evidence),
                "remedy": report.remedy(finding),
            }
            for finding in report.findings
        ],
        "skipped": [
            {"check": one.check, "reason": one.reason, "unanswered": one.unanswered, "open": one.open}
            for one in report.skipped
        ],
    }
