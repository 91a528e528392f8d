"""Where channel data is read from: the channels' own site, a mirror of it, or a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.core.locks import CondaLock
from envgen.net.sites import Site, show_without_login, without_credentials

# Where a bare channel name lives (conda's default channel_alias); locks hold these URLs whatever the mirror.
CHANNEL_SITE = "https://conda.anaconda.org"
# The channel that torch and nearly everything else comes from.
FORGE = "conda-forge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSource:
    """Where the traffic goes: a mirror URL, a folder laid out as `<channel>/<subdir>/repodata.json`, or neither."""

    mirror: Site | None = None
    folder: Path | None = None

    @classmethod
    def parse(cls, mirror: str) -> ChannelSource:
        """Return the source of a `--conda-mirror` value; empty means the channels' own site.

        Raises: UsageError when it is neither an http(s) URL nor a folder that exists.
        """
        if not mirror:
            return cls()
        if "://" in mirror and not mirror.startswith("file://"):
            return cls(mirror=Site.parse(mirror))
        from urllib.request import url2pathname

        folder = Path(url2pathname(urlsplit(mirror).path) if mirror.startswith("file://") else mirror)
        if not folder.is_dir():
            hint = "give an http(s) URL, or a folder that holds <channel>/<subdir>/repodata.json"
            raise UsageError(f"no folder {show_without_login(mirror)} to read conda channels from", hint=hint)
        return cls(folder=folder.resolve())

    @property
    def authorization(self) -> str:
        """The Authorization header of a mirror's login, or an empty string."""
        if self.mirror is None or not self.mirror.user:
            return ""
        import base64

        return "Basic " + base64.b64encode(f"{self.mirror.user}:{self.mirror.password}".encode()).decode("ascii")

    @property
    def shown(self) -> str:
        """Its URL or folder, without credentials."""
        if self.folder is not None:
            return str(self.folder)
        return self.mirror.url if self.mirror else CHANNEL_SITE


def mirror_site(mirror: str) -> str:
    """The URL that files name for a mirror: without a login, and without a slash at its end."""
    return without_credentials(mirror.strip()).rstrip("/")


def mirrored(lock: CondaLock, mirror: str) -> CondaLock:
    """The lock with a mirror's URLs instead of the canonical ones, without a login; unchanged when there is no mirror.

    Raises: UsageError when the mirror is a folder: its path would mean nothing on another computer.
    """
    if not mirror:
        return lock
    site = mirror_site(mirror)
    if not site.startswith(("http://", "https://")):
        hint = "serve the folder over HTTP, or leave --write-mirror out"
        raise UsageError(f"--write-mirror cannot write the folder {quoted(mirror)} into files", hint=hint)

    def at_site(channel: str) -> str:
        return channel if "://" in channel else f"{site}/{channel}"

    packages = tuple(
        replace(package, url=package.url.replace(CHANNEL_SITE, site, 1), channel=at_site(package.channel))
        for package in lock.packages
    )
    return replace(lock, channels=tuple(map(at_site, lock.channels)), packages=packages)
