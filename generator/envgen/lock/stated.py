"""What the command in a header asks for beside torch: pins are kept only while the same is asked for.

Which packages came along for a wish can't be told from a lock, so the wish itself is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VALUED = frozenset({"--with", "--conda-mirror", "--wheel-mirror"})
_FLAGS = frozenset({"--no-vision", "--audio", "--write-mirror"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one side of a command asks for: companions and further packages, in the spelling of its world.

    `mirror` is the one whose URLs the files hold, empty when they hold the canonical ones.
    """

    vision: bool
    audio: bool
    packages: tuple[str, ...]
    mirror: str


def pip_wish(command: str) -> Wish:
    """What a command asks of pip, in any order of its packages."""
    words = _words(command)
    return _wish(words, tuple(sorted(_packages(words.get("--with", []), "pip"))), "--wheel-mirror")


def conda_wish(command: str) -> Wish:
    """What a command asks of conda, in the order in which environment.yml lists it."""
    words = _words(command)
    return _wish(words, _packages(words.get("--with", []), "conda"), "--conda-mirror")


def _wish(words: Mapping[str, list[str]], packages: tuple[str, ...], mirror: str) -> Wish:
    mirrors = words.get(mirror, []) if "--write-mirror" in words else []
    return Wish(
        vision="--no-vision" not in words, audio="--audio" in words, packages=packages, mirror="".join(mirrors[-1:])
    )


def _packages(texts: list[str], side: str) -> tuple[str, ...]:
    """The packages of one side; as they are written when one of them is no requirement as a header spells it."""
    if not texts:  # most requests: nothing that reads requirements is loaded for them
        return ()
    from envgen.core.errors import UsageError
    from envgen.solve.extras import read_extras

    try:
        found = read_extras(texts)
    except UsageError:
        return tuple(texts)
    return found.pip if side == "pip" else found.conda


def _words(command: str) -> dict[str, list[str]]:
    """Option -> the values it was given, of the options that matter here; what nobody can read is a wish of its own.

    Headers spell some characters otherwise, and the command of this run is read as if it came out of one.
    """
    import shlex

    from envgen.files.quoting import comment_line

    try:
        words = iter(shlex.split(comment_line(command)))
    except ValueError:
        return {"--with": [command]}
    found: dict[str, list[str]] = {}
    for option, value in _read(words):
        found.setdefault(option, []).extend(value)
    return found


def _read(words: Iterator[str]) -> Iterator[tuple[str, list[str]]]:
    for word in words:
        if word in _VALUED:
            yield word, [next(words, "")]
        elif word in _FLAGS:
            yield word, []
