"""Whether the command was typed where conda is in use."""

from __future__ import annotations

from collections.abc import Mapping


def is_conda_active(variables: Mapping[str, str]) -> bool:
    """True in an Anaconda prompt, and wherever else an environment of conda's is active."""
    return bool(variables.get("CONDA_PREFIX") or variables.get("CONDA_DEFAULT_ENV"))
