"""The texts of the site in every language, from one catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from envgen.core.paths import tree

LANGUAGES = ("en", "ko")


def messages() -> Mapping[str, Mapping[str, str]]:
    """Language -> (key -> text)."""
    text = (tree("templates") / "site" / "messages.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    return {language: {key: texts[language] for key, texts in found.items()} for language in LANGUAGES}
