"""The main job: decide, lock, write, and say what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from envgen.cli.output import Progress, emit, print_note, say
from envgen.cli.reader import Reader
from envgen.cli.remake import remake_command
from envgen.cli.settings import WriteOptions
from envgen.cli.summary import summary
from envgen.core.errors import UsageError
from envgen.core.paths import tree
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.files.plan import Plan, State, make_plan, read_folder, untouched
from envgen.files.writing import apply
from envgen.lock.fileset import check_removals, environment_files
from envgen.lock.obtain import Obtained, obtain
from envgen.lock.shipped import shipped_locks
from envgen.lock.sources import Sources
from envgen.net.sites import Site
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve.errors import NoBuildError
from envgen.solve.conda.source import ChannelSource
from envgen.solve.extras import read_extras


def generate(wanted: RequestOptions, writing: WriteOptions) -> int:
    """Write the environment's files and return the exit status: 0 done, 1 when `--check` finds a difference.

    Raises: OutputEditedError when a file would have to be forced, with `--dry-run` too.
    """
    if not writing.output:
        raise UsageError('"" is not a folder (from --output)', hint="pass --output . for the current folder")
    _check_mirrors(writing)
    builds = Catalog.load()
    asked = read_request(wanted, builds)
    folder = Path(writing.output)
    found = read_folder(folder)
    progress = Progress()
    shipped_root = tree("lockfiles")
    command = remake_command(asked.requests, writing)
    sources = Sources(
        builds=builds,
        shipped_root=shipped_root,
        shipped=shipped_locks(shipped_root),
        command=command,
        pins=untouched(found),
        fresh=writing.upgrade,
        extras=read_extras(writing.with_packages),
        conda_mirror=writing.conda_mirror,
        wheel_mirror=writing.wheel_mirror,
        write_mirror=writing.write_mirror,
        timeout_s=writing.timeout_s,
        may_solve=not (writing.offline or writing.check),
        may_fall_back=writing.may_fall_back,
        progress=progress.step,
    )
    try:
        multi = len(asked.requests) > 1
        obtained = [obtain(request, sources, multi=multi) for request in asked.requests]
    finally:
        progress.done()
    obtained = [replace(one, notices=(*asked.notices, *one.notices)) for one in obtained]
    if all(one.pip is None and one.conda is None for one in obtained):
        raise NoBuildError(obtained[0].resolution)
    files = environment_files(obtained, command=command, catalog=catalog_revision())
    plan = make_plan(folder, found, files, force=writing.force or writing.dry_run or writing.check)
    check_removals((change.name for change in plan.changes if change.state is State.STALE), obtained)
    return _finish(plan, obtained, writing, builds)


def _check_mirrors(writing: WriteOptions) -> None:
    """Mirrors are read only by a run that solves; a mistake in one is told by every run.

    Raises: UsageError.
    """
    checks = (
        ("--conda-mirror", writing.conda_mirror, ChannelSource.parse),
        ("--wheel-mirror", writing.wheel_mirror, Site.parse),
    )
    for option, value, parse in checks:
        try:
            if value:
                parse(value)
        except UsageError as error:
            raise UsageError(f"{error.message} (from {option})", fact=error.fact, hint=error.hint()) from error


def _finish(plan: Plan, obtained: Sequence[Obtained], writing: WriteOptions, builds: Catalog) -> int:
    for name in plan.left:
        print_note(f"{name} is no longer part of the environment, and stays because it was edited: delete or move it")
    if writing.check:
        emit(plan.diff())
        if plan.pending:
            say(f"{len(plan.pending)} file(s) would change: {', '.join(change.name for change in plan.pending)}")
        return 1 if plan.pending else 0
    if writing.dry_run:
        emit(plan.diff())
        if not writing.force and (refusal := plan.refusal()):
            raise refusal
        say(_written(plan, "would be"))
        return 0
    for text in _stderr_notes(obtained):
        print_note(text)
    if plan.torn:
        print_note("the files here came from several runs, one of them interrupted: they are completed now")
    reader = Reader.of(writing.output)
    apply(plan)
    say(_written(plan, "were"))
    emit(summary(obtained, builds, reader, upgraded=writing.upgrade))
    return 0


def _stderr_notes(obtained: Sequence[Obtained]) -> Iterator[str]:
    """What could not be reached, and the notices, each once; what newer builds there may be is in the summary."""
    for one in obtained:
        yield from (f"{error.headline()}: {error.reason}" for error in one.unanswered)
        for side in (one.pip, one.conda):
            if side is not None and side.because:
                yield f"{side.because}; what is here already, or else the newest shipped lock that runs, is used"
    notices = (notice for one in obtained for notice in one.notices if notice.code != "fallback-lock")
    yield from dict.fromkeys(f"{notice.text} [{notice.code}]" for notice in notices)


def _written(plan: Plan, verb: str) -> str:
    counts = {state: [c.name for c in plan.changes if c.state is state] for state in State}
    written = counts[State.NEW] + counts[State.CHANGED] + counts[State.EDITED]
    parts = []
    if written:
        parts.append(f"{', '.join(sorted(written))} {verb} written")
    if counts[State.STALE]:
        parts.append(f"{', '.join(counts[State.STALE])} {verb} removed (no longer part of the environment)")
    if not parts:
        return "nothing changed: every file is as it should be"
    return "; ".join(parts)
