"""A diagnosis as text for people and as a mapping for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envgen.doctor.context import Case
from envgen.doctor.findings import Diagnosis, Finding

SCHEMA_VERSION = 1


def diagnosis_mapping(case: Case, diagnosis: Diagnosis, *, strict: bool) -> dict[str, Any]:
    """Return the diagnosis of a case as JSON knows it."""
    fix, target = diagnosis.fix, case.target
    return {
        "schema_version": SCHEMA_VERSION,
        "gpus": [known.label for known in case.gpus],
        "driver": str(case.observation.driver) if case.observation.driver else None,
        "python": {
            "executable": target.interpreter.executable or None,
            "prefix": target.interpreter.prefix,
            "version": target.interpreter.version,
            "kind": target.kind.value,
        }
        if target
        else None,
        "torch": {"version": case.torch_version, "cuda": case.torch_cuda or None, "works": case.computes}
        if case.has_torch
        else None,
        "exit_code": diagnosis.exit_code(strict=strict),
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "skipped": [{"check": check.check, "reason": check.reason} for check in diagnosis.skipped],
        "fix": {
            "before": fix.before,
            "command": fix.command,
            "reason": fix.reason,
            "by_decision": fix.by_decision,
        }
        if fix
        else None,
    }


def diagnosis_lines(case: Case, diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the diagnosis of a case as lines: what was examined, the findings, and last the next thing to do."""
    yield from _subject(case)
    yield ""
    for finding in diagnosis.findings:
        yield f"{finding.level}: {finding.title} [{finding.code}]"
        yield from (f"  {line}" for line in finding.evidence)
        yield f"  remedy: {finding.remedy}"
    for reason in dict.fromkeys(check.reason for check in diagnosis.skipped):
        checks = [check.check for check in diagnosis.skipped if check.reason == reason]
        yield f"skipped: {', '.join(checks)}: {reason}"
    if diagnosis.findings or diagnosis.skipped:
        yield ""
    fix = diagnosis.fix
    yield f"fix: {fix.text}" if fix else "nothing to fix"


def _subject(case: Case) -> Iterator[str]:
    driver = f"driver {case.observation.driver}" if case.observation.driver else "no driver"
    yield f"gpu     {', '.join(known.label for known in case.gpus) or 'none'}; {driver}"
    if case.target:
        python = case.target.interpreter
        yield f"python  {python.executable or python.prefix} (Python {python.version}, {case.target.kind})"
    if not case.has_torch:
        return
    if case.computes:
        state = "computed rightly on every GPU"
    elif case.torch_ran:
        state = "CUDA is available" if case.live and case.live.available else "CUDA is not available"
    else:
        state = "was not run"
    yield f"torch   {case.torch_version or 'of unknown version'}, {state}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.value,
        "level": finding.level.value,
        "title": finding.title,
        "evidence": list(finding.evidence),
        "remedy": finding.remedy,
        "command": finding.command,
    }
