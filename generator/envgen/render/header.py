"""The comment header of generated files, with the digests that tell an edited file and a torn set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envgen.render.templates import comment_line

_RUN, _BODY = "# run sha256:", "# body sha256:"
_FIRST = "# envgen "


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
    """Return the file's text: the header as comments, an empty line, the body."""
    lines = [f"# envgen {header.title}", f"# made by: {header.command}", *(f"# {line}" for line in header.lines)]
    lines += [f"# catalog {header.catalog}", f"{_RUN}{header.run}", f"{_BODY}{header.body}"]
    return "\n".join(comment_line(line) for line in lines) + "\n\n" + body


def split(text: str) -> tuple[Header | None, str]:
    r"""Return the header and the body of a file; (None, text) when it does not open with a header of ours.

    Line ends are read as `\n` (git on Windows writes `\r\n`), and a byte order mark is skipped.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    head, blank, body = plain.partition("\n\n")
    lines = head.split("\n")
    known = len(lines) >= 5 and lines[0].startswith(_FIRST) and lines[1].startswith("# made by: ")
    if not (blank and known and all(line.startswith("#") for line in lines)):
        return None, plain
    if not (lines[-1].startswith(_BODY) and lines[-2].startswith(_RUN) and lines[-3].startswith("# catalog ")):
        return None, plain
    header = Header(
        title=lines[0].removeprefix(_FIRST),
        command=lines[1].removeprefix("# made by: "),
        lines=tuple(line[2:] for line in lines[2:-3]),
        catalog=lines[-3].removeprefix("# catalog "),
        run=lines[-2].removeprefix(_RUN),
        body=lines[-1].removeprefix(_BODY),
    )
    return header, body


def body_digest(body: str) -> str:
    r"""The SHA-256 of a body, read with `\n` line ends."""
    return hashlib.sha256(body.replace("\r\n", "\n").encode("utf-8")).hexdigest()


def run_digest(bodies: Mapping[str, str], said: Sequence[str]) -> str:
    """The SHA-256 of a whole run: every file name and body, and what the headers say. It ties the files of a set."""
    digest = hashlib.sha256()
    for name, body in sorted(bodies.items()):
        digest.update(f"{name}\n{body_digest(body)}\n".encode())
    for text in said:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def is_untouched(text: str) -> bool:
    """True when a file opens with our header and its body still has the digest that the header states."""
    header, body = split(text)
    return header is not None and header.body == body_digest(body)
