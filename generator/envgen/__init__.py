"""envgen: from a GPU's name to a locked, working PyTorch environment.

    >>> import envgen
    >>> envgen.decide(gpu="GeForce MX450", driver="560.94", platform="win-64").pip.cuda_tag
    'cu126'

What is listed in `__all__` is documented in `templates/docs/python.md` and kept: names, parameters and fields are only
added within a major version, and a code (of an error, a notice, a rejection) never changes its meaning. Everything else
is internal. Each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from envgen.api.calls import audit, decide, find_gpu, why_not
    from envgen.api.values import (
        Audit,
        AuditedTorch,
        Code,
        CondaChoice,
        Decision,
        DecisionRequest,
        Explanation,
        FoundGpu,
        Note,
        PipChoice,
        Reason,
        RejectedBuild,
        RequestedGpu,
    )
    from envgen.core.errors import EnvgenError, NoPairingError, UsageError, ValueFormatError

__all__ = [
    "Audit",
    "AuditedTorch",
    "Code",
    "CondaChoice",
    "Decision",
    "DecisionRequest",
    "EnvgenError",
    "Explanation",
    "FoundGpu",
    "NoPairingError",
    "Note",
    "PipChoice",
    "Reason",
    "RejectedBuild",
    "RequestedGpu",
    "UsageError",
    "ValueFormatError",
    "__version__",
    "audit",
    "decide",
    "find_gpu",
    "why_not",
]

_CALLS = {"audit", "decide", "find_gpu", "why_not"}
_ERRORS = {"EnvgenError", "NoPairingError", "UsageError", "ValueFormatError"}


if not TYPE_CHECKING:  # a type checker would take it for a promise of any name

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        room = "api.calls" if name in _CALLS else "core.errors" if name in _ERRORS else "api.values"
        found = getattr(import_module(f"{__name__}.{room}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
