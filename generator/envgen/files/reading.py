"""Takes a file of envgen's apart, whatever release wrote it."""

from __future__ import annotations

from envgen.files.header import Header, body_digest, plain_text, split_header
from envgen.files.legacy_header import split_legacy
from envgen.records.errors import RecordError
from envgen.records.request import RequestRecord


def split(text: str) -> tuple[Header | None, str]:
    r"""Return the header and the body of a file; (None, text) when it does not open with a whole header of ours.

    Line ends are read as `\n` (git on Windows writes `\r\n`), and a byte order mark is skipped.
    """
    plain = plain_text(text)
    return split_header(plain) or split_legacy(plain) or (None, plain)


def is_untouched(text: str) -> bool:
    """True when a file opens with our header and its body still has the digest that the header states."""
    header, body = split(text)
    return header is not None and header.body == body_digest(body)


def record_of(text: str) -> RequestRecord | None:
    """The request that the header of a file states, or None."""
    header, _ = split(text)
    try:
        return header.record() if header is not None else None
    except RecordError:
        return None
