"""What a run ends with: the files are written, or what would change is said, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from envgen.cli.job import Job
from envgen.cli.output import print_note, write_answer, write_line
from envgen.cli.planned import emit_moved, moved_lines, planned_lines
from envgen.cli.remake import mirror_words
from envgen.cli.summary import cause, left_out, summary
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import PipLock
from envgen.environments.reader import Reader
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.lock.ending import ending
from envgen.lock.environment import Environment
from envgen.lock.fileset import environment_files
from envgen.lock.locked import LockedSet
from envgen.output.moved import moved_sets
from envgen.output.plan import Plan, State, make_plan
from envgen.output.writing import apply
from envgen.request.settings import TEXT
from envgen.resolve.errors import NoBuildError

# Notices whose reasons are printed, and are not in the files.
_SAID_BEFORE = ("fallback-lock", "set-not-locked", "no-pip-pairing", "no-conda-pairing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """What came of a job: the files as they will be, and the error to end with once they are written, if any."""

    job: Job
    environments: tuple[Environment, ...]
    plan: Plan
    error: EnvgenError | None


def planned(job: Job, found: Sequence[Environment]) -> Obtained:
    """The files of a job from its locks, compared with the folder.

    Raises: the worst failure when nothing could be had, OutputEditedError when a file would have to be forced.
    """
    writing = job.writing
    judged = ending(found, job.folder.untouched, required=job.only, may_fall_back=writing.may_fall_back)
    environments = tuple(replace(one, notices=(*job.asked.notices, *one.notices)) for one in judged.environments)
    words = mirror_words(writing)
    texts = environment_files(environments, record=job.record, mirror_words=words, catalog=catalog_revision())
    replaceable = {name: text for name, text in job.folder.found.items() if name not in judged.untouched}
    force = writing.force or writing.dry_run or writing.check
    plan = make_plan(Path(job.folder.path), replaceable, texts, force=force)
    return Obtained(job=job, environments=environments, plan=plan, error=judged.error)


def finish(found: Obtained, builds: Catalog) -> int:
    """Write the files, or say what would change, and return the exit status.

    Raises: OutputEditedError, and the errors of writing.
    """
    reader = Reader.of(found.job.writing.output or ".")
    write(found)
    status = tell(found)
    if found.job.writing.format != TEXT:
        emit_moved(found.job.writing.format, moved_sets(found.plan))
    elif not (found.job.writing.check or found.job.writing.dry_run):
        write_answer(summary(found.environments, builds, reader, found.job.writing))
    return status


def write(found: Obtained) -> None:
    """Write the files, unless the run is one that only looks.

    Raises: the errors of writing.
    """
    if not (found.job.writing.check or found.job.writing.dry_run):
        apply(found.plan)


def tell(found: Obtained, prefix: str = "") -> int:
    """Say what was written, or would be, and return the exit status; `prefix` names one of several targets.

    Raises: OutputEditedError for files that would have to be forced.
    """
    plan, writing = found.plan, found.job.writing
    show = write_answer if writing.format == TEXT else _nothing
    for name in plan.left:
        text = f"{name} is of an earlier environment, and kept because it was edited: delete it if you don't need it"
        print_note(f"{prefix}{text}")
    if writing.check:
        show(plan.diff())
        if plan.pending:
            write_line(
                f"{prefix}{len(plan.pending)} file(s) would change: {', '.join(change.name for change in plan.pending)}"
            )
        return 1 if plan.pending else 0
    if writing.diff:
        show(plan.diff())
    for text in _notes(found):
        print_note(f"{prefix}{text}")
    if writing.dry_run:
        show("".join(f"{line}\n" for line in planned_lines(plan)))
        if not writing.force and (refusal := plan.refusal()):
            raise refusal
        write_line(prefix + _written(plan, "would be"))
        return 0
    if plan.torn:
        print_note(f"{prefix}the files here came from several runs, one of them interrupted: they are completed now")
    write_line(prefix + _written(plan, "were"))
    show("".join(f"{line}\n" for line in moved_lines(plan)))
    return 0


def _nothing(text: str) -> None:
    del text


def _notes(found: Obtained) -> Iterator[str]:
    """What is said on stderr: with what a set lacks where no summary follows that begins with it."""
    if found.job.writing.dry_run or found.job.writing.format != TEXT:
        yield from left_out(found.environments)
    yield from _stderr_notes(found.environments)


def _stderr_notes(environments: Sequence[Environment]) -> Iterator[str]:
    """What was passed over or could not be reached, and the notices, each once; newer builds are in the summary."""
    for one in environments:
        for package_set, error in one.failures.items():
            code = f"no-{package_set}-pairing" if isinstance(error, NoBuildError) else "set-not-locked"
            yield f"no {package_set} set: {cause(error)} [{code}]"
        for locked in one.locked.values():
            if locked.passed_over:
                labels = ", ".join(label for label, _ in locked.passed_over)
                yield f"{labels} could not be locked; {locked.label} is the next that runs"
                yield from (f"{label}: {cause(error)}" for label, error in locked.passed_over[:1])
            yield from _behind(locked)
            if locked.fallback_reason:
                taken = "what is here already, or else the newest shipped lock that runs, is used"
                yield f"{locked.fallback_reason}; {taken} [fallback-lock]"
    notices = (notice for one in environments for notice in one.notices if notice.code not in _SAID_BEFORE)
    yield from dict.fromkeys(f"{notice.text} [{notice.code}]" for notice in notices)


def _behind(locked: LockedSet) -> Iterator[str]:
    """The packages and the torch that are not the newest, and why."""
    if locked.held_back_by:
        yield f"{locked.label} is taken: {', '.join(locked.held_back_by)} [held-back-by]"
    for one in locked.lock.passed_over if locked.lock is not None else ():
        advice = f"; {one.advice}" if one.advice else ""
        yield f"{one.name} is locked at {one.locked}, {one.newer} was passed over: {one.reason}{advice} [passed-over]"
    for notice in locked.lock.notices if isinstance(locked.lock, PipLock) else ():
        yield f"{notice.text} [{notice.code}]"


def _written(plan: Plan, verb: str) -> str:
    counts = {state: [c.name for c in plan.changes if c.state is state] for state in State}
    written = counts[State.NEW] + counts[State.CHANGED] + counts[State.EDITED]
    parts = []
    if written:
        parts.append(f"{', '.join(sorted(written))} {verb} written")
    if counts[State.STALE]:
        parts.append(f"{', '.join(counts[State.STALE])} {verb} removed (no longer part of the environment)")
    if not parts:
        return "up to date: nothing to write"
    return "; ".join(parts)
