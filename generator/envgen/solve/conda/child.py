"""Solves one conda request in a process of its own: a JSON request on stdin, a JSON answer on stdout.

A process of its own because py-rattler's threads can crash an interpreter that shuts down
(PyO3/pyo3-async-runtimes#40), so this one never does: it flushes and leaves through `os._exit`. It also gives the
memory back and can be killed.
Run as `python -m envgen.solve.conda.child`; imports nothing heavy but rattler.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

from envgen.solve.conda.failures import ChannelFailure, channel_failure, refuses_shards
from envgen.solve.conda.specs import name_of

if TYPE_CHECKING:
    from rattler import Channel, Client, Gateway, RepoDataRecord, SparseRepoData
    from rattler.platform.subdir import SubdirLiteral

_PAUSE_S = 1.0


class ChildRequest(TypedDict):
    """One solve. `channels` are canonical URLs below `site`.

    `mirror` (a URL) replaces `site` for the traffic, `folder` replaces it by files; both may be empty. `authorization`
    is the header value for `mirror_host`, or empty. `limit_s` is when the process ends by itself. A request that fails
    for a passing reason is sent again `retries` times, with growing pauses. A spec whose name is in `may_lack` is left
    out when the channels have no package of that name.
    """

    subdir: str
    channels: list[str]
    specs: list[str]
    may_lack: list[str]
    virtual_packages: dict[str, str]
    site: str
    mirror: str
    mirror_host: str
    authorization: str
    folder: str
    cache_dir: str
    offline: bool
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


class ChildAnswer(TypedDict):
    """`records` when `failure` is empty; else which part failed (unsolvable, channel, spec, time) and its own text.

    `lacking` are the names that were left out.
    """

    failure: str
    text: str
    records: list[ChildRecord]
    lacking: list[str]


def main() -> None:
    """Answer the request on stdin and leave without interpreter shutdown."""
    status = 1
    try:
        request: ChildRequest = json.loads(sys.stdin.buffer.read())
        # Ends the process even when the parent was killed before it could do so.
        faulthandler.dump_traceback_later(request["limit_s"], exit=True)
        sys.stdout.buffer.write(json.dumps(answer(request)).encode("ascii"))
        sys.stdout.buffer.flush()
        status = 0
    except BaseException:  # noqa: BLE001 -- the last frame of the process: print, then leave in the one safe way
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(status)


def answer(request: ChildRequest) -> ChildAnswer:
    """Solve a request. Failures that belong to the channel, the specs or the solver are answers, not exceptions."""
    import asyncio

    from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError

    try:
        records, lacking = asyncio.run(_solve(request))
    except SolverError as error:
        return _failed("time" if "cancelled" in str(error) else "unsolvable", error)
    except InvalidMatchSpecError as error:
        return _failed("spec", error)
    except (GatewayError, BadFolderError) as error:
        return _failed("channel", error)
    return {"failure": "", "text": "", "records": [_row(record) for record in records], "lacking": lacking}


def _failed(part: str, error: Exception) -> ChildAnswer:
    return {"failure": part, "text": str(error), "records": [], "lacking": []}


class BadFolderError(Exception):
    """A mirror folder lacks a file or holds one that cannot be read."""


# The records of a solution, and the names that the channels don't have.
_Solution = tuple["list[RepoDataRecord]", list[str]]


async def _solve(request: ChildRequest) -> _Solution:
    from rattler import Channel

    channels = [Channel(url) for url in request["channels"]]
    if not request["folder"]:
        return await _solve_over_http(request, channels)
    with tempfile.TemporaryDirectory(prefix="envgen-conda-") as scratch:
        sources = [s for channel in channels for s in _folder_sources(request, channel, Path(scratch))]
        return await _solve_from(request, sources)


async def _solve_over_http(request: ChildRequest, channels: list[Channel]) -> _Solution:
    """Solve over sharded repodata if the channel has it, else repodata.json.zst, with what was fetched before in cache.

    A file that broke off, or that cannot be read, is fetched once more past the cache, which may be what is broken.
    """
    import asyncio

    from rattler import Gateway, SourceConfig
    from rattler.exceptions import GatewayError
    from rattler.networking.fetch_repo_data import CacheAction

    client = _client(request)
    action: CacheAction = "force-cache-only" if request["offline"] else "cache-or-fetch"
    sharded, may_try_again = True, request["retries"] > 0
    while True:
        config = SourceConfig(cache_action=action, sharded_enabled=sharded)
        gateway = Gateway(cache_dir=Path(request["cache_dir"]), default_config=config, client=client)
        try:
            return await _solve_from(request, channels, gateway)
        except GatewayError as error:
            if sharded and (request["offline"] or refuses_shards(str(error))):
                sharded = False
            elif request["offline"]:
                raise
            elif may_try_again and channel_failure(str(error)) is not ChannelFailure.UNREACHABLE:
                action, may_try_again = "no-cache", False
                await asyncio.sleep(_PAUSE_S)
            else:
                raise


async def _solve_from(
    request: ChildRequest, sources: Sequence[Channel | SparseRepoData], gateway: Gateway | None = None
) -> _Solution:
    import datetime

    from rattler import ChannelPriority, GenericVirtualPackage, MatchSpec, PackageName, Version, solve
    from rattler.package import BuildString

    claims = []
    for name, text in request["virtual_packages"].items():
        version, _, build = text.partition(" ")
        claims.append(GenericVirtualPackage(PackageName(name), Version(version), BuildString(build or "0")))
    lacking = await _lacking(request, sources, gateway)
    wanted = [spec for spec in request["specs"] if name_of(spec) not in lacking]
    specs = [MatchSpec(spec) for spec in wanted]
    if len(request["channels"]) > 1:
        # Only records that match a spec are read, so that a name whose versions in the first channel don't match would
        # be taken from the second (seen with 0.28.0). A name alone reads them all, and strict priority sees them.
        specs += [MatchSpec(name_of(spec)) for spec in wanted]
    records = await solve(
        list(sources),
        specs,
        gateway=gateway,
        platforms=[cast("SubdirLiteral", request["subdir"]), "noarch"],
        virtual_packages=claims,
        channel_priority=ChannelPriority.Strict,
        channel_relations="disabled",  # the channels are those asked for, whatever they say of others
        timeout=datetime.timedelta(seconds=request["limit_s"] / 2),
    )
    return records, lacking


async def _lacking(
    request: ChildRequest, sources: Sequence[Channel | SparseRepoData], gateway: Gateway | None
) -> list[str]:
    """The names of `may_lack` that none of the channels has for the subdir."""
    from rattler import PackageName, SparseRepoData

    lacking = []
    for name in request["may_lack"]:
        if gateway is None:
            found = any(s.load_records(PackageName(name)) for s in sources if isinstance(s, SparseRepoData))
        else:
            channels = [source for source in sources if not isinstance(source, SparseRepoData)]
            platforms = [cast("SubdirLiteral", request["subdir"]), "noarch"]
            # By its text: 0.28.0 doesn't take the PackageName that it says it does.
            found = any(await gateway.query(channels, platforms, [name], recursive=False))
        if not found:
            lacking.append(name)
    return lacking


def _client(request: ChildRequest) -> Client:
    """An HTTP client that retries with back-off; records keep the canonical URLs whatever the mirror."""
    from rattler import Client
    from rattler.networking.middleware import (
        AddHeadersMiddleware,
        AuthenticationMiddleware,
        MirrorMiddleware,
        RetryMiddleware,
    )

    middlewares: list[Any] = []
    if request["mirror"]:
        middlewares.append(MirrorMiddleware({request["site"]: [request["mirror"]]}))
    middlewares += [RetryMiddleware(request["retries"]), AuthenticationMiddleware()]
    if request["authorization"]:
        login = {"Authorization": request["authorization"]}
        middlewares.append(AddHeadersMiddleware(lambda host, path: login if host == request["mirror_host"] else None))
    return Client(middlewares, user_agent=request["user_agent"])


def _folder_sources(request: ChildRequest, channel: Channel, scratch: Path) -> list[SparseRepoData]:
    """The repodata of one channel in a mirror folder: of the subdir, of noarch, or both."""
    from rattler import SparseRepoData

    below = channel.base_url.removeprefix(request["site"]).strip("/")
    sources = []
    for subdir in (request["subdir"], "noarch"):
        place = Path(request["folder"], below, subdir)
        try:
            if (path := _repodata_file(place, scratch)) is not None:
                sources.append(SparseRepoData(channel, cast("SubdirLiteral", subdir), path))
        except (OSError, ValueError) as error:
            raise BadFolderError(f"cannot read the repodata in {place}\nCaused by: {error}") from error
    if not sources:
        raise BadFolderError(f"no repodata.json or repodata.json.zst of {below} in {request['folder']}")
    return sources


def _repodata_file(place: Path, scratch: Path) -> Path | None:
    """A repodata.json that can be mapped into memory, or None. A .zst is unpacked into the scratch folder."""
    if (plain := place / "repodata.json").is_file():
        return plain
    if not (packed := place / "repodata.json.zst").is_file():
        return None
    import zstandard

    unpacked = scratch / f"{len(list(scratch.iterdir()))}.json"
    try:
        with packed.open("rb") as source, unpacked.open("wb") as target:
            zstandard.ZstdDecompressor().copy_stream(source, target)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    return unpacked


def _row(record: RepoDataRecord) -> ChildRecord:
    build, name = str(record.build), record.name.normalized
    return {
        "name": name,
        "version": _written_version(record, name, build) or str(record.version),
        "build": build,
        "build_number": record.build_number,
        "channel": record.channel,
        "subdir": record.subdir,
        "filename": record.file_name,
        "url": record.url,
        "md5": record.md5.hex() if record.md5 else "",
        "sha256": record.sha256.hex() if record.sha256 else "",
        "depends": [str(spec) for spec in record.depends],
        "constrains": [str(spec) for spec in record.constrains],
    }


def _written_version(record: RepoDataRecord, name: str, build: str) -> str:
    """The version as the channel writes it (a parsed one may be written another way), or an empty string.

    It is in the file's name, where another one than the record's is a fault that the caller sees.
    """
    from rattler import Version
    from rattler.exceptions import InvalidVersionError

    stem = record.file_name.removesuffix(".conda").removesuffix(".tar.bz2")
    if not (stem.startswith(f"{name}-") and stem.endswith(f"-{build}")):
        return ""
    written = stem[len(name) + 1 : -len(build) - 1]
    try:
        return written if Version(written) == record.version else ""
    except InvalidVersionError:
        return ""


if __name__ == "__main__":
    main()
