"""The JSON Schema of a project's file, made from its keys: `PYTHONPATH=tests python -m targets.schema` writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import envgen
from envgen.cli.options import defaults_of_catalog
from envgen.core.platforms import Subdir
from envgen.targets.keys import MACHINE_KEYS, OF_A_TARGET, Key, Kind, keys

PATH = Path(envgen.__file__).parent / "schemas" / "envgen-toml.schema.json"
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_MACHINE = {
    "gpu": "The GPU, as --gpu takes it.",
    "driver": "The driver of this machine.",
    "platform": "Its platform, where the target has several.",
}


def schema_text() -> str:
    """The text of the published file."""
    shared = {name: _value(key) for name, key in keys().items() if name not in OF_A_TARGET}
    target = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _value(key) for name, key in keys().items()},
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://cuda-envgen.github.io/schemas/envgen-toml.schema.json",
        "title": "envgen.toml, or [tool.envgen] of pyproject.toml",
        "type": "object",
        "required": ["targets"],
        "additionalProperties": False,
        "properties": shared
        | {
            "targets": {
                "type": "object",
                "description": "Name -> target. Keys of the file itself hold for each that does not state them.",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
                "additionalProperties": target,
            }
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _value(key: Key) -> dict[str, Any]:
    """A value; what the command line does without the option is not so in a target, and a list is what it repeats."""
    said = re.split(r" (?:Default:|Without it|Repeat(?:able)?\b)", key.help.format(**defaults_of_catalog()))[0]
    each = " A table keyed by platform states one for each." if key.by_platform else ""
    return {"description": said + each} | _form(key)


def _form(key: Key) -> dict[str, Any]:
    if key.kind is Kind.FLAG:
        return {"type": "boolean"}
    if key.kind is Kind.MACHINES:
        properties = {name: {"description": _MACHINE[name]} | _TEXT for name in MACHINE_KEYS}
        machine = {
            "type": "object",
            "required": ["gpu"],
            "additionalProperties": False,
            "properties": properties,
        }
        return {"type": "array", "items": machine}
    plain = _TEXTS if key.kind is Kind.TEXTS else _TEXT
    if not key.by_platform:
        return plain
    table = {
        "type": "object",
        "propertyNames": {"enum": [subdir.value for subdir in Subdir]},
        "additionalProperties": plain,
    }
    return {"anyOf": [*plain.get("anyOf", [plain]), table]}


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
