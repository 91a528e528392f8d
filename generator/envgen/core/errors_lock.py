"""Errors of locking: an index or a channel, what it served, and the solver that read it (exit 5).

`IndexUnreachableError` and `ChannelUnreachableError` alone mean that nothing was learned, so a caller may fall back to
a shipped lock. Every other class here means that an answer came and was wrong, incomplete or impossible: never a
reason to fall back.
"""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.errors import DataError, ToolError, show


class IndexUnreachableError(ToolError):
    """An index or channel did not answer, or refused to; `url` carries no credentials."""

    code = "index-unreachable"

    def __init__(self, *, url: str, reason: str, advice: str = "") -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.advice = url, reason, advice

    def headline(self) -> str:
        return f"no answer from {self.url}"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return self.advice or "check the network, or name a mirror that can be reached"


class IndexDataError(ToolError):
    """An index or channel answered with something that is not what it should be: truncated, unreadable, incomplete."""

    code = "index-data"

    def __init__(self, *, url: str, reason: str, advice: str = "") -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.advice = url, reason, advice

    def headline(self) -> str:
        return f"{self.url} served something that cannot be used"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return self.advice or "try again; if it stays so, the server or something between you and it is at fault"


class WheelMissingError(ToolError):
    """The index answers but has no such wheel. `exists` are the file names that it has for that release."""

    code = "wheel-missing"

    def __init__(self, *, url: str, wanted: str, exists: Sequence[str], advice: str = "") -> None:
        super().__init__(url, wanted)
        self.url, self.wanted, self.exists, self.advice = url, wanted, tuple(exists), advice

    def headline(self) -> str:
        return f"{self.url} has no wheel of {self.wanted}"

    def facts(self) -> tuple[str, ...]:
        if not self.exists:
            return ("it lists no file of that release",)
        shown, more = self.exists[:8], len(self.exists) - 8
        return (f"it has: {', '.join(shown)}" + (f" and {more} more" if more > 0 else ""),)

    def hint(self) -> str:
        return self.advice or "choose another release, CUDA tag or Python"


class WheelHashError(ToolError):
    """A file whose sha256 is known is served, or locked, with another one."""

    code = "wheel-hash"

    def __init__(self, *, filename: str, expected: str, expected_from: str, found: str, found_in: str) -> None:
        super().__init__(filename, expected, found)
        self.filename, self.expected, self.expected_from = filename, expected, expected_from
        self.found, self.found_in = found, found_in

    def headline(self) -> str:
        return f"{self.filename} has another sha256 than the known one"

    def facts(self) -> tuple[str, ...]:
        return (f"{self.expected} ({self.expected_from})", f"{self.found} ({self.found_in})")

    def hint(self) -> str:
        return "don't install it before it is clear which of the two is right"


class SolveFailedError(ToolError):
    """A solver found no solution; `explanation` is its own, trimmed to what a user can act on."""

    code = "solve-failed"

    def __init__(self, *, solver: str, subject: str, explanation: Sequence[str], advice: str = "") -> None:
        super().__init__(solver, subject)
        self.solver, self.subject, self.advice = solver, subject, advice
        self.explanation = tuple(explanation)

    def headline(self) -> str:
        return f"{self.solver} solve for {self.subject} found no solution"

    def facts(self) -> tuple[str, ...]:
        return self.explanation or ("it gave no reason",)

    def hint(self) -> str:
        return self.advice


class SolverError(ToolError):
    """A solver could not be started, crashed, or returned something that is not a lock."""

    code = "solver-failed"

    def __init__(self, *, solver: str, reason: str, output: str = "") -> None:
        super().__init__(solver, reason)
        self.solver, self.reason, self.output = solver, reason, output

    def headline(self) -> str:
        return f"{self.solver} failed: {self.reason}"

    def facts(self) -> tuple[str, ...]:
        return (show(self.output, 400),) if self.output else ()


class LockFormatError(DataError):
    """A lock file is not one that envgen wrote, or was damaged since."""

    code = "lock-format"

    def __init__(self, *, origin: str, reason: str) -> None:
        super().__init__(origin, reason)
        self.origin, self.reason = origin, reason

    def headline(self) -> str:
        return f"{self.origin} cannot be read as a lock of envgen's"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return "make it anew with --upgrade, or delete it"


class FilesUnansweredError(ToolError):
    """Files of ours would go only because nobody could be asked for what takes their place."""

    code = "files-unanswered"

    def __init__(self, names: Sequence[str], cause: IndexUnreachableError | ChannelUnreachableError) -> None:
        super().__init__(names, cause)
        self.names, self.cause = tuple(names), cause

    def headline(self) -> str:
        return f"{', '.join(self.names)} can be neither kept nor made anew: {self.cause.headline()}"

    def facts(self) -> tuple[str, ...]:
        return (self.cause.reason, "they don't answer this request; nothing in the folder was changed")

    def hint(self) -> str:
        return self.cause.hint()


class ChannelUnreachableError(ToolError):
    """A conda channel did not answer in time, or refused to; `url` carries no credentials. A caller may fall back."""

    code = "channel-unreachable"

    def __init__(self, *, url: str, reason: str, advice: str = "") -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.advice = url, reason, advice

    def headline(self) -> str:
        return f"no answer from the conda channel at {self.url}"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return self.advice or "check the network, or name a mirror that can be reached with --conda-mirror"


class ChannelDataError(ToolError):
    """A conda channel answered with something that cannot be used: truncated, unreadable, without hashes."""

    code = "channel-data"

    def __init__(self, *, url: str, reason: str, advice: str = "") -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.advice = url, reason, advice

    def headline(self) -> str:
        return f"the conda channel at {self.url} holds something that cannot be used"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return self.advice or "try again; if it stays so, the server or something between you and it is at fault"
