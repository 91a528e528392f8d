"""The files of a pip lock: requirements.txt for pip and uv alike, and pylock.toml."""

from __future__ import annotations

import re

from envgen.core.locks import PipLock
from envgen.files.errors import LockFormatError
from envgen.files.pylock import environment_marker
from envgen.files.templates import render

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/\[\]%!$&'()*+,;=-]+")


def pip_bodies(lock: PipLock, *, multi: bool) -> dict[str, str]:
    """Return file name -> text without a header; with `multi` the names carry the subdir.

    Raises: LockFormatError when a value of the lock would mean something else in one of the formats.
    """
    _check(lock)
    suffix = lock.subdir.value if multi else ""
    return {
        f"requirements-{suffix}.txt" if multi else "requirements.txt": requirements_body(lock),
        f"pylock.{suffix}.toml" if multi else "pylock.toml": _pylock_body(lock),
    }


def requirements_body(lock: PipLock) -> str:
    """Return the text of requirements.txt.

    Torch's index is the only index: of two in one file pip takes the newest release, uv the first index that lists a
    name. A package locked from elsewhere gets its page there as find-links, which both tools add to the index.
    """
    main = next((p.index for p in lock.packages if p.name == "torch"), lock.packages[0].index)
    packages = sorted(lock.packages, key=lambda p: p.name)
    return render(
        "requirements.txt.j2",
        index_url=main,
        find_links=[f"{p.index.rstrip('/')}/{p.name}/" for p in packages if p.index != main],
        packages=packages,
    )


def _pylock_body(lock: PipLock) -> str:
    packages = sorted(lock.packages, key=lambda p: p.name)
    return render("pylock.toml.j2", lock=lock, packages=packages, environment=environment_marker(lock.subdir))


def _check(lock: PipLock) -> None:
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
