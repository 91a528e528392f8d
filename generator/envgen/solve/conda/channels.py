"""Further channels beside those of the build: how they are written, and their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from envgen.core.errors import UsageError
from envgen.net.sites import show_without_login
from envgen.solve.conda.failures import says_no_channel
from envgen.solve.conda.source import CHANNEL_SITE, FORGE

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
# Channels end before the platform: https://host/channel/linux-64 is a folder of one.
_SUBDIR = re.compile(r"/(?:noarch|(?:linux|win|osx)-[a-z0-9_]+)$")
# What conda reads as something else than one channel of a server.
_NO_CHANNEL = {
    "defaults": "it stands for several channels of Anaconda, whose packages conda-forge has too",
    "nodefaults": "it says that Anaconda's channels are not read, and they never are",
    "local": "it is a folder of the computer",
}


# The channels of builds: when one of these is not there, it is the mirror that is wrong.
_OF_BUILDS = (FORGE, "pytorch", "nvidia")


class ChannelMissingError(UsageError):
    """A channel that was asked for is not there."""

    code = "channel-missing"

    def __init__(self, channel: str, source: str) -> None:
        hint = "" if "://" in channel else f"its page would be https://anaconda.org/{channel.partition('/')[0]}"
        super().__init__(f"there is no conda channel {channel}", fact=f"{source} has none", hint=hint)


def missing_channel(text: str, channels: Iterable[str]) -> str:
    """The further channel that an error text says is not there, or an empty string."""
    if not says_no_channel(text):
        return ""
    words = set(re.split(r"['\s]+", text.replace("/'", "'")))
    further = (channel for channel in channels if channel not in _OF_BUILDS)
    return next((one for one in further if {one, channel_url(one), one.partition("://")[2]} & words), "")


def read_channel(text: str, origin: str = "--channel") -> str:
    """Return a channel as files name it: its name on conda.anaconda.org, else its URL.

    Raises: UsageError for what is no channel, or has a login in it.
    """
    channel = _SUBDIR.sub("", text.strip().rstrip("/"))
    is_url = "://" in channel
    shown = show_without_login(text.partition("/t/")[0])
    hint = "give its name on conda.anaconda.org (bioconda), or its https URL"
    if channel in _NO_CHANNEL:
        raise UsageError(f"{shown} is not one channel (from {origin})", fact=_NO_CHANNEL[channel], hint=hint)
    if is_url and _has_login(channel):
        fact = "a file that names the channel would give the login to everybody who reads it"
        raise UsageError(f"{shown} has a login in it (from {origin})", fact=fact, hint="name the channel without it")
    if channel.startswith((f"{CHANNEL_SITE}/", "http://conda.anaconda.org/")):
        channel, is_url = urlsplit(channel).path.strip("/"), False
    usable = _is_url(channel) if is_url else _NAME.fullmatch(channel) is not None
    if not usable or ".." in channel:
        raise UsageError(f"{shown} is not a conda channel (from {origin})", hint=hint)
    return channel


def channel_url(channel: str) -> str:
    """The canonical URL of a channel that files name."""
    return channel if "://" in channel else f"{CHANNEL_SITE}/{channel}"


def further_channels(*lists: Iterable[str]) -> tuple[str, ...]:
    """The channels of several lists in one, each once; a list that names conda-forge says what goes before it.

    conda-forge itself is only named where another channel goes before it: else it is the first.
    """
    ordered = sorted(map(tuple, lists), key=lambda channels: FORGE not in channels)
    found = tuple(dict.fromkeys(channel for channels in ordered for channel in channels))
    return found[1:] if found[:1] == (FORGE,) else found


def all_channels(own: Sequence[str], further: Sequence[str]) -> tuple[str, ...]:
    """The channels of a solve, highest priority first: those of the build, and further ones around conda-forge."""
    place = further.index(FORGE) if FORGE in further else 0
    at = own.index(FORGE) if FORGE in own else len(own)
    return tuple(dict.fromkeys((*own[:at], *further[:place], *own[at:], *further[place:])))


def _has_login(url: str) -> bool:
    """True for `user:password@`, and for a token in the path as anaconda.org and others take it."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all, which is said next
        return False
    return "@" in parts.netloc or "/t/" in f"{parts.path}/"


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = re.fullmatch(r"[A-Za-z0-9._~:/%+-]+", url) is not None
    return parts.scheme in ("http", "https") and has_host and plain and bool(parts.path.strip("/"))
