"""The files of a folder, opened: headers and bodies, and whether they are one set that nobody edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from envgen.core.dataclass import dataclass
from envgen.files.header import Header, body_digest
from envgen.files.reading import split
from envgen.files.registry import CONDA_LOCK, SMOKE_TEST, environment_beside, missing_beside, our_file, set_of
from envgen.verify.findings import Code, Finding
from envgen.verify.form import check_digests
from envgen.verify.places import check_logins


@dataclass(slots=True)
class Opened:
    """Bodies and headers by file name. `unreadable` are files that are there but are no text.

    `foreign` are files with a name of ours that are not: no header, and the set beside them has no such file.
    """

    bodies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    foreign: list[str] = field(default_factory=list)

    def open(self, found: Mapping[str, str | None]) -> Iterator[Finding]:
        """Take in the files of a folder (`read_folder`) and tell what is wrong with each by itself."""
        parts = {name: split(text) for name, text in found.items() if text is not None}
        digests, members = _main_sets({name: header for name, (header, _) in parts.items() if header is not None})
        for name, text in found.items():
            if text is None:
                self.unreadable.add(name)
                title = "a link, a folder, no UTF-8 text, or more than 1 MiB of it"
                yield Finding(code=Code.FILE_UNREADABLE, file=name, title=title)
                continue
            header, body = parts[name]
            if header is None and _is_foreign(name, members):
                self.foreign.append(name)
                continue
            yield from check_logins(name, text)
            yield from _check_start(name, text)
            strange = header is not None and header.set not in digests and _part(name) not in members
            if strange and header is not None and _is_edited(header, body):
                title = "edited, of an earlier run, and no part of the set that is here now"
                yield Finding(code=Code.FILE_LEFT_OVER, file=name, title=title)
                continue
            self.bodies[name] = body
            if header is None:
                title = "no header of envgen's: whom it is for cannot be checked"
                yield Finding(code=Code.HEADER_MISSING, file=name, title=title)
                continue
            self.headers[name] = header
            if _is_edited(header, body):
                title = "edited since it was written: its body no longer has the digest of its header"
                yield Finding(code=Code.FILE_EDITED, file=name, title=title)

    def has(self, name: str) -> bool:
        """True when a file of that name is there, readable or not."""
        return name in self.bodies or name in self.unreadable

    def headers_of(self, *names: str) -> Sequence[Header]:
        """The headers of those of the files that have one."""
        return [self.headers[name] for name in names if name in self.headers]

    def check_set(self, *, is_shipped: bool) -> Iterator[Finding]:
        """Whether the files are one whole set: of one run, no member missing, headers as they were."""
        torn = list(self._torn())
        missing = list(self._missing(is_shipped=is_shipped))
        yield from torn
        yield from missing
        whole = self.bodies.keys() == self.headers.keys() and not self.unreadable
        edited = any(_is_edited(header, self.bodies[name]) for name, header in self.headers.items())
        if self.headers and whole and not (torn or missing or edited):
            yield from check_digests({name: (header, self.bodies[name]) for name, header in self.headers.items()})

    def _torn(self) -> Iterator[Finding]:
        """Files of one set that state several digests of it; all files of release 0.1.0 stated one."""
        groups: dict[str, dict[str, list[str]]] = {}
        for name, header in self.headers.items():
            if header.set:
                group = "" if header.is_legacy else str(set_of(name))
                groups.setdefault(group, {}).setdefault(header.set, []).append(name)
        for sets in groups.values():
            if len(sets) > 1:
                evidence = tuple(f"set {digest[:12]}: {', '.join(names)}" for digest, names in sets.items())
                title = "the files come from several runs"
                first = sets[max(sets, key=lambda digest: len(sets[digest]))][0]
                yield Finding(code=Code.SET_TORN, file=first, title=title, evidence=evidence)

    def _missing(self, *, is_shipped: bool) -> Iterator[Finding]:
        here = [*self.bodies, *sorted(self.unreadable)]
        wanted: dict[str, str] = {}
        for name in here:
            for other in missing_beside(name, here):
                wanted.setdefault(other, name)
        if self.headers and not is_shipped and not self.has(SMOKE_TEST.one):
            wanted.setdefault(SMOKE_TEST.one, min(self.headers))
        for name, beside in sorted(wanted.items()):
            yield Finding(code=Code.FILE_MISSING, file=name, title=f"{beside} is there without it")

    def conda_pairs(self) -> list[tuple[str, str]]:
        """Each conda-lock.yml that is there, with the environment file that it was locked from."""
        return [(name, environment_beside(name)) for name in sorted(filter(CONDA_LOCK.matches, self.bodies))]


def _check_start(name: str, text: str) -> Iterator[Finding]:
    """A byte order mark, where the file's readers do not skip it: tomllib, and conda for an explicit lock."""
    if text.startswith("\ufeff") and name.endswith((".toml", ".lock")):
        title = "it begins with a byte order mark, which its readers refuse"
        yield Finding(code=Code.FILE_EDITED, file=name, title=title)


def _is_edited(header: Header, body: str) -> bool:
    return header.body != body_digest(body)


def _main_sets(headers: Mapping[str, Header]) -> tuple[set[str], set[tuple[str, str]]]:
    """The digest that most files of each set state, and which parts these sets have (`_part`)."""
    stated: dict[object, list[str]] = {}
    for name, header in headers.items():
        stated.setdefault("legacy" if header.is_legacy else set_of(name), []).append(header.set)
    main = {max(digests, key=digests.count) for digests in stated.values()}
    return main, {_part(name) for name, header in headers.items() if header.set in main}


def _is_foreign(name: str, members: Iterable[tuple[str, str]]) -> bool:
    """True for a name that the set can't have: subdirs are in all names of a set or in none.

    So a requirements.txt beside requirements-win-64.txt and its like is somebody's own.
    """
    package_set, subdir = _part(name)
    forms = {bool(other) for of, other in members if of == package_set}
    return bool(forms) and bool(subdir) not in forms


def _part(name: str) -> tuple[str, str]:
    """The set of a file and the subdir in its name, or empty; a file whose name has one form is a part by itself."""
    file = our_file(name)
    if file is None or file.format.set is None or not file.format.has_two_forms:
        return name, ""
    return file.format.set.value, file.subdir.value if file.subdir else ""
