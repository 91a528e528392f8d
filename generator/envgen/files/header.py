"""The comment header of generated files, with the digests that tell an edited file and a torn set."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envgen.files.quoting import comment_line

_FIRST, _COMMAND, _CATALOG = "# envgen ", "# made by: ", "# catalog "
_RUN, _BODY = "# run sha256:", "# body sha256:"
# An empty comment ends the header: py-rattler 0.28 refuses an explicit lock with an empty line in front of @EXPLICIT.
_END = "\n#\n"
_LAST = re.compile(f"\n{_BODY}[0-9a-f]{{64}}{_END}")
_DIGEST = re.compile("[0-9a-f]{64}")
# PEP 263: in the first two lines of a Python file (and for pip of a requirements file) this declares an encoding.
_ENCODING = re.compile("coding(?=[:=])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a generated file says about itself.

    `title` names the tool's version, the file and whom it is for; `command` remakes it; `lines` are facts for a reader;
    `run` is the digest of the run that wrote the set, `body` that of the text below the header (64 hex digits each).
    """

    title: str
    command: str
    lines: tuple[str, ...]
    catalog: str
    run: str
    body: str


def compose(body: str, header: Header) -> str:
    """Return the file's text: the header as comments in ASCII, an empty comment, the body."""
    top = [f"{_FIRST}{header.title}", f"{_COMMAND}{header.command}"]
    lines = [*(_ENCODING.sub("coding ", line) for line in top), *(f"# {line}" for line in header.lines)]
    lines += [f"{_CATALOG}{header.catalog}", f"{_RUN}{header.run}", f"{_BODY}{header.body}"]
    return "\n".join(comment_line(line) for line in lines) + _END + body


def split(text: str) -> tuple[Header | None, str]:
    r"""Return the header and the body of a file; (None, text) when it does not open with a whole header of ours.

    Line ends are read as `\n` (git on Windows writes `\r\n`), and a byte order mark is skipped.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    last = _LAST.search(plain)
    if last is None:
        return None, plain
    body, lines = plain[last.end() :], plain[: last.end() - len(_END)].split("\n")
    if len(lines) < 5 or not all(line.startswith("#") for line in lines):
        return None, plain
    marks = {0: _FIRST, 1: _COMMAND, -3: _CATALOG, -2: _RUN, -1: _BODY}
    if not all(lines[at].startswith(mark) for at, mark in marks.items()):
        return None, plain
    title, command, catalog, run, digest = (lines[at].removeprefix(mark) for at, mark in marks.items())
    if not _DIGEST.fullmatch(run):
        return None, plain
    said = tuple(line.removeprefix("#").removeprefix(" ") for line in lines[2:-3])
    return Header(title=title, command=command, lines=said, catalog=catalog, run=run, body=digest), body


def body_digest(body: str) -> str:
    r"""The SHA-256 of a body, read with `\n` line ends."""
    return hashlib.sha256(body.replace("\r\n", "\n").encode("utf-8")).hexdigest()


def run_digest(bodies: Mapping[str, str], said: Sequence[str]) -> str:
    """The SHA-256 of a whole run: every file name and body, and what the headers say. It ties the files of a set.

    What is said counts as the headers spell it, so that the digest can be made again from the files alone.
    """
    digest = hashlib.sha256()
    for name, body in sorted(bodies.items()):
        digest.update(f"{name}\n{body_digest(body)}\n".encode())
    for text in said:
        digest.update(f"{comment_line(_ENCODING.sub('coding ', text))}\n".encode())
    return digest.hexdigest()


def is_untouched(text: str) -> bool:
    """True when a file opens with our header and its body still has the digest that the header states."""
    header, body = split(text)
    return header is not None and header.body == body_digest(body)
