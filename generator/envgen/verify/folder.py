"""Verifies one folder: its headers, then each lock in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envgen.core.errors_lock import LockFormatError
from envgen.core.findings import SkippedCheck
from envgen.core.locks import CondaLock, PipLock
from envgen.facts.builds import BuildCatalog
from envgen.lock.conda_files import VIRTUAL_PACKAGES_FILE, load_conda_files
from envgen.lock.pylock import read_pylock
from envgen.render.header import Header, body_digest, split
from envgen.render.plan import read_folder
from envgen.verify import conda_side, pip_side
from envgen.verify.claims import expected_pairings, read_claims
from envgen.verify.findings import Asking, Code, Finding, Report

_PIP = re.compile(r"(?:requirements|pylock)(?:[-.](?P<subdir>[a-z0-9-]+))?\.(?:txt|toml)")


def folders_below(root: Path) -> list[Path]:
    """The folders with files of envgen's at and below a path, sorted; hidden ones are left out."""
    here = [root] if read_folder(root) else []
    below = (
        sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        if root.is_dir()
        else []
    )
    return here + [found for path in below for found in folders_below(path)]


def verify_folder(folder: Path, builds: BuildCatalog, asking: Asking) -> Report:
    """Return what is wrong with the files of a folder. Nothing is written.

    Raises: UsageError for a mirror that is none, OutputNotFolderError and OutputNotWritableError as `read_folder`.
    """
    work = _Work(builds=builds, asking=asking)
    found = read_folder(folder)
    for name, text in found.items():
        work.open(name, text)
    work.check_set()
    work.check_pip_locks()
    work.check_conda_locks()
    work.check_smoke_test()
    return Report(
        folder=folder.as_posix(),
        files=tuple(found),
        packages=work.packages,
        findings=tuple(sorted(set(work.findings), key=lambda finding: finding.place)),
        skipped=tuple(work.skipped),
    )


