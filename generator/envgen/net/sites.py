"""Addresses of indexes and mirrors, with their credentials apart, so that those stay out of every text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The base URL of an index, clean, with its credentials apart (never shown, never compared)."""

    url: str
    user: str = field(default="", repr=False, compare=False)
    password: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the site of a URL that may carry `user:password@`.

        Raises: UsageError when it is not an http or https URL.
        """
        try:
            parts = urlsplit(url.strip())
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(
                f"{show_without_login(url)} is not an http or https URL",
                hint="give the index's URL; encode / and @ in a login",
            )
        return cls(
            url=without_credentials(urlunsplit(parts._replace(query="", fragment=""))).rstrip("/"),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def below(self, *parts: str) -> Self:
        """The site of a path under this one, with the same credentials."""
        return type(self)(url="/".join((self.url, *parts)), user=self.user, password=self.password)


def without_credentials(url: str) -> str:
    """Return the URL without `user:password@`."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}" if mark else url


def show_without_login(text: str) -> str:
    """Return a text that should have been an address, quoted for a message.

    Whatever stands before the last @ may be a password that was not percent-encoded, or one behind no scheme.
    """
    _, at, rest = text.rpartition("@")
    return quoted(f"...@{rest}" if at else text)


def check_wheel_mirror(mirror: str) -> Path | None:
    """Return the folder that a `--wheel-mirror` value names, or None for a URL.

    Raises: UsageError when it is neither a folder that exists nor an http(s) URL.
    """
    if mirror.startswith(("http://", "https://")):
        Site.parse(mirror)
        return None
    if "://" in mirror or not Path(mirror).is_dir():
        hint = "give an http(s) URL, or a folder that holds <CUDA tag>/*.whl"
        raise UsageError(f"{show_without_login(mirror)} is neither a URL nor a folder", hint=hint)
    return Path(mirror)


@contextmanager
def wheel_site(mirror: str) -> Iterator[str]:
    """The URL of a mirror of PyTorch's indexes; a folder is served as long as the context lasts.

    The wheels of an index are in `<folder>/<CUDA tag>/`, in folders below it, or in the folder itself.

    Raises: as `check_wheel_mirror`.
    """
    folder = check_wheel_mirror(mirror) if mirror else None
    if folder is None:
        yield mirror
        return
    from envgen.net.wheel_folder import served  # it loads a server: few mirrors are folders

    with served(folder) as url:
        yield url
