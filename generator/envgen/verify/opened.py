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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Bodies and headers by file name, and what is wrong with each file by itself.

    `unreadable` are files that are there but are no text. `foreign` are files with a name of ours that are not: no
    header, and the set beside them has no such file.
    """

    bodies: Mapping[str, str]
    headers: Mapping[str, Header]
    unreadable: frozenset[str] = frozenset()
    foreign: Sequence[str] = ()
    findings: Sequence[Finding] = field(default_factory=tuple)

    def has(self, name: str) -> bool:
        """True when a file of that name is there, readable or not."""
        return name in self.bodies or name in self.unreadable

    def conda_pairs(self) -> list[tuple[str, str]]:
        """Each conda-lock.yml that is there, with the environment file that it was locked from."""
        return [(name, environment_beside(name)) for name in sorted(filter(CONDA_LOCK.matches, self.bodies))]


def open_files(found: Mapping[str, str | None]) -> Opened:
    """Take the files of a folder (`read_folder`) apart."""
    parts = {name: split(text) for name, text in found.items() if text is not None}
    digests, members = _main_sets({name: header for name, (header, _) in parts.items() if header is not None})
    foreign = [name for name, (header, _) in parts.items() if header is None and _is_foreign(name, members)]
    left_over = {
        name
        for name, (header, body) in parts.items()
        if header is not None and header.set not in digests and _part(name) not in members and _is_edited(header, body)
    }
    ours = {name: part for name, part in parts.items() if name not in left_over and name not in foreign}
    return Opened(
        bodies={name: body for name, (_, body) in ours.items()},
        headers={name: header for name, (header, _) in ours.items() if header is not None},
        unreadable=frozenset(name for name, text in found.items() if text is None),
        foreign=foreign,
        findings=tuple(
            finding
            for name, text in found.items()
            if name not in foreign
            for finding in _check_file(name, text, parts.get(name), is_left_over=name in left_over)
        ),
    )


def _check_file(
    name: str, text: str | None, part: tuple[Header | None, str] | None, *, is_left_over: bool
) -> Iterator[Finding]:
    if text is None or part is None:
        title = "a link, a folder, no UTF-8 text, or more than 1 MiB of it"
        yield Finding(code=Code.FILE_UNREADABLE, file=name, title=title)
        return
    yield from check_logins(name, text)
    yield from _check_start(name, text)
    header, body = part
    if is_left_over:
        title = "edited, of an earlier run, and no part of the set that is here now"
        yield Finding(code=Code.FILE_LEFT_OVER, file=name, title=title)
    elif header is None:
        title = "no header of envgen's: whom it is for cannot be checked"
        yield Finding(code=Code.HEADER_MISSING, file=name, title=title)
    elif _is_edited(header, body):
        title = "edited since it was written: its body no longer has the digest of its header"
        yield Finding(code=Code.FILE_EDITED, file=name, title=title)


def check_set(opened: Opened, *, is_shipped: bool) -> Iterator[Finding]:
    """Whether the files are one whole set: of one run, no member missing, headers as they were."""
    torn = list(_torn(opened.headers))
    missing = list(_missing(opened, is_shipped=is_shipped))
    yield from torn
    yield from missing
    headers, bodies = opened.headers, opened.bodies
    whole = bodies.keys() == headers.keys() and not opened.unreadable
    edited = any(_is_edited(header, bodies[name]) for name, header in headers.items())
    if headers and whole and not (torn or missing or edited):
        yield from check_digests({name: (header, bodies[name]) for name, header in headers.items()})


def _torn(headers: Mapping[str, Header]) -> Iterator[Finding]:
    """Files of one set that state several digests of it; all files of release 0.1.0 stated one."""
    groups: dict[str, dict[str, list[str]]] = {}
    for name, header in headers.items():
        if header.set:
            group = "" if header.is_legacy else str(set_of(name))
            groups.setdefault(group, {}).setdefault(header.set, []).append(name)
    for sets in groups.values():
        if len(sets) > 1:
            evidence = tuple(f"set {digest[:12]}: {', '.join(names)}" for digest, names in sets.items())
            title = "the files come from several runs"
            first = sets[max(sets, key=lambda digest: len(sets[digest]))][0]
            yield Finding(code=Code.SET_TORN, file=first, title=title, evidence=evidence)


def _missing(opened: Opened, *, is_shipped: bool) -> Iterator[Finding]:
    here = [*opened.bodies, *sorted(opened.unreadable)]
    wanted: dict[str, str] = {}
    for name in here:
        for other in missing_beside(name, here):
            wanted.setdefault(other, name)
    if opened.headers and not is_shipped and not opened.has(SMOKE_TEST.one):
        wanted.setdefault(SMOKE_TEST.one, min(opened.headers))
    for name, beside in sorted(wanted.items()):
        yield Finding(code=Code.FILE_MISSING, file=name, title=f"{beside} is there without it")


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
