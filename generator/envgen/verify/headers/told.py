"""What is said of the locks of a folder, made again as the main job makes it; nothing is solved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.locks import CondaLock, PipLock
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.requirements import normalise_project
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import NOT_ASKED
from envgen.lock.environment import Environment, notices_of
from envgen.lock.locked import LockedSet, Origin
from envgen.records.request import PlatformRecord, RequestRecord
from envgen.resolve import resolve
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.solve.extras import conda_name_of
from envgen.verify.needs import asked_names

# What the look-up of a name says depends on how it was spelled, which no file holds.
_NOTE = re.compile(r"note \[(?:gpu-note|gpu-variants-agree|wsl-driver)\]: (.+)")
_WSL = re.compile(r"\d{3,4}(?:\.\d+)* is a number of Windows drivers, as WSL shows it: it is taken as R\d{3,4}")
_LEFT_OUT = re.compile(
    r"left out: (?P<name>[A-Za-z0-9._-]+): "
    r"(?:[A-Za-z0-9.:/_ -]+ ha(?:s|ve) no package of that name|conda-forge calls it (?P<called>[A-Za-z0-9._-]+)); "
    r"--with conda:(?P<way>[A-Za-z0-9._-]+ (?:adds it|names it as conda does))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """The build of a lock that is here, and the lock."""

    build: Build
    lock: PipLock | CondaLock


# The locks of a folder by set and platform.
LockedBuilds = Mapping[tuple[PackageSet, Subdir], LockedBuild]


def expected_environments(
    record: RequestRecord, requests: Sequence[Request], locked: LockedBuilds | None, builds: Catalog
) -> Iterator[list[Environment]]:
    """Yield what a run obtained that wrote these locks: one that asked for both sets, or for those that are here."""
    if locked is None or record.codes:
        return
    pairs = [(request, next(one for one in record.platforms if one.subdir is request.subdir)) for request in requests]
    for asks_again in (True, False):
        yield [_environment(request, platform, locked, builds, asks_again=asks_again) for request, platform in pairs]


def _environment(
    request: Request, platform: PlatformRecord, locked: LockedBuilds, builds: Catalog, *, asks_again: bool
) -> Environment:
    found = {
        package_set: one
        for package_set in PackageSet
        if (one := _locked(locked.get((package_set, request.subdir)), request, builds)) is not None
    }
    failed = {of: code for of, code in platform.sets.items() if code not in ("", NOT_ASKED) and asks_again}
    wanted = tuple(of for of in PackageSet if of in found or of in failed)
    environment = Environment(resolution=resolve(builds, request), locked=found)
    return replace(environment, notices=tuple(notices_of(environment, builds, wanted, failed)))


def _locked(one: LockedBuild | None, request: Request, builds: Catalog) -> LockedSet | None:
    pairing = pairing_if_it_runs(one.build, request, builds) if one is not None else None
    if one is None or pairing is None:
        return None
    companions = (("torchvision",) if request.vision else ()) + (("torchaudio",) if request.audio else ())
    missing = tuple(name for name in companions if isinstance(one.lock, CondaLock) and one.lock.find(name) is None)
    return LockedSet(pairing=pairing, origin=Origin.KEPT, lock=one.lock, missing=missing)


def is_known_note(line: str, record: RequestRecord) -> bool:
    """True for a line that depends on more than the locks: what is left out of conda's, and what a name is."""
    if found := _LEFT_OUT.fullmatch(line):
        own = conda_name_of(found["name"])
        way = f"{own} adds it" if own else "NAME names it as conda does"
        is_ours = found["way"] == way and found["called"] in (None, own)
        return is_ours and normalise_project(found["name"]) in asked_names(record, PackageSet.CONDA)
    if note := _NOTE.fullmatch(line):
        return _WSL.fullmatch(note[1]) is not None or note[1] in _notes_of(record)
    return False


def _notes_of(record: RequestRecord) -> set[str]:
    from envgen.gpus.catalog import GpuCatalog

    names = {gpu.name for platform in record.platforms for gpu in platform.gpus if gpu.name}
    return {note for name in names for note in GpuCatalog.load().match(name).notes}
