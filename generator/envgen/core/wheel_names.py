"""Wheel file names: what they say about project, version and the hosts that the file fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir

# Lowest glibc of the legacy manylinux tags (PEP 513, 571, 599); `linux_*` states none and is taken as compatible,
# as pip and uv do: torch's CUDA wheels carried it up to 2.6.
_LEGACY_GLIBC = {"linux": (2, 0), "manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_MACHINE = {Subdir.LINUX_64: "x86_64", Subdir.LINUX_AARCH64: "aarch64"}
_MANYLINUX = re.compile(r"(?P<name>manylinux_(?P<major>\d+)_(?P<minor>\d+)|manylinux\d+|linux)_(?P<machine>\w+)")


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
        stem, dot, suffix = filename.rpartition(".")
        parts = stem.split("-")
        if not dot or suffix != "whl" or len(parts) not in (5, 6) or not all(parts):
            expected = "name-version-interpreter-abi-platform.whl"
            raise ValueFormatError(kind="wheel file name", value=filename, expected=expected)
        return cls(
            filename=filename,
            project=normalise_project(parts[0]),
            version=parts[1].replace("_", "-"),
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
        return self._fits_python(python) and any(fits_platform(p, subdir=subdir, glibc=glibc) for p in self.platforms)

    def _fits_python(self, python: str) -> bool:
        major, _, minor = python.partition(".")
        exact = f"cp{major}{minor}"
        pure = "none" in self.abis
        for interpreter in self.interpreters:
            if interpreter == exact and (pure or exact in self.abis or "abi3" in self.abis):
                return True
            if pure and interpreter == f"py{major}":
                return True
            # py39-none and cp39-abi3 say since which Python, not for which one alone (packaging.tags).
            since = re.fullmatch(rf"(py|cp){major}(\d+)", interpreter)
            if since and int(since[2]) <= int(minor) and (pure if since[1] == "py" else "abi3" in self.abis):
                return True
        return False


def fits_platform(tag: str, *, subdir: Subdir, glibc: str) -> bool:
    """True when a wheel's platform tag fits the subdir and, on Linux, the glibc (X.Y)."""
    if tag == "any":
        return True
    if subdir.is_windows:
        return tag == "win_amd64"
    found = _MANYLINUX.fullmatch(tag)
    if not found or found["machine"] != _MACHINE[subdir]:
        return False
    floor = (int(found["major"]), int(found["minor"])) if found["major"] else _LEGACY_GLIBC.get(found["name"])
    return floor is not None and floor <= glibc_key(glibc)


def glibc_key(glibc: str) -> tuple[int, int]:
    """Return a glibc version X.Y as numbers.

    Raises: ValueFormatError when it is not written so.
    """
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)", glibc)
    if not found:
        raise ValueFormatError(kind="glibc version", value=glibc, expected="X.Y, such as 2.28")
    return int(found[1]), int(found[2])


def file_name(url: str) -> str:
    """The file name that a URL ends in, decoded."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path.rpartition("/")[2])


def normalise_project(name: str) -> str:
    """Return a project name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()
