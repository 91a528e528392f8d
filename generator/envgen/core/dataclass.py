"""`dataclass` as every room uses it: the standard library's to a type checker, cheaper at each start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from envgen.core.frozen import dataclass

__all__ = ["dataclass"]
