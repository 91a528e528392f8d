"""The JSON Schemas of the commands' answers, as they are published beside the data."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from envgen.core.json_text import parse_json


def schemas() -> Mapping[str, Any]:
    """Command -> the schema of its `--format json`; `error` is that of every error."""
    folder = files("envgen") / "schemas"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".schema.json"))
    return {name.partition(".")[0]: parse_json((folder / name).read_text(encoding="utf-8")) for name in found}
