"""What no command foresaw: something that the system refused, or a mistake of envgen itself."""

from __future__ import annotations

from pathlib import PurePath

from envgen.core.errors import EnvgenError, ToolError, quoted

_REPORT = "https://github.com/cuda-envgen/cuda-envgen/issues"
# Python's words for a thread that is refused, and for a path that no system takes: with a NUL.
_REFUSED = (OSError, MemoryError, UnicodeEncodeError)
_REFUSALS = ("can't start new thread", "embedded null")


class RefusedBySystemError(ToolError):
    """The system lets this process do no more: a full disk or stream, no memory, no thread, a path it can't take."""

    code = "system"

    def __init__(self, error: BaseException) -> None:
        super().__init__(_refusal(error))


def _refusal(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the memory is used up"
    if isinstance(error, UnicodeEncodeError):  # half a character, or a path that a system without UTF-8 can't have
        return f"{quoted(error.object)} can't be written in {error.encoding}, which this system takes"
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
    name = error.filename if isinstance(error, OSError) else None
    return f"{quoted(str(name))}: {reason}" if name is not None else reason


class InternalError(EnvgenError):
    """A mistake of envgen itself, in one line that can be copied into a report."""

    code = "internal"
    exit_code = 70  # EX_SOFTWARE of sysexits.h

    def __init__(self, error: BaseException) -> None:
        text = quoted(str(error), 200)
        super().__init__(
            f"a mistake of envgen itself, {type(error).__name__} {text} at {_place(error)}: report this "
            f"line at {_REPORT} (ENVGEN_DEBUG=1 shows the traceback)"
        )


def foreseen(error: Exception) -> EnvgenError:
    """The error to show for an exception that no command foresaw."""
    is_refused = isinstance(error, (OSError, MemoryError, UnicodeEncodeError)) or any(
        words in str(error) for words in _REFUSALS
    )
    if isinstance(error, ImportError):  # a package that is broken or gone, or one that there is no memory to load
        is_refused = not (error.name or "").startswith("envgen")
    return RefusedBySystemError(error) if is_refused else InternalError(error)


def _place(error: BaseException) -> str:
    """The module and line of ours that was last entered."""
    place, frame = "an unknown place", error.__traceback__
    while frame is not None:
        path = PurePath(frame.tb_frame.f_code.co_filename)
        if "envgen" in path.parts[:-1]:
            place = f"{'.'.join(path.with_suffix('').parts[-2:])}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place
