"""Judges the conda locks of a folder: conda-lock.yml, the files beside it, and what the headers ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envgen.core.builds import Build
from envgen.core.locks import CondaLock
from envgen.core.sets import PackageSet
from envgen.files.bodies import read_conda
from envgen.files.errors import LockFormatError
from envgen.files.formats.environment_yml import environment_name
from envgen.files.formats.smoke import SmokePairing
from envgen.files.registry import CONDA_LOCK, EXPLICIT, VIRTUAL_PACKAGES, environment_beside
from envgen.files.variants import name_in
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.verify import conda_lock
from envgen.verify.asked import check_conda_asked, conda_specs
from envgen.verify.claims import claims_of
from envgen.verify.findings import Code, Finding, has_no_error
from envgen.verify.form import check_conda_form
from envgen.verify.headers.stated import Stated
from envgen.verify.headers.told import LockedBuild
from envgen.verify.judged import JudgedLock, Knowledge
from envgen.verify.known import check_known_conda, is_as_shipped, is_shipped_conda
from envgen.verify.needs import CondaWanted, check_conda_needs, check_conda_specs, check_conda_urls, shipped_request
from envgen.verify.opened import Opened
from envgen.verify.pip_set import not_said
from envgen.verify.places import CONDA_PLACES, check_hosts
from envgen.verify.request import check_request


def judge_conda(opened: Opened, stated: Stated, knowledge: Knowledge) -> tuple[list[JudgedLock], list[Finding]]:
    """Return the conda locks, and what is wrong with their files together."""
    bodies, pairs = opened.bodies, opened.conda_pairs()
    judged: list[JudgedLock] = []
    findings: list[Finding] = []
    is_whole = all(environment in bodies and VIRTUAL_PACKAGES.one in bodies for _, environment in pairs)
    if is_whole and pairs:
        try:
            locks = read_conda(bodies)
        except LockFormatError as error:
            return [], [Finding(code=Code.FILE_UNREADABLE, file=error.origin, title=error.reason)]
        is_shipped = len(locks) == 1 and is_as_shipped(bodies, locks[0].subdir, _python(locks[0]), knowledge.root)
        judged = [_judge(lock, opened, stated, knowledge, is_shipped=is_shipped) for lock in locks]
        # What equals a shipped lock in every byte was made when that was: conda-lock would make the same again.
        if not is_shipped:
            if has_no_error(finding for one in judged for finding in one.findings):
                findings += check_conda_form(locks, bodies, opened.headers)
            findings += [finding for lock_file, _ in pairs for finding in _content_hash(bodies, lock_file)]
    covered = {EXPLICIT.name(one.subdir, many=True) for one in judged}
    findings += [
        Finding(code=Code.FILE_MISSING, file=CONDA_LOCK.one, title=f"{name} is there without it")
        for name in (bodies if not pairs or covered else ())
        if EXPLICIT.matches(name) and name not in covered
    ]
    return judged, findings


def _judge(lock: CondaLock, opened: Opened, stated: Stated, knowledge: Knowledge, *, is_shipped: bool) -> JudgedLock:
    file = next(n for many in (True, False) if (n := CONDA_LOCK.name(lock.subdir, many=many)) in opened.bodies)
    build, torch = conda_lock.locked_build(lock, knowledge.builds), lock.find("pytorch")
    cuda = conda_lock.cuda_of(lock)
    is_shipped = is_shipped or is_shipped_conda(lock, build, _python(lock), knowledge.root)
    return JudgedLock(
        package_set=PackageSet.CONDA,
        subdir=lock.subdir,
        file=file,
        lock=lock,
        findings=list(_findings(lock, file, opened, stated, knowledge)),
        smoke=SmokePairing(source=PackageSet.CONDA.value, torch=torch.version, cuda=cuda) if torch and cuda else None,
        locked=LockedBuild(build=build, lock=lock) if build is not None else None,
        asked=conda_specs(lock, stated.record)[1] if stated.record is not None else (),
        channels=_further(stated),
        unknown="" if is_shipped else _unknown(lock, knowledge),
    )


def _python(lock: CondaLock) -> str:
    """The X.Y of the locked Python, or an empty string."""
    python = lock.find("python")
    return ".".join(python.version.split(".")[:2]) if python is not None else ""


def _further(stated: Stated) -> tuple[str, ...]:
    """The channels that the request line names."""
    return stated.record.channels if stated.record is not None else ()


def _unknown(lock: CondaLock, knowledge: Knowledge) -> str:
    names = (f"{package.subdir}/{package.url.rpartition('/')[2]}" for package in lock.packages)
    known = sum(name in knowledge.known.conda for name in names)
    return f"it is no shipped lock: {known} of {len(lock.packages)} files are known from one"


def _findings(lock: CondaLock, file: str, opened: Opened, stated: Stated, knowledge: Knowledge) -> Iterator[Finding]:
    builds, bodies, explicit = knowledge.builds, opened.bodies, EXPLICIT.name(lock.subdir, many=True)
    read: Mapping[str, str] = {}
    if explicit in bodies:
        read = EXPLICIT.read(bodies[explicit], explicit)
        yield from conda_lock.compare_files(read, lock, explicit, file)
    elif not opened.has(explicit):
        yield Finding(code=Code.FILE_MISSING, file=explicit, title=f"{file} is there without it")
    places = (*CONDA_PLACES, knowledge.mirrors.conda, *_further(stated))
    yield from check_hosts(conda_lock.conda_places(lock, read), places, file)
    of_lock = list(conda_lock.check_conda(lock, claims_of(stated.record, lock.subdir), file, builds))
    yield from of_lock
    build, request = conda_lock.locked_build(lock, builds), stated.request_for(lock.subdir)
    if build is not None and request is not None and (python := _python(lock)):
        yield from not_said(check_request(build, python, request, file, builds), of_lock)
        yield from conda_lock.check_glibc(lock, request.glibc, file)
    yield from _check_name(lock, build, bodies[environment_beside(file)], environment_beside(file), stated)
    yield from check_conda_needs(lock, file)
    yield from check_conda_urls(lock, file)
    yield from check_known_conda(lock, knowledge.known, file)
    if stated.record is not None:
        yield from check_conda_asked(lock, stated.record, opened.headers, file)
    yield from _specs(lock, build, file, stated, knowledge)


def _check_name(lock: CondaLock, build: Build | None, text: str, file: str, stated: Stated) -> Iterator[Finding]:
    """The name of the environment is the one that was asked for, else that of the build: never one that is in use."""
    asked = stated.record.name if stated.record is not None else ""
    own = {build.environment_name} if build is not None else set()
    if lock.find("pytorch") is not None:
        own.add(environment_name(lock))
    if name_in(text) not in ({asked} if asked else own):
        title = f"it names the environment {name_in(text)[:60]!r}, which was not asked for"
        yield Finding(code=Code.REQUEST_UNMET, file=file, title=title)


def _specs(lock: CondaLock, build: Build | None, file: str, stated: Stated, knowledge: Knowledge) -> Iterator[Finding]:
    """What the lock was solved from against what its build and its request need."""
    builds, record = knowledge.builds, stated.record
    if record is None or build is None or not (build.codes or build.is_cpu):
        return
    oldest = shipped_request(build, record.python, builds.default_glibc) if build.codes else None
    asked = stated.request_for(lock.subdir) or oldest
    pairing = pairing_if_it_runs(build, asked, builds) if asked else None
    if asked is not None and pairing is not None:
        shipped = pairing_if_it_runs(build, oldest, builds) if oldest else None
        wanted = CondaWanted(
            pairing=pairing, shipped=shipped, request=asked, record=record, further=conda_specs(lock, record)[0]
        )
        yield from check_conda_specs(lock, wanted, file)


def _content_hash(bodies: Mapping[str, str], name: str) -> Iterator[Finding]:
    """conda-lock's content hash against the one that it computes for the environment file and the virtual packages."""
    from envgen.files.formats.conda_lock_v1 import content_hashes, stated_hashes

    environment = environment_beside(name)
    try:
        stated = stated_hashes(bodies[name])
        made = content_hashes(bodies[environment], bodies[VIRTUAL_PACKAGES.one])
    except LockFormatError as error:
        yield Finding(code=Code.FILE_UNREADABLE, file=environment, title=error.reason)
        return
    for subdir in sorted({*stated, *made}):
        if made.get(subdir) != stated.get(subdir):
            title = f"content hash of {subdir}: it was not locked from this {environment} and {VIRTUAL_PACKAGES.one}"
            evidence = (
                f"stated: {stated.get(subdir, '(none)')}",
                f"computed by conda-lock: {made.get(subdir, '(none)')}",
            )
            yield Finding(code=Code.CONTENT_HASH, file=name, title=title, evidence=evidence)
