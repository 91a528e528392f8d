"""Judges the pip locks of a folder: pylock.toml, the requirements.txt beside it, and what the headers ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envgen.core.locks import PipLock
from envgen.core.releases import cuda_of_tag
from envgen.core.sets import PackageSet
from envgen.core.wheel_names import file_name
from envgen.files.errors import LockFormatError
from envgen.files.formats.smoke import SmokePairing
from envgen.files.registry import PYLOCK, REQUIREMENTS
from envgen.verify import pip_lock
from envgen.verify.asked import check_pip_asked, check_reasons
from envgen.verify.claims import claims_of
from envgen.verify.contents.pip import check_majors, check_sources
from envgen.verify.findings import Code, Finding, has_no_error
from envgen.verify.form import check_pip_form
from envgen.verify.headers.stated import Stated
from envgen.verify.headers.told import LockedBuild
from envgen.verify.judged import JudgedLock, Knowledge
from envgen.verify.known import check_known_wheels, is_shipped_wheels
from envgen.verify.needs import asked_of, check_files, check_pip_needs
from envgen.verify.online.pip import check_catalog
from envgen.verify.opened import Opened
from envgen.verify.places import PIP_PLACES, check_hosts
from envgen.verify.request import check_request


def judge_pip(opened: Opened, stated: Stated, knowledge: Knowledge) -> tuple[list[JudgedLock], list[Finding]]:
    """Return the pip locks, and what is wrong with files that hold none."""
    judged, findings = [], []
    for name in sorted(filter(PYLOCK.matches, opened.bodies)):
        try:
            lock = PYLOCK.read(opened.bodies[name], name)
        except LockFormatError as error:
            findings.append(Finding(code=Code.FILE_UNREADABLE, file=name, title=error.reason))
            continue
        if strange := list(pip_lock.strange_versions(lock, name)):
            findings += strange
            continue
        judged.append(_judge(lock, name, opened, stated, knowledge))
    return judged, findings


def _judge(lock: PipLock, pylock: str, opened: Opened, stated: Stated, knowledge: Knowledge) -> JudgedLock:
    tag, build = pip_lock.locked_build(lock, knowledge.builds)
    request = stated.request_for(lock.subdir)
    versions = {name: lock.version_of(name) for name in ("torch", "torchvision")}
    smoke = SmokePairing(
        source=PackageSet.PIP.value,
        torch=versions["torch"].partition("+")[0],
        cuda=cuda_of_tag(tag) if tag else "",
        torchvision=versions["torchvision"].partition("+")[0] if request and request.vision else "",
    )
    findings = list(_findings(lock, pylock, opened, stated, knowledge))
    if has_no_error(findings):
        findings += check_pip_form(lock, opened.bodies, opened.headers, pylock, stated.record)
        findings += check_reasons(lock, tag, stated.record, pylock) if stated.record is not None else ()
    return JudgedLock(
        package_set=PackageSet.PIP,
        subdir=lock.subdir,
        file=pylock,
        lock=lock,
        findings=findings,
        smoke=smoke if tag else None,
        locked=LockedBuild(build=build, lock=lock) if build is not None else None,
        unknown="" if is_shipped_wheels(lock, build, knowledge.root) else _unknown(lock, knowledge),
        asked=asked_of(stated.record, PackageSet.PIP) if stated.record is not None else (),
    )


def _unknown(lock: PipLock, knowledge: Knowledge) -> str:
    known = sum(file_name(package.url) in knowledge.known.wheels for package in lock.packages)
    return f"it is no shipped lock: {known} of {len(lock.packages)} files are known from one"


def _findings(lock: PipLock, pylock: str, opened: Opened, stated: Stated, knowledge: Knowledge) -> Iterator[Finding]:
    builds, bodies = knowledge.builds, opened.bodies
    requirements = REQUIREMENTS.name(PYLOCK.subdir_of(pylock), many=True)
    read = REQUIREMENTS.read(bodies[requirements], requirements) if requirements in bodies else None
    if read is not None:
        yield from pip_lock.compare_files(read, lock, requirements, pylock)
    yield from pip_lock.check_standard(bodies[pylock], pylock)
    yield from pip_lock.check_environment(bodies[pylock], lock, pylock)
    places = (*PIP_PLACES, knowledge.mirrors.wheels, knowledge.mirrors.pypi)
    yield from check_hosts(pip_lock.pip_places(lock, read), places, pylock)
    of_lock = list(pip_lock.check_pip(lock, claims_of(stated.record, lock.subdir), pylock, builds))
    yield from of_lock
    request, (_, build) = stated.request_for(lock.subdir), pip_lock.locked_build(lock, builds)
    if build is not None and request is not None:
        yield from not_said(check_request(build, lock.python, request, pylock, builds), of_lock)
        yield from pip_lock.check_glibc(lock, request.glibc, pylock)
    yield from check_files(lock, pylock)
    yield from check_majors(lock, pylock)
    yield from check_sources(lock, stated.record, pylock)
    if stated.record is not None:
        yield from check_pip_needs(lock, stated.record, pylock)
        yield from check_pip_asked(lock, stated.record, pylock)
    known = list(check_known_wheels(lock, knowledge.known, pylock, exact=_is_exact(lock, stated, knowledge)))
    yield from known
    yield from not_said(check_catalog(lock, pylock), known)


def _is_exact(lock: PipLock, stated: Stated, knowledge: Knowledge) -> bool:
    """True when no extra can add to the needs of a package: torch is asked for alone, or all packages are known."""
    asked = asked_of(stated.record, PackageSet.PIP) if stated.record is not None else ()
    is_known = all(file_name(package.url) in knowledge.known.wheels for package in lock.packages)
    return not asked or (is_known and not any("[" in text for text in asked))


def not_said(more: Iterable[Finding], found: Sequence[Finding]) -> list[Finding]:
    """The findings whose fault was not said already, in other words."""
    said = {(finding.code, finding.file) for finding in found}
    return [finding for finding in more if (finding.code, finding.file) not in said]
