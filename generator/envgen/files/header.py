"""The comment header of generated files: a few lines for people, one line for programs, and digests.

The digests tell an edited file, and a set that is torn or not whole. Programs read the request line and the digests;
every other line may be reworded any day.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.files.quoting import comment_line
from envgen.files.registry import set_of
from envgen.records.document import from_json
from envgen.records.request import RequestRecord

_FIRST, _COMMAND, _CATALOG = "# envgen ", "# made by: ", "# catalog "
_REQUEST, _SET, _BODY = "# request ", "# set sha256:", "# body sha256:"
# An empty comment ends the header: py-rattler 0.28 refuses an explicit lock with an empty line in front of @EXPLICIT.
END = "\n#\n"
_LAST = re.compile(f"\n{_BODY}[0-9a-f]{{64}}{END}")
DIGEST = re.compile("[0-9a-f]{64}")
# PEP 263: in the first two lines of a Python file (and for pip of a requirements file) this declares an encoding.
_ENCODING = re.compile("coding(?=[:=])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """What a header tells people: `title` names the file and whom it is for, `lines` are facts and what to do."""

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a generated file says about itself.

    `title` names the tool's version, the file and whom it is for; `command` remakes it; `lines` are facts for a reader.
    `request` is the request line (JSON), empty in a file that no request makes. `set` is the digest of the set that the
    file is part of, empty in one that is in none; `body` that of the text below the header (64 hex digits each).
    `is_legacy` is True for a header of release 0.1.0, whose `set` is the digest of its whole run.
    """

    title: str
    command: str
    lines: tuple[str, ...]
    catalog: str
    request: str = ""
    set: str = ""
    body: str
    is_legacy: bool = False

    def record(self) -> RequestRecord:
        """The request that the header states.

        Raises: RecordError.
        """
        return from_json(self.request)


def compose(body: str, header: Header) -> str:
    """Return the file's text: the header as comments in ASCII, an empty comment, the body."""
    top = [f"{_FIRST}{header.title}", f"{_COMMAND}{header.command}"]
    lines = [*(_ENCODING.sub("coding ", line) for line in top), *(f"# {line}" for line in header.lines)]
    lines.append(f"{_CATALOG}{header.catalog}")
    lines += [f"{_REQUEST}{header.request}"] if header.request else []
    lines += [f"{_SET}{header.set}"] if header.set else []
    return "\n".join(comment_line(line) for line in (*lines, f"{_BODY}{header.body}")) + END + body


def plain_text(text: str) -> str:
    r"""A file's text with `\n` line ends (git on Windows writes `\r\n`) and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def split_header(text: str) -> tuple[Header, str] | None:
    """The header and the body of a `plain_text`; None when it does not open with a whole header of this release's."""
    last = _LAST.search(text)
    if last is None:
        return None
    lines = text[: last.end() - len(END)].split("\n")
    if len(lines) < 4 or not all(line.startswith("#") for line in lines):
        return None
    found: dict[str, str] = {_BODY: lines.pop().removeprefix(_BODY)}
    for mark in (_SET, _REQUEST):
        found[mark] = lines.pop().removeprefix(mark) if lines[-1].startswith(mark) else ""
    marks = {0: _FIRST, 1: _COMMAND, -1: _CATALOG}
    if len(lines) < 3 or not all(lines[at].startswith(mark) for at, mark in marks.items()):
        return None
    if found[_SET] and not DIGEST.fullmatch(found[_SET]):
        return None
    title, command, catalog = (lines[at].removeprefix(mark) for at, mark in marks.items())
    header = Header(
        title=title,
        command=command,
        lines=comments(lines[2:-1]),
        catalog=catalog,
        request=found[_REQUEST],
        set=found[_SET],
        body=found[_BODY],
    )
    return header, text[last.end() :]


def comments(lines: Iterable[str]) -> tuple[str, ...]:
    """What comment lines say."""
    return tuple(line.removeprefix("#").removeprefix(" ") for line in lines)


def body_digest(body: str) -> str:
    r"""The SHA-256 of a body, read with `\n` line ends."""
    return hashlib.sha256(body.replace("\r\n", "\n").encode("utf-8")).hexdigest()


def set_digest(files: Mapping[str, tuple[Header, str]]) -> str:
    """The SHA-256 of one set: of every file its name, its body and what its header says, the request line included.

    The text counts as the headers spell it, so that the digest can be made again from the files alone.
    """
    digest = hashlib.sha256()
    for name, (header, body) in sorted(files.items()):
        text = compose("", replace(header, set="", body=body_digest(body)))
        digest.update(f"{name}\n{text}".encode())
    return digest.hexdigest()


def with_headers(
    bodies: Mapping[str, str], prose: Mapping[str, Prose], *, command: str, catalog: str, request: str
) -> dict[str, str]:
    """File name -> text, headers included, of everything that one run writes. `request` is its request line."""
    parts = {
        name: (
            Header(
                title=prose[name].title,
                command=command,
                lines=prose[name].lines,
                catalog=catalog,
                request=request,
                body=body_digest(body),
            ),
            body,
        )
        for name, body in bodies.items()
    }
    sets = {of: set_digest(members(parts, of)) for of in PackageSet}
    return {
        name: compose(body, replace(header, set=sets[of] if (of := set_of(name)) else ""))
        for name, (header, body) in parts.items()
    }


def members(parts: Mapping[str, tuple[Header, str]], package_set: PackageSet) -> dict[str, tuple[Header, str]]:
    """The files of one set."""
    return {name: part for name, part in parts.items() if set_of(name) is package_set}
