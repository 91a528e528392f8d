"""A diagnosis as text for people and as a mapping for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envgen.doctor.findings import Diagnosis, Finding

SCHEMA_VERSION = 1


def diagnosis_mapping(diagnosis: Diagnosis, *, strict: bool) -> dict[str, Any]:
    """Return the diagnosis as JSON knows it."""
    fix = diagnosis.fix
    return {
        "schema_version": SCHEMA_VERSION,
        "exit_code": diagnosis.exit_code(strict=strict),
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "skipped": [{"check": check.check, "reason": check.reason} for check in diagnosis.skipped],
        "fix": {"command": fix.command, "reason": fix.reason, "by_decision": fix.by_decision} if fix else None,
    }


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the diagnosis as lines; the last one is the next thing to do."""
    for finding in diagnosis.findings:
        yield f"{finding.level}: {finding.title} [{finding.code}]"
        yield from (f"  {line}" for line in finding.evidence)
        yield f"  remedy: {finding.remedy}"
    for check in diagnosis.skipped:
        yield f"skipped: {check.check}: {check.reason}"
    if diagnosis.findings or diagnosis.skipped:
        yield ""
    fix = diagnosis.fix
    if fix is None:
        yield "nothing to fix"
    elif fix.command:
        yield f"fix: {fix.command}"
    else:
        yield f"fix: {fix.reason}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.value,
        "level": finding.level.value,
        "title": finding.title,
        "evidence": list(finding.evidence),
        "remedy": finding.remedy,
        "command": finding.command,
    }
