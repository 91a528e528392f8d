"""What a wheel's name says about the Pythons and subdirs that it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.wheel_names import WheelName, host_platforms

_CPYTHON = re.compile(r"cp3(\d+)")
_ANY_GLIBC = "2.99"


def pythons_of(name: WheelName) -> frozenset[str]:
    """The CPythons that the file is made for (`3.12`; `3.14t` has no GIL); none when it serves any (`py3-none`)."""
    minors = [found[1] for tag in name.interpreters if (found := _CPYTHON.fullmatch(tag))]
    return frozenset(f"3.{minor}{'t' if abi.endswith('t') else ''}" for minor in minors for abi in name.abis)


def subdirs_of(name: WheelName) -> tuple[Subdir, ...]:
    """The subdirs with CUDA builds that the file is for, whatever the glibc; none for macOS and other machines."""
    own = {*name.platforms}
    return tuple(s for s in CUDA_SUBDIRS if "any" in own or not own.isdisjoint(host_platforms(s, _ANY_GLIBC)))


def python_key(python: str) -> tuple[int, bool]:
    """The sort key of `3.9`, `3.14`, `3.14t`: the minor as a number, with the GIL first."""
    return int(python.removeprefix("3.").removesuffix("t")), python.endswith("t")


def python_list(pythons: Iterable[str]) -> str:
    """The cell of a table: oldest first, once each, a space between."""
    return " ".join(sorted(set(pythons), key=python_key))


def is_plain_release(version: str) -> bool:
    """True for a final release such as 2.14.1; False for candidates, nightlies and post releases."""
    return re.fullmatch(r"[0-9]+(\.[0-9]+)+", version) is not None
