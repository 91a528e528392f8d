"""Audits files: reads each, judges every torch in it for each platform, and writes the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path

from envgen.audits.advice import with_change
from envgen.audits.judge import judge
from envgen.audits.verdict import CPU_BUILD, FileReport, Outcome, Verdict
from envgen.core.request import Request
from envgen.core.text_files import read_text_file, system_reason
from envgen.facts.catalog import Catalog
from envgen.readers.mention import FileUnreadableError, IndexOption, Mention, Reading
from envgen.readers.registry import read

# The largest lock seen in a public repository has some 4 MB.
LARGEST = 16 << 20


def audit_files(paths: Iterable[Path], requests: Sequence[Request], catalog: Catalog) -> list[FileReport]:
    """Judge files and the requirements files that they name, each once and in that order.

    A file that another one names with an index of its own (`pip install -r x.txt --index-url …` in a Dockerfile) is
    read with that index.
    """
    queue = [(path, tuple[IndexOption, ...]()) for path in paths]
    options: dict[Path, tuple[IndexOption, ...]] = {}
    readings: dict[Path, Reading | FileUnreadableError] = {}
    while queue:
        path, given = queue.pop(0)
        merged = tuple(dict.fromkeys([*options.get(path, ()), *given]))  # only ever more, so that circles end
        if path in readings and merged == options[path]:
            continue
        options[path] = merged
        try:
            readings[path] = reading = read(read_file(path), name=path.as_posix(), given=options[path])
        except FileUnreadableError as error:
            readings[path] = error
            continue
        beside = ((path.parent / include.path, include.options) for include in reading.includes)
        queue += [(found, named) for found, named in beside if found.is_file()]
    return [_report(path.as_posix(), found, requests, catalog) for path, found in readings.items()]


def audit_text(text: str, name: str, requests: Sequence[Request], catalog: Catalog) -> FileReport:
    """Judge the text of one file by its name; the files that it names are not opened.

    Raises: FileUnreadableError.
    """
    return _report(name, read(text, name=name), requests, catalog)


def _report(
    name: str, reading: Reading | FileUnreadableError, requests: Sequence[Request], catalog: Catalog
) -> FileReport:
    if isinstance(reading, FileUnreadableError):
        return FileReport(file=name, format="", error=reading.reason, line=reading.line)
    judged: dict[object, tuple[Verdict, ...]] = {}  # the same torch on many lines is judged once
    verdicts = []
    for mention in reading.mentions:
        key = _BUT_THE_LINE(mention)
        if key not in judged:
            fitting = (request for request in requests if _is_for(mention, request, reading))
            found = ((judge(mention, request, catalog), request) for request in fitting)
            judged[key] = tuple(with_change(verdict, request, catalog) for verdict, request in found)
        verdicts += [replace(one, mention=mention) for one in judged[key]]
    return FileReport(file=name, format=reading.format, verdicts=tuple(verdicts), remarks=reading.remarks)


# The same torch may stand on many lines, each with a comment of its own, which no reader keeps.
_BUT_THE_LINE = attrgetter(*(field.name for field in fields(Mention) if field.name != "line"))


def _is_for(mention: Mention, request: Request, reading: Reading) -> bool:
    """True for a request whose platform a mention is for. What is for others alone says nothing of the target.

    Of a lock's builds for several Pythons those for the request's are meant, where there are any.
    """
    if not _is_on(mention, request):
        return False
    if not mention.locked or _has_python(mention, request):
        return True
    same = (other for other in reading.mentions if (other.locked, other.variant) == (True, mention.variant))
    return not any(_is_on(other, request) and _has_python(other, request) for other in same)


def _is_on(mention: Mention, request: Request) -> bool:
    return not mention.platforms or request.subdir.value in mention.platforms


def _has_python(mention: Mention, request: Request) -> bool:
    return not mention.pythons or request.python in mention.pythons


def read_file(path: Path) -> str:
    """Return the text of a file that may be anything.

    Raises: FileUnreadableError when it is no regular file, too large, or no text.
    """
    try:
        return read_text_file(path, largest=LARGEST)
    except (OSError, ValueError) as error:
        raise FileUnreadableError(name=path.as_posix(), reason=system_reason(error)) from error


def exit_status(reports: Iterable[FileReport], *, strict: bool) -> int:
    """3 when a file can't be read, 1 when a torch doesn't run (or, with `strict`, can't be told), else 0."""
    reports = list(reports)
    if any(report.error for report in reports):
        return 3
    outcomes = {verdict.judgement.outcome for report in reports for verdict in _counted(report)}
    unclear = strict and (Outcome.UNKNOWN in outcomes or any(not report.verdicts for report in reports))
    return int(Outcome.FAILS in outcomes or unclear)


def _counted(report: FileReport) -> Iterator[Verdict]:
    """The verdicts that decide the status: a CPU variant beside another one is there on purpose."""
    for verdict in report.verdicts:
        others = (
            other
            for other in report.verdicts
            if other.platform == verdict.platform and other.judgement.code != CPU_BUILD
        )
        on_purpose = verdict.judgement.code == CPU_BUILD and verdict.mention.variant and any(others)
        if not on_purpose:
            yield verdict


def as_text(reports: Iterable[FileReport]) -> str:
    """The answer for people."""
    return "".join(f"{line}\n" for report in reports for line in _lines(report))


_WORDS = {Outcome.RUNS: "runs", Outcome.FAILS: "does not run", Outcome.UNKNOWN: "can't be told"}


def _lines(report: FileReport) -> Iterator[str]:
    if report.error:
        yield f"{report.file}{f':{report.line}' if report.line else ''}: can't be read: {report.error}"
        return
    if not report.verdicts:
        yield f"{report.file} ({report.format}): names no torch for this platform"
    for verdict in report.verdicts:
        mention, judgement = verdict.mention, verdict.judgement
        where = ", ".join(filter(None, (verdict.platform, mention.variant)))
        name = judgement.label or mention.text
        yield f"{report.file}:{mention.line}: {name} ({where}) {_WORDS[judgement.outcome]}"
        yield f"  {judgement.reason}"
        yield from (f"  {note}" for note in judgement.notes)
        if verdict.change:
            yield f"  change: {verdict.change}"
    yield from (f"{report.file}: {remark}" for remark in report.remarks)


def as_json(reports: Iterable[FileReport]) -> Mapping[str, object]:
    """The answer for programs."""
    return {
        "schema_version": 1,
        "files": [
            {
                "file": report.file,
                **({"target": report.target} if report.target else {}),
                "format": report.format,
                "error": report.error or None,
                "remarks": list(report.remarks),
                "torch": [_entry(verdict) for verdict in report.verdicts],
            }
            for report in reports
        ],
    }


def _entry(verdict: Verdict) -> dict[str, object]:
    mention, judgement = verdict.mention, verdict.judgement
    return {
        "line": mention.line,
        "text": mention.text,
        "set": mention.package_set.value,
        "platform": verdict.platform,
        "variant": mention.variant,
        "build": judgement.label,
        "outcome": judgement.outcome.value,
        "code": judgement.code,
        "reason": judgement.reason,
        "notes": list(judgement.notes),
        "change": verdict.change or None,
    }


def as_github(reports: Iterable[FileReport]) -> str:
    """Workflow commands that GitHub shows at the lines of a pull request."""
    return "".join(f"{line}\n" for report in reports for line in _annotations(report))


def _annotations(report: FileReport) -> Iterator[str]:
    if report.error:
        yield f"::error file={_property(report.file)},line={report.line or 1}::{_data(report.error)}"
    for verdict in report.verdicts:
        outcome = verdict.judgement.outcome
        level = {Outcome.FAILS: "error", Outcome.UNKNOWN: "notice", Outcome.RUNS: ""}[outcome]
        if level:
            where = f"{verdict.platform} (target {report.target})" if report.target else verdict.platform
            text = f"{verdict.judgement.label or verdict.mention.text} on {where} {_WORDS[outcome]}: "
            text += verdict.judgement.reason + (f". Change: {verdict.change}" if verdict.change else "")
            yield f"::{level} file={_property(report.file)},line={verdict.mention.line}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
