"""What the solving process is sent, and what it answers: JSON between two processes of one program."""

from __future__ import annotations

from typing import TypedDict


class ChildCandidate(TypedDict):
    """One build of pytorch that may be taken: its match specs, over channels (canonical URLs below `site`)."""

    channels: list[str]
    specs: list[str]
    virtual_packages: dict[str, str]


class ChildRequest(TypedDict):
    """One solve: the first of the candidates that goes with the extra packages at their newest.

    `alone` is asked for the extra packages without a candidate. `preferred` are files of an earlier lock
    (`linux-64/numpy-2.3.0-0.conda`), taken again where nothing speaks against them. `mirror` (a URL) replaces `site`
    for the traffic, `folder` replaces it by files; both may be empty. `authorization` is the header value for
    `mirror_host`, or empty. `limit_s` is when the process ends by itself. A request that fails for a passing reason is
    sent again `retries` times, with growing pauses. A spec whose name is in `may_lack` is left out when the channels
    have no package of that name; one whose name is in `optional` when a candidate has no solution with it.
    """

    subdir: str
    candidates: list[ChildCandidate]
    alone: ChildCandidate
    extras: list[str]
    optional: list[str]
    may_lack: list[str]
    preferred: list[str]
    site: str
    mirror: str
    mirror_host: str
    authorization: str
    folder: str
    cache_dir: str
    retries: int
    limit_s: float
    user_agent: str


class ChildRecord(TypedDict):
    """One package of the solution, as the channel states it; a hash may be empty."""

    name: str
    version: str
    build: str
    build_number: int
    channel: str
    subdir: str
    filename: str
    url: str
    md5: str
    sha256: str
    depends: list[str]
    constrains: list[str]


class ChildPassed(TypedDict):
    """An extra package whose newer version was not taken: why, and the option that frees it or an empty text."""

    name: str
    locked: str
    newer: str
    reason: str
    advice: str
    by: str


class ChildAnswer(TypedDict):
    """The solution, or which part failed (unsolvable, channel, spec, time) and its own text.

    `chosen` is the position of the candidate that was taken. `reasons` state for each one before it why it has no
    solution, None for one that has one without the extra packages: `held_back_by` says who needs another. `lacking` are
    the names of `may_lack` that were left out, `renamed` those that the channels spell another way, `dropped` those of
    `optional`, `passed` the extra packages that are not at their newest.
    """

    failure: str
    text: str
    chosen: int
    records: list[ChildRecord]
    reasons: list[str | None]
    held_back_by: list[str]
    passed: list[ChildPassed]
    lacking: list[str]
    renamed: dict[str, str]
    dropped: list[str]
