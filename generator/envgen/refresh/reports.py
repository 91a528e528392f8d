"""Task `reports`: what `smoke_test.py --json` printed on people's computers becomes rows of arch_reports.csv."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError
from envgen.core.json_text import JsonError, parse_json, parse_json_object
from envgen.core.platforms import Subdir
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.refresh.compile import compiled
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.releases import read_releases
from envgen.refresh.rewrite import table_file

_KEY = ("torch", "cuda_tag", "subdir", "source")
_CODES = re.compile(r"(?:sm|compute)_\d{2,3}[af]?")


class ReportFileError(DataError):
    """The file of issues is not what `gh issue list --json number,body,author` prints."""

    code = "reports-unreadable"

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            f"{path} holds no issues",
            reason,
            hint="write it with: gh issue list --label report --json number,body,author",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue made from the form."""

    number: int
    author: str
    body: str


def refresh_reports(inputs: Inputs) -> Outcome:
    """arch_reports.csv with the reports in a file of issues, and what they make of the builds.

    Raises: ReportFileError, FactInvalidError.
    """
    issues = read_issues(Path(inputs.source))
    rows, findings = with_reports(read_table("arch_reports", inputs.folder), issues)
    made = compiled(inputs.folder, read_releases(inputs.folder).values(), arch_reports=rows)
    files = {**made.files, **table_file("arch_reports", rows)}
    return Outcome(files=files, findings=(*findings, *made.findings))


def read_issues(path: Path) -> list[Issue]:
    """Raises: ReportFileError."""
    try:
        entries = parse_json(path.read_text(encoding="utf-8"))
        issues = [Issue(number=e["number"], author=e["author"]["login"], body=e["body"]) for e in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ReportFileError(path=str(path), reason=f"{type(error).__name__}: {error}") from error
    if not isinstance(entries, list):
        raise ReportFileError(path=str(path), reason="no list")
    return issues


def with_reports(rows: Rows, issues: list[Issue]) -> tuple[Rows, list[Finding]]:
    """Return the rows with one for each issue that states a wheel's arch list; one person counts once for a build."""
    known = {row["source"] for row in rows}
    told = {(row["torch"], row["cuda_tag"], row["subdir"], row["source"].partition(" by ")[2]) for row in rows}
    findings: list[Finding] = []
    new: Rows = []
    for issue in issues:
        source = f"issue {issue.number} by {issue.author}"
        if source in known:
            continue
        row = report_of(issue)
        if row is None:
            findings.append(_unreadable(issue))
        elif (key := (row["torch"], row["cuda_tag"], row["subdir"], issue.author)) not in told:
            told.add(key)
            new.append({**row, "source": source, "kind": "report"})
    return sorted([*rows, *new], key=lambda row: natural_key([row[column] for column in _KEY])), findings


def report_of(issue: Issue) -> dict[str, str] | None:
    """Release, CUDA tag, subdir and arch list that an issue states, or None when it doesn't, or is no wheel's."""
    platform = re.search(r"^### Platform\s+(\S+)", issue.body, flags=re.MULTILINE)
    answers = list(_answers(issue.body))
    if platform is None or platform[1] not in {subdir.value for subdir in Subdir} or len(answers) != 1:
        return None
    wheel = re.fullmatch(r"(\d+\.\d+\.\d+)\+(cu\d{2,3})", str(answers[0].get("torch", "")))
    codes = answers[0].get("arch_list")
    if wheel is None or not isinstance(codes, list) or not codes or not all(_is_code(code) for code in codes):
        return None
    return {"torch": wheel[1], "cuda_tag": wheel[2], "subdir": platform[1], "arch_list": " ".join(codes)}


def _is_code(code: object) -> bool:
    return isinstance(code, str) and _CODES.fullmatch(code) is not None


def _answers(body: str) -> Iterator[Mapping[str, object]]:
    """The lines that are an answer of smoke_test.py."""
    for line in body.splitlines():
        try:
            answer = parse_json_object(line)
        except JsonError:
            continue
        if answer.get("schema_version") == 1 and "arch_list" in answer:
            yield answer


def _unreadable(issue: Issue) -> Finding:
    return Finding(
        code="report-unreadable",
        title=f"issue {issue.number} states no platform, or not one line of the smoke test's --json of a wheel",
        remedy="ask for the line, or close it",
    )
