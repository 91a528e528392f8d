"""JSON that anybody may have written: what it holds, or one error."""

from __future__ import annotations

import json
from typing import Any, NoReturn


class JsonError(ValueError):
    """A text is not JSON as its standard has it (RFC 8259); the message says why."""


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 -- whatever a JSON text holds
    """Return what a JSON text holds.

    Raises: JsonError, also for bytes that are no text, for what is nested too deeply, and for NaN and Infinity, which
    are Python's own.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise JsonError("nested too deeply") from error
    except ValueError as error:
        raise JsonError(str(error)) from error


def parse_json_object(text: str | bytes) -> dict[str, Any]:
    """Return the object that a JSON text holds.

    Raises: JsonError, also when it holds anything else.
    """
    found = parse_json(text)
    if not isinstance(found, dict):
        raise JsonError("no JSON object")
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
