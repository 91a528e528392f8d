"""What a channel or mirror says of a package, judged before it is written into a lock."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

from envgen.core.errors import quoted
from envgen.core.locks import CondaPackage
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.net.errors import SourceDataError
from envgen.solve.conda.messages import ChildRecord
from envgen.solve.conda.source import CHANNEL_SITE, ChannelSource

# Names, versions and build strings of conda packages (CEP 26).
_PARTS = {
    "name": re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?"),
    "version": re.compile(r"[0-9A-Za-z_.!+]+"),
    "build": re.compile(r"[0-9A-Za-z_.+]+"),
}
_DIGESTS = {"md5": re.compile("[0-9a-f]{32}"), "sha256": re.compile("[0-9a-f]{64}")}
_SPEC = re.compile(r"[ -~]+")


def locked_package(
    record: ChildRecord, *, subdir: Subdir, channels: Collection[str], source: ChannelSource
) -> CondaPackage:
    """Return the package of a record for a solve of `subdir` over `channels` (their URLs), by its canonical URL.

    A mirror's repodata may name the mirror as the place of its files (base_url, CEP 15); the channel's own may not.

    Raises: SourceDataError.
    """
    channel = record["channel"].rstrip("/")
    canonical = f"{channel}/{record['subdir']}/{record['filename']}"
    reason = _fault(record, subdir, channel, channels)
    if not reason and source.mirror is None and source.folder is None and unquote(record["url"]) != canonical:
        reason = f"it says that {quoted(record['filename'])} is at {quoted(record['url'])}"
    if reason:
        raise SourceDataError(package_set=PackageSet.CONDA, url=source.shown, reason=reason)
    return CondaPackage(
        name=record["name"],
        version=record["version"],
        build=record["build"],
        build_number=record["build_number"],
        channel=channel.removeprefix(CHANNEL_SITE).strip("/"),
        subdir=record["subdir"],
        url=canonical,
        md5=record["md5"],
        sha256=record["sha256"],
        depends=tuple(record["depends"]),
        constrains=tuple(record["constrains"]),
    )


def _fault(record: ChildRecord, subdir: Subdir, channel: str, channels: Collection[str]) -> str:
    filename = record["filename"]
    parts = {"name": record["name"], "version": record["version"], "build": record["build"]}
    for part, text in parts.items():
        if not _PARTS[part].fullmatch(text):
            return f"{quoted(text)} is no {part} of a conda package"
    if filename not in {f"{'-'.join(parts.values())}{end}" for end in (".conda", ".tar.bz2")}:
        return f"{quoted(filename)} is not the file of {' '.join(parts.values())}"
    if record["subdir"] not in (subdir.value, "noarch"):
        return f"{filename} is of {quoted(record['subdir'])}, not of {subdir} or noarch"
    if channel not in {one.rstrip("/") for one in channels}:
        return f"{filename} is of the channel {quoted(channel)}, which was not asked"
    strange = [spec for spec in (*record["depends"], *record["constrains"]) if not _SPEC.fullmatch(spec)]
    return f"{filename} depends on {quoted(strange[0])}" if strange else _digest_fault(record)


def _digest_fault(record: ChildRecord) -> str:
    filename = record["filename"]
    for kind, digest in (("md5", record["md5"]), ("sha256", record["sha256"])):
        if not digest:
            return f"the channel states no {kind} for {filename}"
        if not _DIGESTS[kind].fullmatch(digest):
            return f"the {kind} of {filename} is {quoted(digest)}"
    return ""
