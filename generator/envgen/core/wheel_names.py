"""Wheel file names: what they say about project, version and the hosts that the file fits."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.platforms import MACOS, Subdir
from envgen.core.requirements import normalise_project, read_version

if TYPE_CHECKING:
    from packaging.tags import Tag

# The glibc minors (2.Y) that the legacy manylinux tags stand for (PEP 513, 571, 599).
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# A name without anything odd in it: packaging would say the same of it, at ten times the cost (it expands the tags).
_PLAIN = re.compile(
    r"[A-Za-z0-9._]+-[^-]+-(?:[0-9][^-]*-)?[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*(?:-[a-z0-9_]+(?:\.[a-z0-9_]+)*){2}\.whl"
)
# An address in which nothing is encoded: what its name is needs no parser, and PyPI's page of torch has two thousand.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~/+:-]+")
_MACHINE = {Subdir.LINUX_64: "x86_64", Subdir.LINUX_AARCH64: "aarch64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """A parsed wheel file name. `project` is normalised (PEP 503), `build` is the build tag or empty."""

    filename: str
    project: str
    version: str
    build: str
    interpreters: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    @classmethod
    def parse(cls, filename: str) -> Self:
        """Return the parts of a wheel's file name.

        Raises: ValueFormatError when it is not one.
        """
        parts = filename.removesuffix(".whl").split("-")
        plain = _PLAIN.fullmatch(filename) is not None and "__" not in parts[0]
        version = _version(parts[1]) if plain else ""
        if not version:
            version = _checked_version(filename)
        return cls(
            filename=filename,
            project=normalise_project(parts[0]),
            version=version,
            build=parts[2] if len(parts) == 6 else "",
            interpreters=tuple(parts[-3].split(".")),
            abis=tuple(parts[-2].split(".")),
            platforms=tuple(parts[-1].split(".")),
        )

    @property
    def release(self) -> str:
        """The version without its local part: 2.14.1 of 2.14.1+cu126."""
        return self.version.partition("+")[0]

    @property
    def local(self) -> str:
        """The local part of the version: cu126 of 2.14.1+cu126, or empty."""
        return self.version.partition("+")[2]

    def fits(self, *, python: str, subdir: Subdir, glibc: str) -> bool:
        """True when CPython `python` (X.Y, with the GIL) on such a host can install the file.

        `glibc` (X.Y) is read on Linux only.
        """
        from packaging.tags import parse_tag

        own = parse_tag("-".join((".".join(self.interpreters), ".".join(self.abis), ".".join(self.platforms))))
        return not own.isdisjoint(host_tags(python, subdir, glibc if subdir.is_linux else ""))


@functools.lru_cache(maxsize=4096)
def _version(text: str) -> str:
    """A version in its normal form, or an empty string; the files of a release share one."""
    return str(read_version(text) or "")


def _checked_version(filename: str) -> str:
    """The version in a name as packaging reads it, which knows every rule, or raise ValueFormatError."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        return str(parse_wheel_filename(filename)[1])
    except InvalidWheelFilename as error:
        expected = "name-version-interpreter-abi-platform.whl"
        raise ValueFormatError(kind="wheel file name", value=filename, expected=expected) from error


@functools.cache
def host_tags(python: str, subdir: Subdir, glibc: str) -> dict[Tag, int]:
    """Tag -> rank, best first as pip and uv rank them, of what CPython `python` (X.Y, with the GIL) on a host installs.

    `glibc` (X.Y) is read on Linux only.
    """
    from packaging.tags import compatible_tags, cpython_tags

    major, _, minor = python.partition(".")
    version, abi = (int(major), int(minor)), f"cp{major}{minor}"
    platforms = list(host_platforms(subdir, glibc))
    ranks: dict[Tag, int] = {}
    for tag in (*cpython_tags(version, abis=[abi], platforms=platforms), *compatible_tags(version, abi, platforms)):
        ranks.setdefault(tag, len(ranks))
    return ranks


def host_platforms(subdir: Subdir, glibc: str) -> Iterator[str]:
    """The platform tags of a host, best first; `linux_*` states no glibc, and torch's CUDA wheels had it up to 2.6."""
    if subdir.is_windows:
        yield "win_amd64"
        return
    if subdir.is_macos:
        from packaging.tags import mac_platforms

        yield from mac_platforms(glibc_key(MACOS), "arm64")
        return
    machine = _MACHINE[subdir]
    for minor in range(glibc_key(glibc)[1], 4, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{machine}"
    yield f"linux_{machine}"


def glibc_key(glibc: str) -> tuple[int, int]:
    """Return a glibc version X.Y as numbers, or that of a macOS.

    Raises: ValueFormatError when it is not written so.
    """
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)", glibc)
    if not found:
        raise ValueFormatError(kind="glibc version", value=glibc, expected="X.Y, such as 2.28")
    return int(found[1]), int(found[2])


def project_and_version(filename: str) -> tuple[str, str] | None:
    """What the name of a wheel or of a source distribution says; None for any other name."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    with suppress(ValueFormatError):
        wheel = WheelName.parse(filename)
        return wheel.project, wheel.version
    try:
        project, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, ValueError):
        return None
    return project, str(version)


def file_name(url: str) -> str:
    """The file name that a URL ends in, decoded."""
    if _PLAIN_URL.fullmatch(url):
        return url.rpartition("/")[2] if url.count("/") > 2 else ""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path.rpartition("/")[2])
