"""Verifies one folder: its files as a set, then each lock in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.findings import SkippedCheck
from envgen.core.locks import CondaLock, PipLock
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.bodies import read_conda
from envgen.files.errors import LockFormatError
from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing
from envgen.files.registry import (
    CONDA_LOCK,
    EXPLICIT,
    PYLOCK,
    REQUIREMENTS,
    SMOKE_TEST,
    VIRTUAL_PACKAGES,
    environment_beside,
    set_of,
)
from envgen.output.errors import OutputNotWritableError
from envgen.output.plan import read_folder
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.verify import conda_side, pip_side
from envgen.verify.claims import claims_of
from envgen.verify.findings import Asking, Code, Finding, Report, has_no_error
from envgen.verify.form import check_conda_form, check_pip_form, check_smoke_form
from envgen.verify.needs import (
    CondaWanted,
    check_conda_needs,
    check_conda_specs,
    check_conda_urls,
    check_files,
    check_pip_needs,
    shipped_request,
)
from envgen.verify.opened import Opened
from envgen.verify.pip_online import check_on_indexes
from envgen.verify.places import CONDA_PLACES, PIP_PLACES, check_hosts, without_logins
from envgen.verify.prose import LockedBuild, check_prose
from envgen.verify.request import check_request
from envgen.verify.stated import Stated, read_stated


def folders_below(root: Path) -> list[Path]:
    """The folders with files of envgen's at and below a path, sorted; hidden ones and links are left out.

    Raises: OutputNotWritableError when one can't be read.
    """
    here = [root] if read_folder(root) else []
    try:
        entries = sorted(root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise OutputNotWritableError(root.as_posix(), error.strerror or str(error)) from error
    # A link may lead back up, and what it leads to is found where it is.
    below = [path for path in entries if not path.name.startswith(".") and not path.is_symlink() and path.is_dir()]
    return here + [found for path in below for found in folders_below(path)]


def verify_folder(folder: Path, builds: Catalog, asking: Asking) -> Report:
    """Return what is wrong with the files of a folder. Nothing is written.

    Raises: UsageError for a mirror that is none, OutputNotFolderError and OutputNotWritableError as `read_folder`.
    """
    work = _Work(builds=builds, asking=asking)
    found = read_folder(folder)
    work.findings += work.opened.open(found)
    not_ours = "no header of envgen's, and no part of the set beside it"
    work.skipped += [SkippedCheck(check=name, reason=not_ours) for name in work.opened.foreign]
    work.read_stated()
    work.findings += work.opened.check_set(is_shipped=work.stated.is_shipped)
    work.check_pip_locks()
    work.check_conda_locks()
    work.check_sets()
    work.check_smoke_test()
    work.check_prose()
    return Report(
        folder=folder.as_posix(),
        files=tuple(found),
        packages=work.packages,
        findings=tuple(sorted(set(map(_masked, work.findings)), key=lambda finding: finding.place)),
        skipped=tuple(replace(check, reason=without_logins(check.reason)) for check in work.skipped),
    )


def _masked(finding: Finding) -> Finding:
    """The finding without the logins of the files that it quotes: reports end up in public logs."""
    evidence = tuple(map(without_logins, finding.evidence))
    return replace(finding, title=without_logins(finding.title), evidence=evidence)


@dataclass(slots=True)
class _Work:
    """The files of a folder while they are checked, and what was found so far."""

    builds: Catalog
    asking: Asking
    opened: Opened = field(default_factory=Opened)
    stated: Stated = field(default_factory=Stated)
    findings: list[Finding] = field(default_factory=list)
    skipped: list[SkippedCheck] = field(default_factory=list)
    packages: int = 0
    expected: dict[tuple[PackageSet, Subdir], SmokePairing] = field(default_factory=dict)
    locked: dict[tuple[PackageSet, Subdir], LockedBuild] = field(default_factory=dict)

    def read_stated(self) -> None:
        """Read what the headers state."""
        self.stated = read_stated(self.opened.headers, self.builds)
        self.findings += self.stated.findings

    def check_pip_locks(self) -> None:
        for pylock in sorted(filter(PYLOCK.matches, self.opened.bodies)):
            if lock := self._pip_lock(pylock):
                self._check_pip(lock, REQUIREMENTS.name(PYLOCK.subdir_of(pylock), many=True), pylock)

    def _pip_lock(self, pylock: str) -> PipLock | None:
        try:
            lock = PYLOCK.read(self.opened.bodies[pylock], pylock)
        except LockFormatError as error:
            self.findings.append(Finding(code=Code.FILE_UNREADABLE, file=pylock, title=error.reason))
            return None
        strange = list(pip_side.strange_versions(lock, pylock))
        self.findings += strange
        return None if strange else lock

    def _check_pip(self, lock: PipLock, requirements: str, pylock: str) -> None:
        bodies = self.opened.bodies
        self.packages += len(lock.packages)
        read = REQUIREMENTS.read(bodies[requirements], requirements) if requirements in bodies else None
        found: list[Finding] = []
        if read is not None:
            found += pip_side.compare_files(read, lock, requirements, pylock)
        found += pip_side.check_standard(bodies[pylock], pylock)
        found += pip_side.check_environment(bodies[pylock], lock, pylock)
        places = (*PIP_PLACES, self.asking.wheel_mirror, self.asking.pypi)
        found += check_hosts(pip_side.pip_places(lock, read), places, pylock)
        claims = claims_of(self.stated.record, lock.subdir)
        found += pip_side.check_pip(lock, claims, pylock, self.builds)
        (tag, build), request = pip_side.locked_build(lock, self.builds), self.stated.request_for(lock.subdir)
        if tag:
            self.expected[PackageSet.PIP, lock.subdir] = SmokePairing(
                source=PackageSet.PIP.value,
                torch=lock.version_of("torch").partition("+")[0],
                cuda=cuda_of_tag(tag),
                torchvision=lock.version_of("torchvision").partition("+")[0] if request and request.vision else "",
            )
        if build is not None:
            versions = {name: lock.version_of(name) for name in ("torch", "torchvision")}
            self.locked[PackageSet.PIP, lock.subdir] = LockedBuild(build=build, **versions)
        if build is not None and request is not None:
            found += _new(check_request(build, lock.python, request, pylock, self.builds), found)
            found += pip_side.check_glibc(lock, request.glibc, pylock)
        found += check_files(lock, pylock)
        if self.stated.record is not None:
            found += check_pip_needs(lock, self.stated.record, pylock)
        if has_no_error(found):
            found += check_pip_form(lock, bodies, self.opened.headers, pylock, self.stated.record)
        self.findings += found
        wrong, skipped = check_on_indexes(lock, self.asking, pylock)
        self.findings += wrong
        self.skipped += skipped

    def check_conda_locks(self) -> None:
        bodies, pairs = self.opened.bodies, self.opened.conda_pairs()
        covered: set[str] = set()
        if all(environment in bodies and VIRTUAL_PACKAGES.one in bodies for _, environment in pairs):
            try:
                locks = read_conda(bodies)
            except LockFormatError as error:
                self.findings.append(Finding(code=Code.FILE_UNREADABLE, file=error.origin, title=error.reason))
                return
            found = [finding for lock in locks for finding in self._check_conda(lock)]
            if locks and has_no_error(found):
                found += check_conda_form(locks, bodies, self.opened.headers)
            self.findings += found
            covered = {EXPLICIT.name(lock.subdir, many=True) for lock in locks}
            for lock_file, _ in pairs:
                self.findings += _content_hash(bodies, lock_file)
        for name in bodies if not pairs or covered else ():
            if EXPLICIT.matches(name) and name not in covered:
                title = f"{name} is there without it"
                self.findings.append(Finding(code=Code.FILE_MISSING, file=CONDA_LOCK.one, title=title))

    def _check_conda(self, lock: CondaLock) -> Iterator[Finding]:
        bodies, explicit = self.opened.bodies, EXPLICIT.name(lock.subdir, many=True)
        file = next(n for many in (True, False) if (n := CONDA_LOCK.name(lock.subdir, many=many)) in bodies)
        self.packages += len(lock.packages)
        read: Mapping[str, str] = {}
        found: list[Finding] = []
        if explicit in bodies:
            read = EXPLICIT.read(bodies[explicit], explicit)
            found += conda_side.compare_files(read, lock, explicit, file)
        elif not self.opened.has(explicit):
            found.append(Finding(code=Code.FILE_MISSING, file=explicit, title=f"{file} is there without it"))
        found += check_hosts(conda_side.conda_places(lock, read), (*CONDA_PLACES, self.asking.conda_mirror), file)
        claims = claims_of(self.stated.record, lock.subdir)
        found += conda_side.check_conda(lock, claims, file, self.builds)
        build, request = conda_side.locked_build(lock, self.builds), self.stated.request_for(lock.subdir)
        if (cuda := conda_side.cuda_of(lock)) and (torch := lock.find("pytorch")):
            self.expected[PackageSet.CONDA, lock.subdir] = SmokePairing(
                source=PackageSet.CONDA.value, torch=torch.version, cuda=cuda
            )
        python = lock.find("python")
        if build is not None:
            self.locked[PackageSet.CONDA, lock.subdir] = LockedBuild(build=build, torch=build.torch, torchvision="")
        if build is not None and request is not None and python is not None:
            minor = ".".join(python.version.split(".")[:2])
            found += _new(check_request(build, minor, request, file, self.builds), found)
            found += conda_side.check_glibc(lock, request.glibc, file)
        found += self._conda_needs(lock, build, file)
        wrong, skipped = conda_side.check_on_channels(lock, self.asking, file)
        self.skipped += skipped
        yield from found
        yield from wrong

    def _conda_needs(self, lock: CondaLock, build: Build | None, file: str) -> Iterator[Finding]:
        """What the lock holds against what its build and its request need."""
        yield from check_conda_needs(lock, file)
        yield from check_conda_urls(lock, file)
        record, request = self.stated.record, self.stated.request_for(lock.subdir)
        if record is None or build is None or not build.codes:
            return
        oldest = shipped_request(build, record.python, self.builds.default_glibc)
        shipped = pairing_if_it_runs(build, oldest, self.builds)
        asked = request or oldest
        pairing = pairing_if_it_runs(build, asked, self.builds)
        if pairing is not None:
            wanted = CondaWanted(pairing=pairing, shipped=shipped, request=asked, record=record)
            yield from check_conda_specs(lock, wanted, file)

    def check_sets(self) -> None:
        """What the request line records as locked must be here, and nothing else."""
        record = self.stated.record
        here = {set_of(name) for name in (*self.opened.bodies, *self.opened.unreadable)}
        for package_set, main in ((PackageSet.PIP, REQUIREMENTS), (PackageSet.CONDA, CONDA_LOCK)):
            states = record.states(package_set) if record else ()
            if "" in states and package_set not in here:
                title = f"the {package_set} set was locked, and there is no file of it"
                self.findings.append(Finding(code=Code.FILE_MISSING, file=main.one, title=title))
            elif all(states) and states and package_set in here:
                title = f"the request line says that there is no {package_set} set: {', '.join(sorted(set(states)))}"
                self.findings.append(Finding(code=Code.FILES_DISAGREE, file=main.one, title=title))

    def check_prose(self) -> None:
        """What the headers tell people must be what is told of these locks."""
        stated = self.stated
        if stated.record is not None:
            locked = self.locked if has_no_error(self.findings) else None
            found = check_prose(self.opened.headers, stated.record, stated.requests, locked, self.builds)
            self.findings += found

    def check_smoke_test(self) -> None:
        """The smoke test must be the program that is written for what is locked."""
        body, record = self.opened.bodies.get(SMOKE_TEST.one), self.stated.record
        if body is None or record is None or not self.expected:
            return
        locked = (
            (of, platform.subdir) for platform in record.platforms for of, why in platform.sets.items() if not why
        )
        if any(key not in self.expected for key in locked):
            return  # a lock that is missing or can't be read is a finding of its own
        gpus = (SmokeGpu.of(requested.gpu) for request in self.stated.requests for requested in request.gpus)
        order = [(of, platform.subdir) for of in PackageSet for platform in record.platforms]
        pairings = (self.expected[key] for key in order if key in self.expected)
        expected = SmokeExpectation(pairings=tuple(dict.fromkeys(pairings)), gpus=tuple(dict.fromkeys(gpus)))
        header = self.opened.headers.get(SMOKE_TEST.one)
        self.findings += check_smoke_form(body, expected, header)


def _new(more: Iterable[Finding], found: Sequence[Finding]) -> list[Finding]:
    """The findings whose fault was not told already, in other words."""
    told = {(finding.code, finding.file) for finding in found}
    return [finding for finding in more if (finding.code, finding.file) not in told]


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
