"""A diagnosis as text for people and as a mapping for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envgen.causes.context import Context
from envgen.causes.findings import Finding
from envgen.doctor.diagnosis import Diagnosis

SCHEMA_VERSION = 1


def diagnosis_mapping(context: Context, diagnosis: Diagnosis, *, strict: bool) -> dict[str, Any]:
    """Return the diagnosis as JSON knows it."""
    fix, environment = diagnosis.fix, context.environment
    return {
        "schema_version": SCHEMA_VERSION,
        "gpus": [known.label for known in context.gpus],
        "driver": str(context.observation.driver) if context.observation.driver else None,
        "python": {
            "executable": environment.interpreter.executable or None,
            "prefix": environment.interpreter.prefix,
            "version": environment.interpreter.version,
            "kind": environment.kind.value,
        }
        if environment
        else None,
        "torch": {"version": context.torch_version, "cuda": context.torch_cuda or None, "works": context.computes}
        if context.has_torch
        else None,
        "exit_code": diagnosis.exit_code(strict=strict),
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "skipped": [{"check": check.check, "reason": check.reason} for check in diagnosis.skipped],
        "fix": {
            "before": fix.where if fix.command else "",
            "command": fix.command,
            "reason": fix.text,
            "by_decision": fix.by_decision,
        }
        if fix
        else None,
    }


def diagnosis_lines(context: Context, diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the diagnosis as lines: what was examined, the findings, and last the next thing to do."""
    yield from _subject(context)
    yield ""
    for finding in diagnosis.findings:
        yield f"{finding.level}: {finding.title} [{finding.code}]"
        yield from (f"  {line}" for line in finding.evidence)
        yield f"  remedy: {finding.remedy.text}"
    for reason in dict.fromkeys(check.reason for check in diagnosis.skipped):
        checks = [check.check for check in diagnosis.skipped if check.reason == reason]
        yield f"skipped: {', '.join(checks)}: {reason}"
    if diagnosis.findings or diagnosis.skipped:
        yield ""
    fix = diagnosis.fix
    yield f"fix: {fix.line}" if fix else "nothing to fix"


def _subject(context: Context) -> Iterator[str]:
    driver = f"driver {context.observation.driver}" if context.observation.driver else "no driver"
    yield f"gpu     {context.gpu_names or 'none'}; {driver}"
    if context.environment:
        python = context.environment.interpreter
        yield f"python  {python.executable or python.prefix} (Python {python.version}, {context.environment.kind})"
    if not context.has_torch:
        return
    if context.computes:
        state = "computed rightly on every GPU"
    elif context.torch_ran:
        state = "CUDA is available" if context.run and context.run.available else "CUDA is not available"
    else:
        state = "was not run"
    yield f"torch   {context.torch_version or 'of unknown version'}, {state}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "title": finding.title,
        "evidence": list(finding.evidence),
        "remedy": finding.remedy.text,
        "command": finding.remedy.command,
    }
