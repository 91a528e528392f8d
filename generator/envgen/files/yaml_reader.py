"""Reads the YAML of lock files, which may come from anybody: plain values, and no more of them than are written."""

from __future__ import annotations

from typing import Any

# What envgen and conda-lock write is five levels deep.
_DEEPEST = 50


def read_yaml(text: str) -> Any:  # noqa: ANN401 -- what a YAML text holds
    """Return what a YAML text holds.

    Nothing that envgen or conda-lock writes has an alias, and a few lines of them stand for more values than fit into
    memory. A few thousand nested brackets overrun the C stack of PyYAML's loader (6.0.3). Both are refused.

    Raises: yaml.YAMLError when it is not YAML, holds an alias, or is nested too deeply.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    _refuse_strange(text, loader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 -- both are safe loaders
    except ValueError as error:  # such as the date 2026-13-99
        raise yaml.YAMLError(str(error)) from error


def _refuse_strange(text: str, loader: Any) -> None:  # noqa: ANN401 -- a class that PyYAML may lack
    """Read the text event by event, which takes neither stack nor memory."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("it holds an alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {_DEEPEST} levels deep")
