"""The command that makes the same request again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.request import Request
from envgen.core.request_record import RequestRecord
from envgen.core.sets import PackageSet
from envgen.files.commands import NOT_ASKED, request_command
from envgen.request.settings import WriteOptions
from envgen.request.values import parse_name


def remake_command(requests: Sequence[Request], writing: WriteOptions) -> str:
    """The command line that makes the same files again, from the catalog's names; the same for every spelling."""
    others = {one: NOT_ASKED for one in PackageSet if writing.only and writing.only != one}
    return request_command(record_of(requests, writing, others), mirror_words(writing))


def record_of(requests: Sequence[Request], writing: WriteOptions, sets: Mapping[PackageSet, str]) -> RequestRecord:
    """The requests and the options that say what is written, as data; `sets` as in PlatformRecord, for each platform.

    Raises: ValueFormatError for a name that can't be one of an environment.
    """
    record = RequestRecord.of(requests, writing.with_packages, {request.subdir: sets for request in requests})
    return replace(record, name=parse_name(writing.name), index_lines=writing.index_lines)


def mirror_words(writing: WriteOptions) -> tuple[str, ...]:
    """The mirrors, when the files name them: without a login, which is nobody's business in a file."""
    if not writing.write_mirror:
        return ()
    from envgen.net.sites import without_credentials

    mirrors = (("--conda-mirror", writing.conda_mirror), ("--wheel-mirror", writing.wheel_mirror))
    named = [(option, without_credentials(mirror.strip()).rstrip("/")) for option, mirror in mirrors if mirror]
    return (*(word for words in named for word in words), "--write-mirror")
