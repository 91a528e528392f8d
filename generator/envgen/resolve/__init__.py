"""The decision: (facts, request) -> Resolution. Pure: no file, process, clock or terminal."""

from __future__ import annotations

from envgen.resolve.decision import resolve

__all__ = ["resolve"]
