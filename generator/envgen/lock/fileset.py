"""The whole set of files of one run: bodies of both locks and the smoke test, each under its header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.core.platforms import Subdir
from envgen.core.resolution import Notice
from envgen.core.sets import PackageSet
from envgen.files.commands import NOT_ASKED, notice_lines, request_command
from envgen.files.header import Prose, with_headers
from envgen.files.prose import NO_TOOLKIT, conda_lines, file_title, pip_lines
from envgen.files.registry import CONDA_FORMATS, ENVIRONMENT_YML, REQUIREMENTS, SMOKE_TEST, our_file, set_of
from envgen.files.variants import with_name, without_index_lines
from envgen.lock.environment import Environment
from envgen.lock.locked import LockedSet
from envgen.records.document import to_json
from envgen.records.request import PlatformRecord, RequestRecord
from envgen.solve.conda.source import FORGE


def environment_files(
    environments: Sequence[Environment], *, record: RequestRecord, mirror_words: Sequence[str], catalog: str
) -> dict[str, str]:
    """Return file name -> text, headers included, of everything that one run writes.

    `record` states what was asked for, `mirror_words` the options that say whose URLs the files name; `catalog` is the
    revision of the facts.
    """
    stated = replace(record, platforms=tuple(map(_with_sets, record.platforms, environments)))
    bodies = environment_bodies(environments, stated)
    requests = [one.request for one in environments]
    prose = {
        name: Prose(title=file_title(name, requests), lines=tuple(header_lines(name, environments, stated)))
        for name in bodies
    }
    command = request_command(stated, mirror_words)
    return with_headers(bodies, prose, command=command, catalog=catalog, request=to_json(stated))


def _with_sets(platform: PlatformRecord, one: Environment) -> PlatformRecord:
    """The platform with the state of each set: locked, or the code of what speaks against it."""
    return replace(platform, sets={s: "" if s in one.here else one.codes.get(s, NOT_ASKED) for s in PackageSet})


def environment_bodies(environments: Sequence[Environment], record: RequestRecord) -> dict[str, str]:
    """File name -> body of everything that one run writes."""
    from envgen.files.bodies import pip_bodies

    bodies: dict[str, str] = {}
    for locked in _locked(environments, PackageSet.PIP):
        bodies |= pip_bodies(locked.pip_lock, multi=len(environments) > 1, request=record)
    bodies |= _conda_bodies(_locked(environments, PackageSet.CONDA))
    for name in bodies:
        if ENVIRONMENT_YML.matches(name):
            first = _locked(_for(name, environments), PackageSet.CONDA)[0]
            bodies[name] = with_name(bodies[name], record.name or first.pairing.build.environment_name)
        elif REQUIREMENTS.matches(name) and not record.index_lines:
            bodies[name] = without_index_lines(bodies[name])
    return bodies | {SMOKE_TEST.one: _smoke_body(environments)}


def _locked(environments: Sequence[Environment], package_set: PackageSet) -> list[LockedSet]:
    return [one.locked[package_set] for one in environments if package_set in one.locked]


def _conda_bodies(locked: Sequence[LockedSet]) -> dict[str, str]:
    if not locked:
        return {}
    subdir = locked[0].pairing.build.subdir
    if len(locked) == 1 and locked[0].bodies.keys() >= {one.name(subdir, many=False) for one in CONDA_FORMATS}:
        return dict(locked[0].bodies)
    from envgen.files.bodies import conda_bodies

    return conda_bodies([one.conda_lock for one in locked])


def _smoke_body(environments: Sequence[Environment]) -> str:
    from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing, smoke_body

    pairings = [SmokePairing.of(pairing) for s in PackageSet for one in environments for pairing in one.pairings(s)]
    gpus = [SmokeGpu.of(requested.gpu) for one in environments for requested in one.request.gpus]
    expected = SmokeExpectation(pairings=tuple(dict.fromkeys(pairings)), gpus=tuple(dict.fromkeys(gpus)))
    return smoke_body(expected)


def _for(name: str, environments: Sequence[Environment]) -> Sequence[Environment]:
    """The requests that a file is for: one when its name carries a subdir, else all."""
    subdir = _subdir_of(name)
    return [one for one in environments if subdir in (None, one.request.subdir)]


def _subdir_of(name: str) -> Subdir | None:
    file = our_file(name)
    return file.subdir if file is not None else None


def header_lines(name: str, environments: Sequence[Environment], record: RequestRecord) -> Iterator[str]:
    """The facts that a file's header states."""
    for one in _for(name, environments):
        concerned = [found for s, found in one.here.items() if set_of(name) in (s, None)]
        for locked in concerned if set_of(name) else ():
            yield from left_out_lines(locked)
        for locked in concerned:
            yield from _locked_lines(name, locked, one, record)
        yield from notice_lines([notice for notice in one.notices if _concerns(name, notice)])
    if not record.is_cpu:
        yield NO_TOOLKIT


def _locked_lines(name: str, locked: LockedSet, one: Environment, record: RequestRecord) -> Iterator[str]:
    if locked.package_set is PackageSet.CONDA:
        return conda_lines(name, locked.pairing, one.request, record.name)
    versions = {of: locked.pip_lock.version_of(of) for of in ("torch", "torchvision")}
    return pip_lines(name, locked.pairing, one.request, **versions)


def left_out_lines(locked: LockedSet) -> Iterator[str]:
    """What was asked for and is not in a lock, and how it can be named."""
    for one in locked.left_out:
        way = f"--with conda:{one.conda_name} adds it" if one.conda_name else "--with conda:NAME names it as conda does"
        have = f"{one.channels[0]} has" if len(one.channels) == 1 else f"{' and '.join(one.channels)} have"
        why = f"{have} no package of that name" if not one.conda_name else f"{FORGE} calls it {one.conda_name}"
        yield f"left out: {one.name}: {why}; {way}"


def _concerns(name: str, notice: Notice) -> bool:
    """True when a notice belongs into a file: what is about one set stays out of the other set's files.

    The drivers that will do depend on both sets; a file of one says its own in the line of its lock.
    """
    if notice.code in _OF_THE_RUN or set_of(name) is None:
        return notice.code not in _OF_THE_RUN
    return notice.code != "driver-assumed" and notice.package_set in (None, set_of(name))


# What is said of the computer and the command line, and is not so on another that asks for the same.
_OF_THE_RUN = frozenset({"host-gpu", "no-driver", "platform-of-gpu"})
