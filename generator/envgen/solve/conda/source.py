"""Where channel data is read from: the channels' own site, a mirror of it, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from envgen.core.errors import UsageError
from envgen.net.sites import Site, show_without_login

# Where a bare channel name lives (conda's default channel_alias); locks hold these URLs whatever the mirror.
CHANNEL_SITE = "https://conda.anaconda.org"


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
