"""The main job: decide, lock, write, and say what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from envgen.cli.folder import output_folder
from envgen.cli.output import Progress, emit, print_note, say
from envgen.cli.planned import moved_lines, planned_lines
from envgen.cli.remake import mirror_words, record_of
from envgen.cli.settings import WriteOptions
from envgen.cli.summary import cause, summary
from envgen.core.errors import UsageError, ValueFormatError
from envgen.core.locks import PipLock
from envgen.core.paths import tree
from envgen.core.request_record import RequestRecord
from envgen.core.sets import PackageSet
from envgen.environments.reader import Reader
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.lock.ending import ending, recorded_sets
from envgen.lock.environment import Environment, obtain_environment
from envgen.lock.fileset import environment_files
from envgen.lock.locked import LockedSet
from envgen.lock.options import LockOptions, Mirrors, Sources
from envgen.lock.shipped import ShippedLocks
from envgen.net.deadline import Deadline
from envgen.net.sites import Site
from envgen.output.plan import Plan, State, make_plan
from envgen.output.writing import apply
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.requests import Requests
from envgen.requirements.asked import Asked
from envgen.resolve.errors import NoBuildError
from envgen.solve.conda.source import ChannelSource
from envgen.solve.extras import normalised, read_extras

# Notices whose reasons are printed, and are not in the files.
_SAID_BEFORE = ("fallback-lock", "set-not-locked", "no-pip-pairing", "no-conda-pairing")


def generate(wanted: RequestOptions, writing: WriteOptions) -> int:
    """Write the environment's files and return the exit status: 0 done, 1 when `--check` finds a difference.

    Raises: OutputEditedError when a file would have to be forced, with `--dry-run` too.
    """
    _check_mirrors(writing)
    builds = Catalog.load()
    files = _read_files(writing)
    asked = read_request(replace(wanted, python=wanted.python or files.python or None), builds)
    asked = _with_family(asked, files, builds)
    extras = read_extras((*writing.with_packages, *files.with_texts()), files.constraints)
    only = _only(writing.only)
    folder = output_folder(writing, asked.requests, (only,) if only else tuple(PackageSet), _paths(writing))
    if folder.instead_of:
        print_note(f"{', '.join(folder.instead_of)} here is not envgen's: the files are for {folder.path}/")
    writing = replace(writing, output=folder.path, with_packages=normalised(writing.with_packages))
    here = folder.untouched
    wanted_sets = (only,) if only else tuple(PackageSet) if writing.may_fall_back else recorded_sets(here)
    record = record_of(asked.requests, writing, {})
    record = replace(record, inputs=files.inputs, extras=writing.extras, groups=writing.groups)
    progress = Progress()
    sources = replace(_sources(builds, writing, here, record, progress), extras=extras)
    try:
        many = len(asked.requests) > 1
        obtained = [obtain_environment(r, sources, many=many, wanted=wanted_sets) for r in asked.requests]
    finally:
        progress.done()
    judged = ending(obtained, here, is_required=only is not None, may_fall_back=writing.may_fall_back)
    environments = [replace(one, notices=(*asked.notices, *one.notices)) for one in judged.environments]
    words = mirror_words(writing)
    texts = environment_files(environments, record=record, mirror_words=words, catalog=catalog_revision())
    replaceable = {name: text for name, text in folder.found.items() if name not in judged.untouched}
    plan = make_plan(Path(folder.path), replaceable, texts, force=writing.force or writing.dry_run or writing.check)
    status = _finish(plan, environments, writing, builds)
    if judged.error is not None:
        raise judged.error
    return status


def _read_files(writing: WriteOptions) -> Asked:
    """What the files of the run ask for; what is not taken of them is a notice."""
    paths = (*writing.requirements, *writing.environments)
    if not (paths or writing.extras or writing.groups):
        return Asked()  # what reads requirements is slow to load, and most runs have none
    from envgen.requirements.read import read_files

    files = read_files(paths, extras=writing.extras, groups=writing.groups)
    for passed in files.not_taken:
        print_note(f"{passed.where}: {passed.text} is not taken: {passed.reason} [not-taken]")
    return files


def _with_family(asked: Requests, files: Asked, builds: Catalog) -> Requests:
    """The requests with what the files ask of torch and its companions.

    Raises: UsageError when they ask for two CUDA tags.
    """
    if not files.family:
        return asked
    from envgen.requirements.read import with_torch

    return replace(asked, requests=tuple(with_torch(request, files, builds) for request in asked.requests))


def _paths(writing: WriteOptions) -> frozenset[str]:
    """The whole paths of the files that the run reads."""
    return frozenset(str(Path(file).absolute()) for file in (*writing.requirements, *writing.environments))


def _only(text: str) -> PackageSet | None:
    """The set that `--only` names, or None.

    Raises: ValueFormatError.
    """
    if not text:
        return None
    try:
        return PackageSet(text.strip().lower())
    except ValueError as error:
        raise ValueFormatError(kind="set", value=text, expected="pip or conda", origin="--only") from error


def _sources(
    builds: Catalog, writing: WriteOptions, here: Mapping[str, str], record: RequestRecord, progress: Progress
) -> Sources:
    options = LockOptions(
        upgrade=writing.upgrade,
        may_solve=not (writing.offline or writing.check),
        may_fall_back=writing.may_fall_back,
        mirrors=Mirrors(conda=writing.conda_mirror, wheels=writing.wheel_mirror, written=writing.write_mirror),
        deadline=Deadline.after(writing.timeout_s),
        progress=progress.step,
    )
    return Sources(
        builds=builds,
        shipped=ShippedLocks.read(tree("lockfiles")),
        options=options,
        folder=here,
        record=record,
    )


def _check_mirrors(writing: WriteOptions) -> None:
    """Mirrors are read only by a run that solves; every run reports a mistake in one.

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


def _finish(plan: Plan, environments: Sequence[Environment], writing: WriteOptions, builds: Catalog) -> int:
    for name in plan.left:
        print_note(
            f"{name} is of an earlier environment, and kept because it was edited: delete it if you don't need it"
        )
    if writing.check:
        emit(plan.diff())
        if plan.pending:
            say(f"{len(plan.pending)} file(s) would change: {', '.join(change.name for change in plan.pending)}")
        return 1 if plan.pending else 0
    if writing.diff:
        emit(plan.diff())
    if writing.dry_run:
        emit("".join(f"{line}\n" for line in planned_lines(plan)))
        if not writing.force and (refusal := plan.refusal()):
            raise refusal
        say(_written(plan, "would be"))
        return 0
    for text in _stderr_notes(environments):
        print_note(text)
    if plan.torn:
        print_note("the files here came from several runs, one of them interrupted: they are completed now")
    reader = Reader.of(writing.output or ".")
    apply(plan)
    say(_written(plan, "were"))
    emit("".join(f"{line}\n" for line in moved_lines(plan)))
    emit(summary(environments, builds, reader, upgraded=writing.upgrade, name=writing.name))
    return 0


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
    for one in locked.lock.passed_over if isinstance(locked.lock, PipLock) else ():
        advice = f"; {one.advice}" if one.advice else ""
        yield f"{one.name} is locked at {one.locked}, {one.newer} was passed over: {one.reason}{advice} [passed-over]"


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
