"""How long a piece of work may take: one point in time that everything it does must meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Self, TypeVar

from envgen.core.dataclass import dataclass

_LOOK_S = 0.05  # Windows doesn't see Ctrl-C during a wait

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that a whole piece of work must meet."""

    ends_at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until it passes, never below zero."""
        return max(0.0, self.ends_at - time.monotonic())

    def earlier(self, seconds: float) -> Self:
        """The point in time after so many seconds, or this one when it comes before."""
        return type(self)(min(self.ends_at, time.monotonic() + seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a request is tried, the first pause (doubled each time), and how long one silence may last."""

    attempts: int = 4
    pause_s: float = 0.5
    silence_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often a whole piece of work may wait for its servers."""

    deadline: Deadline
    retry: Retry = field(default_factory=Retry)


class NoThreadError(Exception):
    """The system lets this process start no further thread."""


def finish_within(deadline: Deadline, work: Callable[[], Result], *, abandon: Callable[[], None]) -> Result:
    """Return what `work` returns or raise what it raises, but not later than the deadline, whatever it waits for.

    It runs in a thread of its own: looking up a name can't be given a limit, and a server that sends a byte now and
    then never makes a socket time out. `abandon` is called when it is left behind, and should make it end.

    Raises: TimeoutError when the deadline passes first; NoThreadError.
    """
    from concurrent.futures import Future
    from threading import Thread

    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- the caller gets it
            future.set_exception(error)

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError as error:
        raise NoThreadError from error
    try:
        while not future.done():
            if deadline.left() <= 0:
                raise TimeoutError
            try:
                future.exception(timeout=min(_LOOK_S, deadline.left()))
            except TimeoutError:
                continue
        return future.result()
    finally:
        if not future.done():
            abandon()
