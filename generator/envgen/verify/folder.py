"""Verifies one folder: its files as a set, then each lock in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from envgen.core.errors import EnvgenError
from envgen.core.findings import SkippedCheck
from envgen.core.locks import CondaLock, PipLock
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.bodies import read_conda
from envgen.files.errors import LockFormatError, OutputNotWritableError
from envgen.files.plan import read_folder
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
from envgen.verify import conda_side, pip_side
from envgen.verify.claims import expected_pairings, read_claims, title_capabilities
from envgen.verify.findings import Asking, Code, Finding, Report, has_no_error
from envgen.verify.form import LANE_COMMAND, check_conda_form, check_pip_form
from envgen.verify.opened import Opened
from envgen.verify.pip_online import check_on_indexes
from envgen.verify.places import CONDA_PLACES, PIP_PLACES, check_hosts, without_logins
from envgen.verify.request import ReadCommand, check_request, no_command, request_for


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


def verify_folder(folder: Path, builds: Catalog, asking: Asking, *, read_command: ReadCommand = no_command) -> Report:
    """Return what is wrong with the files of a folder. Nothing is written.

    Raises: UsageError for a mirror that is none, OutputNotFolderError and OutputNotWritableError as `read_folder`.
    """
    work = _Work(builds=builds, asking=asking)
    found = read_folder(folder)
    work.findings += work.opened.open(found)
    not_ours = "no header of envgen's, and no part of the set beside it"
    work.skipped += [SkippedCheck(check=name, reason=not_ours) for name in work.opened.foreign]
    work.findings += work.opened.check_set()
    work.read_requests(read_command)
    work.check_pip_locks()
    work.check_conda_locks()
    work.check_smoke_test()
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
    requests: Sequence[Request] = ()
    findings: list[Finding] = field(default_factory=list)
    skipped: list[SkippedCheck] = field(default_factory=list)
    packages: int = 0
    pairings: list[tuple[str, str, str]] = field(default_factory=list)

    def read_requests(self, read_command: ReadCommand) -> None:
        """Read what the headers' command asks for."""
        commands = sorted({header.command for header in self.opened.headers.values()} - {LANE_COMMAND})
        if len(commands) != 1 or read_command is no_command:
            return
        try:
            self.requests = read_command(commands[0])
        except EnvgenError as error:
            self.skipped.append(SkippedCheck(check="the command in the headers", reason=error.headline()))
            return
        asked = {gpu.gpu.capability for request in self.requests for gpu in request.gpus}
        for name, header in self.opened.headers.items() if asked else ():
            told = set(title_capabilities(header.title))
            if told and told != asked:
                title = "its first line names another GPU than its command"
                evidence = (f"first line: {header.title[:160]}", f"command: {header.command[:160]}")
                self.findings.append(Finding(code=Code.FILES_DISAGREE, file=name, title=title, evidence=evidence))

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
        torch, vision = lock.version_of("torch"), lock.version_of("torchvision")
        self.pairings.append(("pip", torch.partition("+")[0], vision.partition("+")[0]))
        read = REQUIREMENTS.read(bodies[requirements], requirements) if requirements in bodies else None
        found: list[Finding] = []
        if read is not None:
            found += pip_side.compare_files(read, lock, requirements, pylock)
        found += pip_side.check_environment(bodies[pylock], lock, pylock)
        places = (*PIP_PLACES, self.asking.wheel_mirror, self.asking.pypi)
        found += check_hosts(pip_side.pip_places(lock, read), places, pylock)
        claims = read_claims(self.opened.headers_of(requirements, pylock))
        found += pip_side.check_pip(lock, claims, pylock, self.builds)
        build, request = pip_side.locked_build(lock, self.builds)[1], request_for(self.requests, lock.subdir)
        if build is not None and request is not None:
            found += _new(check_request(build, lock.python, request, pylock, self.builds), found)
            found += pip_side.check_glibc(lock, request.glibc, pylock)
        if has_no_error(found):
            found += check_pip_form(lock, bodies, self.opened.headers, pylock)
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
        torch, vision = lock.find("pytorch"), lock.find("torchvision")
        self.pairings.append(("conda", torch.version if torch else "", vision.version if vision else ""))
        read: Mapping[str, str] = {}
        found: list[Finding] = []
        if explicit in bodies:
            read = EXPLICIT.read(bodies[explicit], explicit)
            found += conda_side.compare_files(read, lock, explicit, file)
        elif not self.opened.has(explicit):
            found.append(Finding(code=Code.FILE_MISSING, file=explicit, title=f"{file} is there without it"))
        found += check_hosts(conda_side.conda_places(lock, read), (*CONDA_PLACES, self.asking.conda_mirror), file)
        claims = read_claims(self.opened.headers_of(file, explicit, environment_beside(file)))
        found += conda_side.check_conda(lock, claims, file, self.builds)
        build, request = conda_side.locked_build(lock, self.builds), request_for(self.requests, lock.subdir)
        python = lock.find("python")
        if build is not None and request is not None and python is not None:
            minor = ".".join(python.version.split(".")[:2])
            found += _new(check_request(build, minor, request, file, self.builds), found)
            found += conda_side.check_glibc(lock, request.glibc, file)
        wrong, skipped = conda_side.check_on_channels(lock, self.asking, file)
        self.skipped += skipped
        yield from found
        yield from wrong

    def check_smoke_test(self) -> None:
        """The smoke test must expect what is locked, and what it expects must be locked."""
        body = self.opened.bodies.get(SMOKE_TEST.one)
        if body is None:
            return
        keys = ("source", "torch", "torchvision")
        told = (tuple(str(pairing.get(key, "")) for key in keys) for pairing in expected_pairings(body))
        expected = {(source, torch, vision) for source, torch, vision in told}
        for source, torch, vision in self.pairings:
            # A conda pairing names no torchvision: the channel decides which one there is.
            if torch and not {(source, torch, vision), (source, torch, "")} & expected:
                beside = f" with torchvision {vision}" if vision else ""
                title = f"it does not expect torch {torch}{beside} from {source}"
                self.findings.append(Finding(code=Code.FILES_DISAGREE, file=SMOKE_TEST.one, title=title))
        here = {set_of(name) for name in (*self.opened.bodies, *self.opened.unreadable)}
        for source, main in ((PackageSet.PIP, REQUIREMENTS), (PackageSet.CONDA, CONDA_LOCK)):
            if any(row[0] == source.value for row in expected) and source not in here:
                title = f"{SMOKE_TEST.one} expects torch from {source}, of which there is no file"
                self.findings.append(Finding(code=Code.FILE_MISSING, file=main.one, title=title))


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