@dataclass(slots=True)
class _Work:
    """The files of a folder while they are checked: bodies and headers by name, and what was found so far."""

    builds: BuildCatalog
    asking: Asking
    bodies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    skipped: list[SkippedCheck] = field(default_factory=list)
    packages: int = 0
    pairings: list[tuple[str, str, str]] = field(default_factory=list)

    def open(self, name: str, text: str | None) -> None:
        if text is None:
            title = "a link, a folder, or no UTF-8 text"
            self.findings.append(Finding(code=Code.FILE_UNREADABLE, file=name, title=title))
            return
        header, self.bodies[name] = split(text)
        if header is None:
            title = "no header of envgen's: whom it is for cannot be checked"
            self.findings.append(Finding(code=Code.HEADER_MISSING, file=name, title=title))
            return
        self.headers[name] = header
        if header.body != body_digest(self.bodies[name]):
            title = "edited since it was written: its body no longer has the digest of its header"
            self.findings.append(Finding(code=Code.FILE_EDITED, file=name, title=title))

    def check_set(self) -> None:
        runs: dict[str, list[str]] = {}
        for name, header in self.headers.items():
            runs.setdefault(header.run, []).append(name)
        if len(runs) > 1:
            evidence = tuple(f"run {run[:12]}: {', '.join(names)}" for run, names in runs.items())
            title = "the files come from several runs: run the command of a header again to complete the set"
            self.findings.append(
                Finding(
                    code=Code.SET_TORN,
                    file=runs[max(runs, key=lambda r: len(runs[r]))][0],
                    title=title,
                    evidence=evidence,
                )
            )

    def check_pip_locks(self) -> None:
        subdirs = {found["subdir"] or "" for name in self.bodies if (found := _PIP.fullmatch(name))}
        for subdir in sorted(subdirs):
            requirements = f"requirements-{subdir}.txt" if subdir else "requirements.txt"
            pylock = f"pylock.{subdir}.toml" if subdir else "pylock.toml"
            if lock := self._pip_lock(requirements, pylock):
                self._check_pip(lock, requirements, pylock)

    def _pip_lock(self, requirements: str, pylock: str) -> PipLock | None:
        for name, beside in ((requirements, pylock), (pylock, requirements)):
            if name not in self.bodies:
                title = f"{beside} is there without it"
                self.findings.append(Finding(code=Code.FILE_MISSING, file=name, title=title))
        if pylock not in self.bodies:
            return None
        try:
            return read_pylock(self.bodies[pylock], origin=pylock)
        except LockFormatError as error:
            self.findings.append(Finding(code=Code.FILE_UNREADABLE, file=pylock, title=error.reason))
            return None

    def _check_pip(self, lock: PipLock, requirements: str, pylock: str) -> None:
        self.packages += len(lock.packages)
        self.pairings.append(
            ("pip", lock.version_of("torch").partition("+")[0], _release(lock.version_of("torchvision")))
        )
        if requirements in self.bodies:
            read = pip_side.read_requirements(self.bodies[requirements])
            self.findings += pip_side.compare_files(read, lock, requirements, pylock)
        claims = read_claims(self._headers(requirements, pylock))
        self.findings += pip_side.check_pip(lock, claims, pylock, self.builds)
        wrong, skipped = pip_side.check_on_indexes(lock, self.asking, pylock)
        self.findings += wrong
        self.skipped += skipped

    def check_conda_locks(self) -> None:
        names = [name for name in self.bodies if name.endswith("conda-lock.yml")]
        try:
            locks = load_conda_files({name: self.bodies[name] for name in self.bodies})
        except LockFormatError as error:
            self.findings.append(Finding(code=Code.FILE_UNREADABLE, file=error.origin, title=error.reason))
            return
        for lock in locks:
            own = f"{lock.subdir}.conda-lock.yml"
            self._check_conda(lock, own if own in self.bodies else "conda-lock.yml")
        covered = {f"conda-{lock.subdir}.lock" for lock in locks}
        for name in self.bodies:
            if name.startswith("conda-") and name.endswith(".lock") and name not in covered:
                title = f"{name} is there without it"
                self.findings.append(Finding(code=Code.FILE_MISSING, file="conda-lock.yml", title=title))
        for name in names:
            self.findings += _content_hash(self.bodies, name)

    def _check_conda(self, lock: CondaLock, file: str) -> None:
        self.packages += len(lock.packages)
        torch, vision = lock.find("pytorch"), lock.find("torchvision")
        self.pairings.append(("conda", torch.version if torch else "", vision.version if vision else ""))
        explicit = f"conda-{lock.subdir}.lock"
        if explicit in self.bodies:
            read = conda_side.read_explicit(self.bodies[explicit])
            self.findings += conda_side.compare_files(read, lock, explicit, file)
        else:
            self.findings.append(Finding(code=Code.FILE_MISSING, file=explicit, title=f"{file} is there without it"))
        claims = read_claims(self._headers(file, explicit, "environment.yml", f"environment-{lock.subdir}.yml"))
        self.findings += conda_side.check_conda(lock, claims, file, self.builds)
        wrong, skipped = conda_side.check_on_channels(lock, self.asking, file)
        self.findings += wrong
        self.skipped += skipped

    def check_smoke_test(self) -> None:
        """The smoke test must expect what is locked."""
        body = self.bodies.get("smoke_test.py")
        if body is None:
            return
        expected = {(p.get("source"), p.get("torch"), p.get("torchvision", "")) for p in expected_pairings(body)}
        for source, torch, vision in self.pairings:
            # A conda pairing names no torchvision: the channel decides which one there is.
            if torch and not {(source, torch, vision), (source, torch, "")} & expected:
                title = (
                    f"it does not expect torch {torch}{f' with torchvision {vision}' if vision else ''} from {source}"
                )
                self.findings.append(Finding(code=Code.FILES_DISAGREE, file="smoke_test.py", title=title))

    def _headers(self, *names: str) -> Sequence[Header]:
        return [self.headers[name] for name in names if name in self.headers]


def _release(version: str) -> str:
    return version.partition("+")[0]


def _content_hash(bodies: Mapping[str, str], name: str) -> Iterator[Finding]:
    """conda-lock's content hash against the one that it computes for the environment file and the virtual packages."""
    from envgen.lock.conda_lock_v1 import content_hashes, stated_hashes

    environment = (
        "environment.yml" if name == "conda-lock.yml" else f"environment-{name.removesuffix('.conda-lock.yml')}.yml"
    )
    if environment not in bodies or VIRTUAL_PACKAGES_FILE not in bodies:
        return  # told already
    stated = stated_hashes(bodies[name])
    made = content_hashes(bodies[environment], bodies[VIRTUAL_PACKAGES_FILE])
    for subdir, digest in sorted(stated.items()):
        if made.get(subdir) != digest:
            title = f"content hash of {subdir}: it was not locked from this {environment} and {VIRTUAL_PACKAGES_FILE}"
            evidence = (f"stated: {digest}", f"computed by conda-lock: {made.get(subdir, '(none)')}")
            yield Finding(code=Code.CONTENT_HASH, file=name, title=title, evidence=evidence)
