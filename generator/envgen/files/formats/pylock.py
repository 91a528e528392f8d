"""pylock.toml (PEP 751): the pip lock in the standard format, and where its pins are read from again."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.requirements import normalise_project
from envgen.core.sets import PackageSet
from envgen.core.toml_text import parse_toml
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat
from envgen.files.templates import render
from envgen.records.document import to_document

# PEP 508 markers; platform_machine is what the interpreter reports.
_ENVIRONMENT = {
    Subdir.LINUX_64: "sys_platform == 'linux' and platform_machine == 'x86_64'",
    Subdir.LINUX_AARCH64: "sys_platform == 'linux' and platform_machine == 'aarch64'",
    Subdir.WIN_64: "sys_platform == 'win32' and platform_machine == 'AMD64'",
    Subdir.OSX_ARM64: "sys_platform == 'darwin' and platform_machine == 'arm64'",
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/\[\]%!$&'()*+,;=-]+")
_PYTHON, _GLIBC = re.compile(r"3\.[0-9]{1,2}"), re.compile(r"(?:2\.[0-9]{1,3})?")


def environment_marker(subdir: Subdir) -> str:
    """The marker of the one environment that a lock for a subdir is for (`environments` of PEP 751)."""
    return _ENVIRONMENT[subdir]


def _write(locks: Sequence[PipLock], beside: Beside) -> str:
    """The text of pylock.toml, with the request as a table while it has one (a shipped lock has none)."""
    (lock,) = locks
    check_values(lock)
    return render(
        "pylock.toml.j2",
        lock=lock,
        packages=sorted(lock.packages, key=lambda p: p.name),
        environment=environment_marker(lock.subdir),
        request=to_document(beside.request) if beside.request is not None else {},
    )


@lru_cache(maxsize=4)
def pylock_document(text: str) -> Mapping[str, Any]:
    """What a pylock.toml holds, to be read only: verify asks for it in several ways.

    Raises: tomllib.TOMLDecodeError.
    """
    return parse_toml(text)


def check_values(lock: PipLock) -> None:
    """Check what a lock is written from.

    Raises: LockFormatError when a value would mean something else in one of the formats.
    """
    for package in lock.packages:
        for kind, value, form in (
            ("name", package.name, _NAME),
            ("version", package.version, _VERSION),
            ("sha256", package.sha256, _SHA256),
            ("index", package.index, _URL),
            ("url", package.url, _URL),
        ):
            if not form.fullmatch(value):
                reason = f"the {kind} of {package.name!r} is {value!r}"
                raise LockFormatError(origin=f"the pip lock for {lock.subdir.value}", reason=reason)


def _read(text: str, origin: str) -> PipLock:
    """Return the lock that a pylock.toml of envgen's holds; the same lock that it was written from.

    A byte order mark, which an editor may have put in front, is skipped: the next run writes the file without it.

    Raises: LockFormatError when it is not TOML, not version 1, or not one that envgen wrote.
    """
    try:
        document = pylock_document(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise LockFormatError(origin=origin, reason=f"not TOML: {error}") from error
    if not str(document.get("lock-version", "")).startswith("1."):
        raise LockFormatError(origin=origin, reason='it has no lock-version "1.x" (PEP 751)')
    try:
        tool = document["tool"]["envgen"]
        packages = tuple(_read_package(entry) for entry in document["packages"])
        lock = PipLock(
            subdir=Subdir(tool["subdir"]),
            python=_written(tool["python"], _PYTHON),
            glibc=_written(tool["glibc"], _GLIBC),
            packages=packages,
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = f"missing {error}" if isinstance(error, KeyError) else str(error)
        raise LockFormatError(origin=origin, reason=reason) from error
    if not lock.packages:
        raise LockFormatError(origin=origin, reason="it holds no package")
    return lock


def _read_package(entry: Mapping[str, Any]) -> PipPackage:
    if "sdist" in entry and "wheels" in entry:
        raise ValueError(f"{entry['name']} has both a wheel and a source distribution")
    (wheel,) = [entry["sdist"]] if "sdist" in entry else entry["wheels"]
    if _text(wheel["url"]).endswith(".whl") is ("sdist" in entry):
        raise ValueError(f"the file of {entry['name']} is not of the kind that it is said to be")
    sha256 = _text(wheel["hashes"]["sha256"])
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"the sha256 of {entry['name']} is not 64 hex digits")
    name = _text(entry["name"])
    if normalise_project(name) != name:
        raise ValueError(f"the name {name} is not normalised (PEP 503)")
    for url in (entry["index"], wheel["url"]):
        urlsplit(_text(url))  # raises for what no tool could follow
    size = wheel.get("size")
    return PipPackage(
        name=name,
        version=_text(entry["version"]),
        index=_text(entry["index"]),
        url=_text(wheel["url"]),
        sha256=sha256,
        size=size if isinstance(size, int) else None,
        reason=_text(entry.get("tool", {}).get("envgen", {}).get("reason", "")),
        dependencies=tuple(_text(dependency["name"]) for dependency in entry.get("dependencies", ())),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _written(value: object, form: re.Pattern[str]) -> str:
    text = _text(value)
    if not form.fullmatch(text):
        raise ValueError(f"{text!r} is not written as X.Y")
    return text


PYLOCK = FileFormat(
    set=PackageSet.PIP, required=True, one="pylock.toml", each="pylock.{subdir}.toml", write=_write, read=_read
)
