"""Holds what a header tells people against what is told of the locks that are here: nobody is to run anything else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from envgen import __version__
from envgen.core.dataclass import dataclass
from envgen.core.findings import SkippedCheck
from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.files.commands import request_command
from envgen.files.header import Header
from envgen.files.prose import NO_TOOLKIT, SHIPPED_COMMAND, build_lines, file_title, shipped_lines
from envgen.files.quoting import command_line, comment_line
from envgen.files.registry import our_file
from envgen.lock.environment import Environment
from envgen.lock.fileset import header_lines
from envgen.records.request import RequestRecord
from envgen.verify.findings import Code, Finding
from envgen.verify.headers.told import LockedBuilds, expected_environments, is_known_note
from envgen.verify.places import check_hosts

_MADE = re.compile(r"locked on \d{4}-\d\d-\d\d from [A-Za-z0-9 ._:/-]+")
_WITHOUT = re.compile(r"without [a-z0-9 -]+: no build of it was there for this pairing")
_CATALOG = re.compile(r"\d{4}-\d\d-\d\d\.[0-9a-f]{8}")
_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[a-z0-9.+]*)?: .*")
_SITE = re.compile(r"https?://[A-Za-z0-9._~:/?%&,=+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """What the headers of a folder are held against. `locked` is None while the locks themselves are at fault.

    `own` are the mirrors that the user names.
    """

    record: RequestRecord
    requests: Sequence[Request]
    locked: LockedBuilds | None
    builds: Catalog
    catalog: str
    own: Sequence[str] = ()


def check_prose(headers: Mapping[str, Header], prose: Prose) -> tuple[list[Finding], list[SkippedCheck]]:
    """What each header says beside its request line, made again; and what can't be made again."""
    found: list[Finding] = []
    open_: list[SkippedCheck] = []
    told = list(expected_environments(prose.record, prose.requests, prose.locked, prose.builds))
    for name, header in headers.items():
        if header.is_legacy:
            continue
        release = _RELEASE.fullmatch(header.title)
        wrong = [
            *_check_command(name, header, prose.record, prose.own),
            *_check_names(name, header, prose, is_written=release is not None),
        ]
        found += wrong
        if wrong or release is None:
            continue
        stated, ours = (
            tuple(map(int, release.groups())),
            tuple(int(part) for part in re.findall(r"\d+", __version__)[:3]),
        )
        if stated > ours:
            title = f"it was written by a newer release of envgen: {header.title[:80]}"
            found.append(Finding(code=Code.RELEASE_NEWER, file=name, title=title))
        elif prose.locked is not None and (strange := _strange_lines(name, header, prose, told)):
            if stated == ours and header.catalog == prose.catalog:
                title = "its header says what envgen does not say of these locks"
                found.append(_strange(name, title, tuple(f"in the file: {line[:160]}" for line in strange[:3])))
            else:
                reason = f"written with release {release[1]}.{release[2]}.{release[3]} and catalog {header.catalog}"
                check = f"{name}: what its header tells people: {strange[0][:80]}"
                open_.append(SkippedCheck(check=check, reason=reason, open=True))
    return found, open_


def _check_names(name: str, header: Header, prose: Prose, *, is_written: bool) -> Iterator[Finding]:
    """The first line and the catalog's."""
    title = file_title(name, prose.requests) if _is_asked_for(name, prose.requests) else ""
    if not is_written or (title and header.title.partition(":")[2] != _spelled(title).partition(":")[2]):
        evidence = (f"in the file: {header.title[:160]}", f"as written by envgen: {title[:160]}")
        yield _strange(name, "its first line is not that of its request line", evidence)
    if prose.requests and not title:
        yield _strange(name, "its request line asks for no such file", ())
    if not _CATALOG.fullmatch(header.catalog):
        yield _strange(name, "its catalog is none of envgen's", (f"in the file: {header.catalog[:160]}",))


def _is_asked_for(name: str, requests: Sequence[Request]) -> bool:
    file = our_file(name)
    return file is not None and any(file.subdir in (None, request.subdir) for request in requests)


def _strange(name: str, title: str, evidence: tuple[str, ...]) -> Finding:
    return Finding(code=Code.HEADER_STRANGE, file=name, title=title, evidence=evidence)


def _spelled(line: str) -> str:
    """A line as it is read back from a header."""
    return comment_line(f"# {line}").removeprefix("#").removeprefix(" ")


def _check_command(name: str, header: Header, record: RequestRecord, own: Sequence[str]) -> Iterator[Finding]:
    """The command that people are told to run must be the one that the request line stands for; mirrors may follow."""
    made = _spelled(SHIPPED_COMMAND if record.codes else request_command(record))
    rest = header.command.removeprefix(made)
    mirrors = mirrors_of(rest) if not record.codes and rest != header.command else None
    if header.command == made:
        return
    if mirrors is not None:
        named = [(f"{option} of its command", url) for option, url in mirrors.items() if url not in own]
        yield from check_hosts([(what, url) for what, url in named], own, name)
        return
    title = "the command in its header is not the one of its request line: do not run it"
    evidence = (f"in the file: {header.command[:160]}", f"as written by envgen: {made[:160]}")
    yield _strange(name, title, evidence)


def mirrors_of(rest: str) -> dict[str, str] | None:
    """Option -> mirror of what is written behind a command, None when it is something else."""
    try:
        words = shlex.split(rest)
    except ValueError:
        return None
    options, values, last = words[:-1:2], words[1:-1:2], words[-1:]
    in_order = options in ([], ["--conda-mirror"], ["--wheel-mirror"], ["--conda-mirror", "--wheel-mirror"])
    if not in_order or last != ["--write-mirror"] or rest != f" {command_line(words)}":
        return None
    found = dict(zip(options, values, strict=True))
    is_site = not found.get("--wheel-mirror") or _SITE.fullmatch(found["--wheel-mirror"])
    return found if is_site and all(value[:1] not in ("", "-") for value in values) else None


def _strange_lines(name: str, header: Header, prose: Prose, told: Sequence[Sequence[Environment]]) -> list[str]:
    """The lines of a header that are not said, or not said there, of the locks; empty when it is as it is written."""
    if prose.record.codes:
        return _strange_shipped(name, header, prose)
    given = [line for line in header.lines if not is_known_note(line, prose.record)]
    best: list[str] | None = None
    for environments in told:
        wanted = [_spelled(line) for line in header_lines(name, environments, prose.record)]
        wanted = [line for line in wanted if not is_known_note(line, prose.record)]
        if given == wanted:
            return []
        best = best or [line for line in given if line not in wanted] or ["a line is missing, or in another place"]
    return best or ["nothing is said of such locks"]


def _strange_shipped(name: str, header: Header, prose: Prose) -> list[str]:
    every, floor = map(_spelled, shipped_lines(prose.record.codes, prose.record.floor))
    builds = [
        _spelled(line)
        for one in (prose.locked or {}).values()
        for line in build_lines(name, one.build, prose.record.python)
    ]
    lines = list(header.lines)
    made = lines[1].removeprefix(f"{floor} ") if len(lines) > 1 else ""
    without = [line for line in lines[2:3] if _WITHOUT.fullmatch(line)]
    wanted = [every, *lines[1:2], *without, *builds, NO_TOOLKIT]
    is_made = made not in lines[1:2] and _MADE.fullmatch(made) is not None
    return [] if is_made and lines == wanted else [line for line in lines if line not in wanted] or lines[1:2]
