"""How the same lock may be written otherwise: under another name of conda's environment, or without index lines."""

from __future__ import annotations

import re

from envgen.files.quoting import double_quoted
from envgen.files.registry import ENVIRONMENT_YML, REQUIREMENTS
from envgen.request.values import is_environment_name

_NAME_LINE = re.compile(r"^name: .*$", re.MULTILINE)
_INDEX_LINES = re.compile(r"^(?:--index-url|--find-links) .*\n", re.MULTILINE)


def with_name(environment_yml: str, name: str) -> str:
    """The text of environment.yml under another name; conda-lock's content hash doesn't cover it."""
    return _NAME_LINE.sub(f"name: {double_quoted(name)}", environment_yml, count=1)


def without_index_lines(requirements: str) -> str:
    """The text of requirements.txt without the lines that say where packages are, for a folder of wheels.

    Each such line costs pip about ten seconds of retries where there is no network.
    """
    return _INDEX_LINES.sub("", requirements).lstrip("\n")


def variant_like(body: str, text: str, name: str) -> str:
    """The body of a file in the variant that a text of the same file is in."""
    if REQUIREMENTS.matches(name) and not _INDEX_LINES.search(text):
        return without_index_lines(body)
    given = name_in(text) if ENVIRONMENT_YML.matches(name) else ""
    return with_name(body, given) if is_environment_name(given) else body


def name_in(environment_yml: str) -> str:
    """The name that a text of environment.yml gives, or an empty string."""
    found = _NAME_LINE.search(environment_yml)
    return found[0].removeprefix("name: ").strip('"') if found else ""
