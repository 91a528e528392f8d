"""What is said to people, in every language: one catalogue, of the page and of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache

from envgen.core.errors import ValueFormatError
from envgen.core.paths import tree

LANGUAGES = ("en", "ko")
# Windows' number of a language is in the low ten bits (learn.microsoft.com, "Language Identifier Constants").
_WINDOWS = {0x12: "ko"}
Messages = Mapping[str, str]


@cache
def messages(part: str) -> Mapping[str, Messages]:
    """Language -> (key -> text) of one part: `cli`, `site` or `codes`."""
    found = _read((tree("templates") / "messages" / f"{part}.toml").read_text(encoding="utf-8"))
    return {language: {key: texts[language] for key, texts in found.items()} for language in LANGUAGES}


def _read(text: str) -> dict[str, dict[str, str]]:
    """The tables of our own file: a decision says one of its lines, and tomllib takes 3 ms of its 30 to load."""
    found: dict[str, dict[str, str]] = {}
    for line in text.split("\n"):
        if line.startswith("["):
            texts = found[line[1:-1].strip('"')] = {}
        elif line and not line.startswith("#"):
            name, _, value = line.partition(" = ")
            texts[name] = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return found


def language(asked: str, environ: Mapping[str, str] | None = None) -> str:
    """The language to speak: the one that was asked for, or the locale's when there is a text in it, or English.

    Raises: ValueFormatError for one that there is no text in.
    """
    if asked and asked not in LANGUAGES:
        raise ValueFormatError(kind="language", value=asked, expected=" or ".join(LANGUAGES), origin="--lang")
    environ = os.environ if environ is None else environ
    # The order of POSIX: LC_ALL before LC_MESSAGES before LANG; GNU's LANGUAGE is a list of preferences.
    names = [environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    locale = next(filter(None, names), "")
    if locale in ("C", "POSIX"):
        return asked or "en"
    preferred = environ.get("LANGUAGE", "").split(":")[0] or locale or _of_windows()
    spoken = preferred.partition("_")[0].partition(".")[0].lower()
    return asked or (spoken if spoken in LANGUAGES else "en")


def _of_windows() -> str:
    """The language of Windows' own texts, where no variable states one."""
    if sys.platform == "win32":
        import ctypes

        return _WINDOWS.get(ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF, "")
    return ""
