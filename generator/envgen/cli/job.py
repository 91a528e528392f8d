"""One environment from its options to its locks: read, decided, solved; nothing is written or printed.

What only reads or writes files is loaded where it is needed, while a solver works if one does: each run starts here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.cli.folder import OutputFolder, output_folder
from envgen.cli.output import print_note
from envgen.cli.remake import record_of
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.core.paths import tree
from envgen.core.platforms import Subdir
from envgen.core.requirements import normalise_project
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.lock.environment import Environment, obtain_environment
from envgen.lock.options import LockOptions, Sources
from envgen.lock.shipped import ShippedLocks
from envgen.net.deadline import Deadline
from envgen.net.sites import check_wheel_mirror
from envgen.records.request import RequestRecord
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.requests import Requests
from envgen.request.settings import WriteOptions
from envgen.request.values import for_platform, parse_set, value_for
from envgen.requirements.asked import Asked
from envgen.solve.conda.channels import further_channels, read_channel
from envgen.solve.conda.source import ChannelSource
from envgen.solve.extras import Extras, normalised, read_extras

if TYPE_CHECKING:
    from envgen.solve.once import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One environment that is to be written: its requests, its folder, the options about its files.

    `only` maps a platform for which one set alone is asked for to that set. `pins` are the files of the folder whose
    pins may be kept.
    """

    asked: Requests
    folder: OutputFolder
    pins: Mapping[str, str]
    writing: WriteOptions
    record: RequestRecord
    extras: Extras
    only: Mapping[Subdir, PackageSet]


def prepare(wanted: RequestOptions, writing: WriteOptions, builds: Catalog) -> Job:
    """Read everything that a run is given, and look at its folder. Nothing is decided or written.

    Raises: UsageError and the errors of reading; OutputEditedError when a file would have to be forced,
    FolderNotGoodError when files hold something else than they say.
    """
    _check_mirrors(writing)
    files = _read_files(writing)
    asked = read_request(replace(wanted, python=wanted.python or files.python or None), builds)
    asked = _with_family(asked, files, builds)
    channels = further_channels(map(read_channel, writing.channels), files.channels)
    extras = read_extras((*writing.with_packages, *files.with_texts()), files.constraints, channels)
    allowed = tuple(sorted(map(normalise_project, writing.sources)))
    extras = replace(extras, sources=allowed)
    only = _only(writing.only, [request.subdir for request in asked.requests])
    sets = {only.get(request.subdir) for request in asked.requests}
    folder = output_folder(writing, asked.requests, _every(sets), _paths(writing))
    writing = replace(writing, output=folder.path, with_packages=normalised(writing.with_packages))
    record = record_of(asked.requests, writing)
    record = replace(
        record,
        inputs=files.inputs,
        extras=writing.extras,
        groups=writing.groups,
        channels=extras.channels,
        sources=allowed,
    )
    pins = _kept(folder, writing, builds)
    return Job(asked=asked, folder=folder, pins=pins, writing=writing, record=record, extras=extras, only=only)


def obtain(
    job: Job,
    builds: Catalog,
    progress: Callable[[str], None],
    *,
    meanwhile: Callable[[], None] | None = None,
    answers: Answers | None = None,
) -> list[Environment]:
    """Decide and lock what a job asks for; jobs that share `answers` ask the solvers each question once.
    `meanwhile` is called while a solver works.

    Raises: the errors of deciding and locking, when nothing could be had.
    """
    writing, here, requests = job.writing, job.folder.untouched, job.asked.requests
    asked = {r.subdir: (job.only[r.subdir],) if r.subdir in job.only else tuple(PackageSet) for r in requests}
    recorded = _recorded_sets(here)
    wanted = {
        subdir: sets if writing.may_fall_back or subdir in job.only else recorded for subdir, sets in asked.items()
    }
    sources = _sources(builds, writing, job.pins, job.record, progress)
    sources = replace(
        sources, extras=job.extras, options=replace(sources.options, answers=answers, meanwhile=meanwhile)
    )
    many = len(requests) > 1
    return [obtain_environment(r, sources, many=many, wanted=wanted[r.subdir], asked=asked[r.subdir]) for r in requests]


def _recorded_sets(here: Mapping[str, str]) -> tuple[PackageSet, ...]:
    """The sets that the files of a folder are of; all for an empty one."""
    if not here:
        return tuple(PackageSet)
    from envgen.lock.ending import recorded_sets

    return recorded_sets(here)


def _kept(folder: OutputFolder, writing: WriteOptions, builds: Catalog) -> Mapping[str, str]:
    """The files of a folder whose pins may be kept, once verify has looked at them.

    Raises: FolderNotGoodError.
    """
    here = folder.untouched
    if not here:
        return here
    from envgen.verify.refusal import CheckNotGoodError, FolderNotGoodError, kept_pins

    try:
        kept, unfit = kept_pins(folder.path, here, builds, writing.mirrors, force=writing.force)
    except FolderNotGoodError as error:
        if not writing.check:
            raise
        raise CheckNotGoodError(error.folder, error.findings) from error
    for finding in unfit:
        print_note(f"the pins here are not kept: {finding.line}")
    return kept


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
    """The requests with what the files ask of torch and its companions; where an option says another, that is said.

    Raises: LinesClashError.
    """
    if not files.family:
        return asked
    from envgen.requirements.family import with_torch

    found = [with_torch(request, files.family, builds) for request in asked.requests]
    for line, reason in dict.fromkeys(pair for one in found for pair in one.replaced):
        print_note(f"{line} is not taken: {reason} [not-taken]")
    return replace(asked, requests=tuple(one.request for one in found))


def _paths(writing: WriteOptions) -> frozenset[str]:
    """The whole paths of the files that the run reads."""
    return frozenset(str(Path(file).absolute()) for file in (*writing.requirements, *writing.environments))


def _only(texts: Sequence[str], subdirs: Sequence[Subdir]) -> dict[Subdir, PackageSet]:
    """Platform -> the set that `--only` names for it.

    Raises: ValueFormatError; UsageError for an unknown platform.
    """
    stated = [for_platform(text) for text in texts]
    for _, text in stated:
        parse_set(text)
    found = {subdir: value_for(subdir, stated) for subdir in subdirs}
    return {subdir: parse_set(text) for subdir, text in found.items() if text}


def _every(sets: Collection[PackageSet | None]) -> tuple[PackageSet, ...]:
    """The sets that are asked for on some platform; None stands for both."""
    return tuple(one for one in PackageSet if one in sets or None in sets)


def _sources(
    builds: Catalog,
    writing: WriteOptions,
    here: Mapping[str, str],
    record: RequestRecord,
    progress: Callable[[str], None],
) -> Sources:
    options = LockOptions(
        upgrade=writing.upgrade,
        may_solve=not (writing.offline or writing.check),
        may_fall_back=writing.may_fall_back,
        mirrors=writing.mirrors,
        deadline=Deadline.after(writing.timeout_s),
        progress=progress,
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
        ("--wheel-mirror", writing.wheel_mirror, check_wheel_mirror),
    )
    for option, value, parse in checks:
        try:
            if value:
                parse(value)
        except UsageError as error:
            raise UsageError(error.message, fact=error.fact, hint=error.hint(), origin=option) from error
    if writing.write_mirror and writing.wheel_mirror and check_wheel_mirror(writing.wheel_mirror) is not None:
        hint = "serve the folder over HTTP, or leave --write-mirror out"
        raise UsageError(f"--write-mirror cannot write the folder {quoted(writing.wheel_mirror)} into files", hint=hint)
