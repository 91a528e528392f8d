"""Holds what a header tells people against what is told of the locks that are here: nobody is to run anything else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from envgen import __version__
from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.findings import Level
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.request_record import RequestRecord
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import request_command
from envgen.files.header import Header
from envgen.files.prose import (
    NO_TOOLKIT,
    SHIPPED_COMMAND,
    build_lines,
    conda_lines,
    file_title,
    pip_lines,
    shipped_lines,
)
from envgen.files.quoting import command_line, comment_line
from envgen.files.registry import our_file, set_of
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.verify.findings import Code, Finding

# Free text, of which only the form is known: notices, and what a shipped lock was made from.
_NOTE = re.compile(r"note \[[a-z0-9-]+\]: .+")
_MADE = re.compile(r"locked on \d{4}-\d\d-\d\d from [A-Za-z0-9 ._:/-]+")
_LEFT_OUT = re.compile(
    r"left out: [A-Za-z0-9._-]+: [A-Za-z0-9.:/_-]+ has no package of that name; "
    r"--with conda:[A-Za-z0-9._-]+ (?:adds it|names it as conda does)"
)
_WITHOUT = re.compile(r"without [a-z0-9 -]+: no build of it was there for this pairing")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """The build of a lock that is here, with the versions that its files name."""

    build: Build
    torch: str
    torchvision: str


# The locks of a folder by set and platform.
LockedBuilds = Mapping[tuple[PackageSet, Subdir], LockedBuild]


def check_prose(
    headers: Mapping[str, Header],
    record: RequestRecord,
    requests: Sequence[Request],
    locked: LockedBuilds | None,
    builds: Catalog,
) -> Iterator[Finding]:
    """What each header says beside its request line, where this release wrote it.

    Without `locked` (faulty locks) it is not asked what is said of them.
    """
    for name, header in headers.items():
        if header.is_legacy or not header.title.startswith(f"{__version__}:"):
            continue
        yield from _check_command(name, header, record)
        title = file_title(name, requests) if requests else ""
        if title and header.title != _spelled(title):
            evidence = (f"in the file: {header.title[:160]}", f"as written by envgen: {title[:160]}")
            yield _strange(name, "its first line is not that of its request line", evidence)
        if locked is None:
            continue
        wanted = {_spelled(line) for line in _lines(name, record, requests, locked, builds)}
        strange = [line for line in header.lines if line not in wanted and not _is_free(line, record)]
        if strange:
            title = "its header says what envgen does not say of these locks"
            yield _strange(name, title, tuple(f"in the file: {line[:160]}" for line in strange[:3]))


def _strange(name: str, title: str, evidence: tuple[str, ...]) -> Finding:
    return Finding(code=Code.FILES_DISAGREE, file=name, title=title, evidence=evidence, level=Level.ERROR)


def _spelled(line: str) -> str:
    """A line as it is read back from a header."""
    return comment_line(f"# {line}").removeprefix("#").removeprefix(" ")


def _check_command(name: str, header: Header, record: RequestRecord) -> Iterator[Finding]:
    """The command that people are told to run must be the one that the request line stands for; mirrors may follow."""
    made = _spelled(SHIPPED_COMMAND if record.codes else request_command(record))
    rest = header.command.removeprefix(made)
    if header.command == made or (not record.codes and rest != header.command and _names_mirrors(rest)):
        return
    title = "the command in its header is not the one of its request line: do not run it"
    evidence = (f"in the file: {header.command[:160]}", f"as written by envgen: {made[:160]}")
    yield _strange(name, title, evidence)


def _names_mirrors(rest: str) -> bool:
    """True for the options that say whose URLs the files name, as they are written behind a command."""
    try:
        words = shlex.split(rest)
    except ValueError:
        return False
    options, values, last = words[:-1:2], words[1:-1:2], words[-1:]
    in_order = options in (["--conda-mirror"], ["--wheel-mirror"], ["--conda-mirror", "--wheel-mirror"])
    written = rest == f" {command_line(words)}" and last == ["--write-mirror"]
    return written and in_order and all(value[:1] not in ("", "-") for value in values)


def _lines(
    name: str, record: RequestRecord, requests: Sequence[Request], locked: LockedBuilds, builds: Catalog
) -> Iterator[str]:
    """The lines that are said of the locks that a file is for."""
    file = our_file(name)
    subdir = file.subdir if file is not None else None
    yield NO_TOOLKIT
    for (package_set, platform), found in locked.items():
        if package_set is not (set_of(name) or package_set) or platform is not (subdir or platform):
            continue
        request = next((request for request in requests if request.subdir is platform), None)
        pairing = pairing_if_it_runs(found.build, request, builds) if request is not None else None
        if record.codes:
            yield from shipped_lines(record.codes, record.floor)[:1]
            yield from build_lines(name, found.build, record.python)
        elif request is not None and pairing is not None:
            if package_set is PackageSet.PIP:
                yield from pip_lines(name, pairing, request, torch=found.torch, torchvision=found.torchvision)
            else:
                yield from conda_lines(name, pairing, request, record.name)


def _is_free(line: str, record: RequestRecord) -> bool:
    """True for a line whose text depends on more than the locks."""
    if not record.codes:
        return bool(_NOTE.fullmatch(line) or _LEFT_OUT.fullmatch(line))
    floor = _spelled(shipped_lines(record.codes, record.floor)[1])
    made = line.removeprefix(f"{floor} ")
    return (made != line and _MADE.fullmatch(made) is not None) or _WITHOUT.fullmatch(line) is not None
