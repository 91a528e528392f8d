"""What the solving process reads of channels: over HTTP with a cache, or from a mirror folder. Imports rattler late."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from envgen.core.dataclass import dataclass
from envgen.solve.conda.failures import ChannelFailure, channel_failure, refuses_shards
from envgen.solve.conda.specs import name_of, split_channel

if TYPE_CHECKING:
    from rattler import Channel, Client, Gateway, GenericVirtualPackage, RepoDataRecord, SparseRepoData
    from rattler.networking.fetch_repo_data import CacheAction
    from rattler.platform.subdir import SubdirLiteral

    from envgen.solve.conda.messages import ChildCandidate, ChildRequest


class BadFolderError(Exception):
    """A mirror folder lacks a file or holds one that cannot be read."""


@dataclass(slots=True)
class ChannelData:
    """The channels of one request, opened once and read by all of its solves."""

    request: ChildRequest
    gateway: Gateway | None
    scratch: Path
    _opened: dict[str, Sequence[Channel | SparseRepoData]] = field(default_factory=dict)
    _preferred: dict[tuple[str, ...], list[RepoDataRecord]] = field(default_factory=dict)

    async def solve(self, candidate: ChildCandidate, specs: Sequence[str]) -> list[RepoDataRecord]:
        """The solution of match specs over a candidate's channels. Raises: rattler's errors."""
        from rattler import ChannelPriority, MatchSpec, solve

        asked = [MatchSpec(spec) for spec in specs]
        if len(candidate["channels"]) > 1:
            # Only records that match a spec are read, so that a name whose versions in the first channel don't match
            # would be taken from the second (seen with 0.28.0). A name alone reads all: strict priority sees them.
            asked += [MatchSpec(name_of(spec)) for spec in specs if not split_channel(spec)[0]]
        return await solve(
            self._sources(candidate["channels"]),
            asked,
            gateway=self.gateway,
            platforms=self._platforms(),
            locked_packages=await self.preferred(candidate["channels"]),
            virtual_packages=_claims(candidate["virtual_packages"]),
            channel_priority=ChannelPriority.Strict,
            channel_relations="disabled",  # the channels are those asked for, whatever they say of others
            timeout=datetime.timedelta(seconds=self.request["limit_s"] / 2),
        )

    async def records(self, name: str, channels: Sequence[str]) -> list[RepoDataRecord]:
        """The records of a package in the first of the channels that has it for the subdir; none in an unknown one."""
        for url in channels:
            sources = self._sources([url])
            if found := await self._records([name], sources):
                return found
        return []

    async def preferred(self, channels: Sequence[str]) -> list[RepoDataRecord]:
        """The records of the request's preferred files, each in the first of the channels that has the package."""
        key = tuple(channels)
        if key not in self._preferred:
            files = frozenset(self.request["preferred"])
            left = {file.partition("/")[2].rsplit("-", 2)[0] for file in files}
            found = []
            for url in channels if left else ():
                records = await self._records(sorted(left), self._sources([url]))
                found += [record for record in records if f"{record.subdir}/{record.file_name}" in files]
                left -= {record.name.normalized for record in records}
            self._preferred[key] = found
        return self._preferred[key]

    async def _records(self, names: Sequence[str], sources: Sequence[Channel | SparseRepoData]) -> list[RepoDataRecord]:
        from rattler import Channel, PackageName, SparseRepoData

        data = [source for source in sources if isinstance(source, SparseRepoData)]
        found = [record for one in data for name in names for record in one.load_records(PackageName(name))]
        channels = [source for source in sources if isinstance(source, Channel)]
        if self.gateway is not None and channels:
            # By its text: 0.28.0 doesn't take the PackageName that it says it does.
            answers = await self.gateway.query(channels, self._platforms(), [*names], recursive=False)
            found += [record for records in answers for record in records]
        return found

    def _platforms(self) -> list[SubdirLiteral]:
        return [cast("SubdirLiteral", self.request["subdir"]), "noarch"]

    def _sources(self, channels: Sequence[str]) -> list[Channel | SparseRepoData]:
        from rattler import Channel

        for url in channels:
            if url not in self._opened:
                channel = Channel(url)
                folder = bool(self.request["folder"])
                self._opened[url] = _folder_sources(self.request, channel, self.scratch) if folder else (channel,)
        return [source for url in channels for source in self._opened[url]]


@contextmanager
def opened(request: ChildRequest, gateway: Gateway | None = None) -> Iterator[ChannelData]:
    """The data of a request's channels, with a folder for what has to be unpacked."""
    with tempfile.TemporaryDirectory(prefix="envgen-conda-") as scratch:
        yield ChannelData(request, gateway, Path(scratch))


@dataclass(slots=True)
class Access:
    """How a channel is read over HTTP; after a failure in another way, as long as there is one.

    Sharded repodata if the channel has it, else repodata.json.zst, with what was fetched before in the cache. A file
    that broke off, or that cannot be read, is fetched once more past the cache, which may be what is broken.
    """

    request: ChildRequest
    action: CacheAction = "cache-or-fetch"
    sharded: bool = True
    may_try_again: bool = True

    @classmethod
    def of(cls, request: ChildRequest) -> Access:
        """The first way of a request."""
        return cls(request, may_try_again=request["retries"] > 0)

    def gateway(self) -> Gateway:
        """A reader that goes this way."""
        from rattler import Gateway, SourceConfig

        config = SourceConfig(cache_action=self.action, sharded_enabled=self.sharded)
        return Gateway(cache_dir=Path(self.request["cache_dir"]), default_config=config, client=_client(self.request))

    def after(self, failure: str) -> float | None:
        """Change to the next way after a failure, and return the seconds to wait; None when there is no other one."""
        if self.sharded and refuses_shards(failure):
            self.sharded = False
            return 0.0
        if not self.may_try_again or channel_failure(failure) is ChannelFailure.UNREACHABLE:
            return None
        self.action, self.may_try_again = "no-cache", False
        return 1.0


def _claims(virtual_packages: Mapping[str, str]) -> list[GenericVirtualPackage]:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    claims = []
    for name, text in virtual_packages.items():
        version, _, build = text.partition(" ")
        claims.append(GenericVirtualPackage(PackageName(name), Version(version), BuildString(build or "0")))
    return claims


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

    # A channel of another server is below the name of that server.
    own = channel.base_url.startswith(request["site"])
    below = (channel.base_url.removeprefix(request["site"]) if own else channel.base_url.partition("://")[2]).strip("/")
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


def written_version(record: RepoDataRecord) -> str:
    """The version as the channel writes it: a parsed one may be written another way.

    It is in the file's name, where another one than the record's is a fault that the caller sees.
    """
    from rattler import Version
    from rattler.exceptions import InvalidVersionError

    head, tail = f"{record.name.normalized}-", f"-{record.build}"
    stem = record.file_name.removesuffix(".conda").removesuffix(".tar.bz2")
    written = stem[len(head) : -len(tail)] if stem.startswith(head) and stem.endswith(tail) else ""
    try:
        return written if written and Version(written) == record.version else str(record.version)
    except InvalidVersionError:
        return str(record.version)
