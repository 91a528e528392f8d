"""One diagnosis out of an observation, an environment and a run of torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from envgen.causes.context import SHOWN, Context, Trait
from envgen.causes.findings import Finding
from envgen.causes.table import CAUSES, PLACES, ROWS, Cause
from envgen.core.findings import Level, SkippedCheck
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.fix import choose_fix
from envgen.environments.torch_run import RunOutcome
from envgen.probe import commands
from envgen.probe.observation import Source, SourceStatus

# Without these a check is skipped, and that is said; any other guard says that the cause can't be.
_TO_LOOK_AT = Trait.ENVIRONMENT | Trait.TORCH_RUN | SHOWN


def diagnose(context: Context) -> Diagnosis:
    """Return what keeps CUDA from working, the first to be fixed first, and the one next thing to do."""
    found: list[Finding] = []
    skipped = [*_skipped_sources(context)]
    for cause in CAUSES:
        if cause.alone:
            continue
        if reason := _missing(context, cause):
            skipped.append(SkippedCheck(check=cause.code, reason=reason))
        elif _applies(context, cause):
            found.extend(_asked(context, cause))
    if not context.torch_ran and (reason := _why_not_run(context)):
        skipped.append(SkippedCheck(check="run-torch", reason=reason))
    findings = explained(found)
    # Of a text it can't be said that nothing else is known of the machine.
    if not context.hidden and not any(finding.level is Level.ERROR for finding in findings):
        last = (f for cause in CAUSES if cause.alone and _applies(context, cause) for f in _asked(context, cause))
        findings = (*findings, *last)
    return Diagnosis(findings=findings, skipped=tuple(skipped), fix=choose_fix(context, findings))


def explained(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those that an error among them explains, the first to be fixed first."""
    all_of_them = tuple(findings)
    errors = [ROWS[finding.code] for finding in all_of_them if finding.level is Level.ERROR]
    gone = {code for cause in errors for code in _hidden_by(cause) if cause.code not in ROWS[code].hides}
    left = [finding for finding in all_of_them if finding.code not in gone]
    return tuple(sorted(left, key=lambda finding: PLACES[finding.code]))


def _hidden_by(cause: Cause) -> Iterable[str]:
    """What a cause explains; without a GPU, all that is not at fault anywhere."""
    if cause.code == "no-nvidia-gpu":
        return [other.code for other in CAUSES if not other.anywhere and other is not cause]
    return cause.hides


def _asked(context: Context, cause: Cause) -> Iterator[Finding]:
    """What the check of a cause finds; a warning where torch has just worked in spite of it."""
    for finding in cause.check(context):
        coded = replace(finding, code=cause.code)
        if finding.level is Level.ERROR and cause.harmless and cause.harmless in context.traits:
            evidence = (*finding.evidence, "and yet torch computed rightly on every GPU")
            coded = replace(coded, level=Level.WARNING, evidence=evidence)
        yield coded


def _applies(context: Context, cause: Cause) -> bool:
    return context.shows(cause.given) and not context.traits & cause.unless


def _missing(context: Context, cause: Cause) -> str:
    """Why a check that may apply can't be made, or an empty text."""
    return next((_reason(context, trait) for trait in cause.given & _TO_LOOK_AT & ~context.traits), "")


def _reason(context: Context, trait: Trait) -> str:
    unexamined = "this Python could not be examined" if context.unexamined else ""
    if trait is Trait.ENVIRONMENT:
        return unexamined or "no environment was given"
    if trait is Trait.TORCH_RUN:
        return unexamined or _why_not_run(context)
    return f"the {(trait.name or '').lower().replace('_', ' ')} is not shown"


def _skipped_sources(context: Context) -> Iterator[SkippedCheck]:
    """What could not be asked although it should have an answer."""
    for source in context.observation.sources:
        failed = source.status in (SourceStatus.TIMED_OUT, SourceStatus.FAILED)
        if failed and not _was_used(context, source):
            yield SkippedCheck(check=f"source {source.name}", reason=source.reason)


def _was_used(context: Context, source: Source) -> bool:
    """A failure that is an answer: a service that does not run, an error that NVIDIA's software states."""
    parts = context.observation.parts
    if source.name == commands.FABRIC:
        return parts.fabric_manager is not None
    return source.name in (commands.NVML, commands.SMI_QUERY) and bool(parts.error) and parts.error in source.reason


def _why_not_run(context: Context) -> str:
    if context.unexamined:
        return "this Python could not be examined"
    if context.run is None:
        return context.not_run or "torch was not run"
    if context.run.outcome is RunOutcome.DONE:
        return "torch could not be imported" if context.run.import_error else "torch gave no answer"
    return context.run.reason
