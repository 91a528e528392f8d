"""What py-rattler's error texts mean: it has one exception for everything that can go wrong with a channel.

Pure text work, shared by the solving process (which may try again) and its parent (which tells the user).
The phrases were seen with py-rattler 0.28.0 against a server that failed in each of these ways.
"""

from __future__ import annotations

import re
from enum import StrEnum

from envgen.core.escape import printable
from envgen.core.patterns import Pattern

_URL = Pattern(r"(?:https?|file)://[^\s'\"()]+")
_STATUS = Pattern(r"HTTP status (?:client|server) error \((\d{3})")
# A connection that broke while a body was being read leaves wrong bytes; one that broke before leaves nothing.
_NO_ANSWER = Pattern(
    r"error sending request|Request failed after \d+ retries|operation timed out|connection closed before message"
    r"|no usable repodata cache|is not in the cache|too many redirects"
)
_TRUNCATED = Pattern(r"end of file before message length reached|error reading a body|error decoding response body")
# hyper's words for what is no HTTP; it wraps them in "error sending request", as it does where nobody is.
_NO_HTTP = Pattern(
    r"invalid HTTP|invalid content-length|message head is too large|transfer-encoding parsed|nvalid chunk size"
)
_REFUSALS = frozenset({"401", "403", "407", "408", "425", "429"})
# Lines of the solver's tree that state a reason; the others only lead there.
_REASON = Pattern(r"no candidates|conflict|excluded|cannot be installed because|constrain|not using this option")
_TREE_LINES = 14
_LINE_LENGTH = 200


class ChannelFailure(StrEnum):
    """How a channel failed: it did not answer (or refused), the answer broke off, or it is not what it should be."""

    UNREACHABLE = "unreachable"
    TRUNCATED = "truncated"
    BAD_DATA = "bad-data"


def channel_failure(text: str) -> ChannelFailure:
    """Return which kind of failure py-rattler's GatewayError tells of. What is not understood is bad data."""
    status = _STATUS.search(text)
    if status:
        refused = status[1] in _REFUSALS or status[1].startswith("5")
        return ChannelFailure.UNREACHABLE if refused else ChannelFailure.BAD_DATA
    if _NO_HTTP.search(text):
        return ChannelFailure.BAD_DATA
    if _TRUNCATED.search(text):
        return ChannelFailure.TRUNCATED
    return ChannelFailure.UNREACHABLE if _NO_ANSWER.search(text) else ChannelFailure.BAD_DATA


def refuses_shards(text: str) -> bool:
    """True when a server refuses the sharded repodata's index: some mirrors say 403 for a file that they don't have."""
    return "repodata_shards" in text and bool(re.search(r"\((?:401|403)\b", text))


def failing_url(text: str) -> str:
    """The last URL that an error text names, or an empty string."""
    found = _URL.findall(text)
    return found[-1].rstrip(".,:") if found else ""


def reason_of(text: str) -> str:
    """The innermost cause that an error text states, on one line and without URLs (they are told apart)."""
    lines = [line.removeprefix("Caused by:").strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no reason was given"
    inner = _URL.sub("", lines[-1]).replace(" for url ()", "").replace("''", "it").strip(" :")
    return printable(inner or lines[-1])


def solver_tree(text: str) -> tuple[str, ...]:
    """The solver's explanation, trimmed to the lines that state a reason and those that lead to them."""
    body = text.removeprefix("Cannot solve the request because of:").strip()
    lines = [line.rstrip() for line in body.splitlines() if line.strip(" │\n")]
    kept = lines if len(lines) <= _TREE_LINES else _reasons_with_ancestors(lines)
    shown = [_cut(line) for line in kept]
    left = len(lines) - len(kept)
    return (*shown, f"… and {left} more lines") if left else tuple(shown)


def _reasons_with_ancestors(lines: list[str]) -> list[str]:
    keep: set[int] = set()
    for at, line in enumerate(lines):
        if not _REASON.search(line):
            continue
        chain, depth = {at}, _depth(line)
        for above in range(at - 1, -1, -1):
            if _depth(lines[above]) < depth:
                chain.add(above)
                depth = _depth(lines[above])
        if len(keep | chain) > _TREE_LINES:
            break
        keep |= chain
    return [lines[at] for at in sorted(keep)] or lines[:_TREE_LINES]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" │├└─"))


def _cut(line: str) -> str:
    line = printable(line)  # it quotes what a channel says
    return line if len(line) <= _LINE_LENGTH else line[: _LINE_LENGTH - 1] + "…"


def says_no_channel(text: str) -> bool:
    """Whether py-rattler says of a server, or the solving process of a folder, that it has no such channel."""
    absent = r"could not find subdir '[^']*' in channel|no repodata\.json or repodata\.json\.zst of "
    return re.search(absent, text) is not None
