"""conda-SUBDIR.lock: an explicit lock (CEP 23), which conda, mamba and micromamba install without a solve."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envgen.core.locks import CondaLock, CondaPackage
from envgen.core.sets import PackageSet
from envgen.files.commands import conda_command
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat, Use
from envgen.files.templates import render

_URL = re.compile(r"https?://[A-Za-z0-9._~:/%!+,=@-]+")
_MD5 = re.compile("[0-9a-f]{32}")
_PACKAGE = re.compile(r"/(?P<name>[^/]+)-(?P<version>[^/-]+)-(?P<build>[^/-]+)\.(?:conda|tar\.bz2)#[0-9a-f]{32}")


def _write(locks: Sequence[CondaLock], beside: Beside) -> str:
    del beside
    (lock,) = locks
    for package in lock.packages:
        _check(package)
    return render("conda-explicit.lock.j2", subdir=lock.subdir.value, packages=lock.packages)


def _check(package: CondaPackage) -> None:
    """An explicit lock is lines of text: nothing in a line may start another one or another field."""
    for kind, value, form in (("URL", package.url, _URL), ("md5", package.md5, _MD5)):
        if not form.fullmatch(value):
            raise LockFormatError(origin=f"the conda lock of {package.name}", reason=f"its {kind} is {value!r}")


def _read(text: str, origin: str) -> dict[str, str]:
    """URL -> md5 of the lines of an explicit lock."""
    del origin
    lines = (line.strip() for line in text.splitlines())
    return {url: md5 for url, _, md5 in (line.partition("#") for line in lines if "://" in line and line[0] != "#")}


def packages_in(text: str) -> dict[str, tuple[str, str]]:
    """Package name -> (version, build string) of an explicit lock."""
    return {found["name"]: (found["version"], found["build"]) for found in _PACKAGE.finditer(text)}


def channel_of(text: str, name: str) -> str:
    """The channel that an explicit lock has a package from, or an empty string."""
    for url in _read(text, ""):
        path, _, file = url.rpartition("/")
        if file.startswith(f"{name}-") and name in packages_in(f"/{file}#{'0' * 32}"):
            return path.split("/")[-2]
    return ""


def _use(use: Use) -> Iterator[str]:
    yield f"use: {conda_command(use.file, use.environment)}"


EXPLICIT = FileFormat(
    set=PackageSet.CONDA, required=True, each="conda-{subdir}.lock", write=_write, read=_read, use=_use
)
