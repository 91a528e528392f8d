"""The main job: decide, lock, write, and say what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.cli.job import Obtained, obtain, prepare
from envgen.cli.output import Progress, print_note, write_answer, write_line
from envgen.cli.planned import TEXT, check_format, emit_moved, moved_lines, planned_lines
from envgen.cli.summary import cause, summary
from envgen.core.locks import PipLock
from envgen.environments.reader import Reader
from envgen.facts.catalog import Catalog
from envgen.lock.environment import Environment
from envgen.lock.locked import LockedSet
from envgen.output.moved import moved_sets
from envgen.output.plan import Plan, State
from envgen.output.writing import apply
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.resolve.errors import NoBuildError

# Notices whose reasons are printed, and are not in the files.
_SAID_BEFORE = ("fallback-lock", "set-not-locked", "no-pip-pairing", "no-conda-pairing")


def generate(wanted: RequestOptions, writing: WriteOptions) -> int:
    """Write the environment's files and return the exit status: 0 done, 1 when `--check` finds a difference.

    Raises: OutputEditedError when a file would have to be forced, with `--dry-run` too.
    """
    builds = Catalog.load()
    check_format(writing.format)
    job = prepare(wanted, writing, builds)
    if job.folder.instead_of:
        print_note(f"{', '.join(job.folder.instead_of)} here is not envgen's: the files are for {job.folder.path}/")
    progress = Progress()
    try:
        found = obtain(job, builds, progress.step)
    finally:
        progress.done()
    status = finish(found, builds)
    if found.error is not None:
        raise found.error
    return status


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
    if writing.dry_run:
        show("".join(f"{line}\n" for line in planned_lines(plan)))
        if not writing.force and (refusal := plan.refusal()):
            raise refusal
        write_line(prefix + _written(plan, "would be"))
        return 0
    for text in _stderr_notes(found.environments):
        print_note(f"{prefix}{text}")
    if plan.torn:
        print_note(f"{prefix}the files here came from several runs, one of them interrupted: they are completed now")
    write_line(prefix + _written(plan, "were"))
    show("".join(f"{line}\n" for line in moved_lines(plan)))
    return 0


def _nothing(text: str) -> None:
    del text


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
