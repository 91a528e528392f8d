"""The files of a folder, opened: headers and bodies, and whether they are one set that nobody edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from envgen.lock.conda_files import VIRTUAL_PACKAGES_FILE
from envgen.render.header import Header, body_digest, split
from envgen.verify.findings import Code, Finding
from envgen.verify.form import LANE_COMMAND, check_run
from envgen.verify.places import check_logins

SMOKE_TEST = "smoke_test.py"


@dataclass(slots=True)
class Opened:
    """Bodies and headers by file name. `unreadable` are files that are there but are no text."""

    bodies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def open(self, found: Mapping[str, str | None]) -> Iterator[Finding]:
        """Take in the files of a folder (`read_folder`) and tell what is wrong with each by itself."""
        for name, text in found.items():
            if text is None:
                self.unreadable.add(name)
                title = "a link, a folder, no UTF-8 text, or more of it than any lock has"
                yield Finding(code=Code.FILE_UNREADABLE, file=name, title=title)
            else:
                yield from self._open(name, text)

    def _open(self, name: str, text: str) -> Iterator[Finding]:
        yield from check_logins(name, text)
        header, self.bodies[name] = split(text)
        if header is None:
            title = "no header of envgen's: whom it is for cannot be checked"
            yield Finding(code=Code.HEADER_MISSING, file=name, title=title)
            return
        self.headers[name] = header
        if header.body != body_digest(self.bodies[name]):
            title = "edited since it was written: its body no longer has the digest of its header"
            yield Finding(code=Code.FILE_EDITED, file=name, title=title)

    def has(self, name: str) -> bool:
        """True when a file of that name is there, readable or not."""
        return name in self.bodies or name in self.unreadable

    def headers_of(self, *names: str) -> Sequence[Header]:
        """The headers of those of the files that have one."""
        return [self.headers[name] for name in names if name in self.headers]

    def check_set(self) -> Iterator[Finding]:
        """Whether the files are one whole set: of one run, no member missing, headers as they were."""
        torn = list(self._torn())
        missing = list(self._missing())
        yield from torn
        yield from missing
        whole = self.bodies.keys() == self.headers.keys() and not self.unreadable
        edited = any(self.headers[name].body != body_digest(self.bodies[name]) for name in self.headers)
        if self.headers and whole and not (torn or missing or edited):
            yield from check_run(self.bodies, self.headers)

    def _torn(self) -> Iterator[Finding]:
        runs: dict[str, list[str]] = {}
        for name, header in self.headers.items():
            runs.setdefault(header.run, []).append(name)
        if len(runs) > 1:
            evidence = tuple(f"run {run[:12]}: {', '.join(names)}" for run, names in runs.items())
            title = "the files come from several runs"
            first = runs[max(runs, key=lambda run: len(runs[run]))][0]
            yield Finding(code=Code.SET_TORN, file=first, title=title, evidence=evidence)

    def _missing(self) -> Iterator[Finding]:
        wanted: dict[str, str] = {}
        for name in [*self.bodies, *sorted(self.unreadable)]:
            for other in _goes_with(name):
                wanted.setdefault(other, name)
        environments = sorted(name for name in self.bodies if name.startswith("environment"))
        if VIRTUAL_PACKAGES_FILE in self.bodies and not environments:
            wanted.setdefault("environment.yml", VIRTUAL_PACKAGES_FILE)
        by_request = next((n for n, header in self.headers.items() if header.command != LANE_COMMAND), "")
        if by_request:
            wanted.setdefault(SMOKE_TEST, by_request)
        for name, beside in sorted(wanted.items()):
            if not self.has(name):
                yield Finding(code=Code.FILE_MISSING, file=name, title=f"{beside} is there without it")

    def conda_pairs(self) -> list[tuple[str, str]]:
        """Each conda-lock.yml that is there, with the environment file that it was locked from."""
        names = sorted(name for name in self.bodies if name.endswith("conda-lock.yml"))
        return [(name, environment_of(name)) for name in names]


def environment_of(lock: str) -> str:
    """The environment file of a conda-lock.yml: `environment-win-64.yml` of `win-64.conda-lock.yml`."""
    subdir = lock.removesuffix("conda-lock.yml").removesuffix(".")
    return f"environment-{subdir}.yml" if subdir else "environment.yml"


def _goes_with(name: str) -> Iterator[str]:
    """The files without which a file is not written; which explicit locks there are, conda-lock.yml tells."""
    stem = name.rpartition(".")[0]
    if name.startswith("requirements"):
        subdir = stem.removeprefix("requirements").removeprefix("-")
        yield f"pylock.{subdir}.toml" if subdir else "pylock.toml"
    elif name.startswith("pylock"):
        subdir = stem.removeprefix("pylock").removeprefix(".")
        yield f"requirements-{subdir}.txt" if subdir else "requirements.txt"
    elif name.startswith("environment"):
        subdir = stem.removeprefix("environment").removeprefix("-")
        yield f"{subdir}.conda-lock.yml" if subdir else "conda-lock.yml"
        yield VIRTUAL_PACKAGES_FILE
    elif name.endswith("conda-lock.yml"):
        yield environment_of(name)
        yield VIRTUAL_PACKAGES_FILE
