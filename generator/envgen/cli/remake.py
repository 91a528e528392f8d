"""What a header records of a run: the request, and the mirrors where the files name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envgen.core.request import Request
from envgen.records.request import RequestRecord
from envgen.request.settings import WriteOptions
from envgen.request.values import parse_name


def record_of(requests: Sequence[Request], writing: WriteOptions) -> RequestRecord:
    """The requests and the options that say what is written, as data.

    Raises: ValueFormatError for a name that can't be one of an environment.
    """
    record = RequestRecord.of(requests, writing.with_packages)
    return replace(record, name=parse_name(writing.name), index_lines=writing.index_lines)


def mirror_words(writing: WriteOptions) -> tuple[str, ...]:
    """The mirrors, when the files name them: without a login, which is nobody's business in a file."""
    if not writing.write_mirror:
        return ()
    from envgen.net.sites import without_credentials

    mirrors = (("--conda-mirror", writing.conda_mirror), ("--wheel-mirror", writing.wheel_mirror))
    named = [(option, without_credentials(mirror.strip()).rstrip("/")) for option, mirror in mirrors if mirror]
    return (*(word for words in named for word in words), "--write-mirror")
