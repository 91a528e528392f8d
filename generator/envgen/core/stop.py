"""Being stopped from outside: what a run began is ended before it leaves, and nothing is begun without its end."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Thing = TypeVar("Thing")

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last is Windows' Ctrl-Break


class StoppedError(BaseException):
    """The run was stopped from outside. `status` is its exit status: 130 for Ctrl-C, 143 for everything else.

    No KeyboardInterrupt: typer ends a run on that by itself, always with 130.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 130 if number == signal.SIGINT else 143


class Stopper:
    """The handler of those signals: it raises StoppedError, but not while something is begun or ended."""

    def __init__(self) -> None:
        self._holds = 0
        self._pending: int | None = None
        self.elsewhere: dict[object, Callable[[], object]] = {}  # what threads began -> how it is ended
        self.is_over = False
        self.lock = threading.Lock()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
        self._raise_pending()

    def hold(self) -> None:
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        self._raise_pending()

    def _raise_pending(self) -> None:
        if self._pending is not None and not self._holds:
            number, self._pending = self._pending, None
            raise StoppedError(number)


def stop_behind(error: BaseException | None) -> StoppedError | None:
    """The stop that an error was made of, if any: Python 3.11 makes a RuntimeError of one in a class body."""
    while error is not None and not isinstance(error, StoppedError):
        error = error.__cause__ or error.__context__
    return error


def install_stopper() -> None:
    """Let the signals that mean an end raise StoppedError; one that is ignored (`nohup`) stays so."""
    stopper = Stopper()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stopper)
    sys.unraisablehook = _raise_again


def _raise_again(dropped: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised in a destructor or a weak reference's callback, and each import has one of these."""
    stop = stop_behind(dropped.exc_value)
    if stop is None:
        sys.__unraisablehook__(dropped)
        return
    again = threading.Timer(0.01, _signal_main_thread, stop.args)  # at once would be in here
    again.daemon = True
    again.start()


def _signal_main_thread(number: int) -> None:
    """Send a signal to where it is handled: another thread's own would not end what the main one waits in."""
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        signal.raise_signal(number)
    else:
        signal.pthread_kill(main, number)


@contextmanager
def kept(begin: Callable[[], Thing], end: Callable[[Thing], object]) -> Iterator[Thing]:
    """Begin something that must not be left behind, such as a process, and end it however the block is left."""
    stopper = _stopper()
    if stopper is None:
        with _kept_by_a_thread(begin, end) as thing:
            yield thing
        return
    stopper.hold()
    try:
        thing = begin()
    except BaseException:
        stopper.release()
        raise
    try:
        stopper.release()
        yield thing
    finally:
        is_held = False
        try:
            stopper.hold()  # a signal that comes before it is in force is raised in here
            is_held = True
        finally:
            end(thing)
            if is_held:
                stopper.release()


@contextmanager
def _kept_by_a_thread(begin: Callable[[], Thing], end: Callable[[Thing], object]) -> Iterator[Thing]:
    """The same where no signal comes: the main thread ends what was begun, and from then on nothing is begun."""
    handler = signal.getsignal(signal.SIGTERM)
    if not isinstance(handler, Stopper):
        handler = Stopper()
    key = object()
    with handler.lock:
        if handler.is_over:
            raise StoppedError(signal.SIGTERM)
        thing = begin()
        handler.elsewhere[key] = lambda: end(thing)
    try:
        yield thing
    finally:
        handler.elsewhere.pop(key, None)
        end(thing)


def end_threads_work() -> None:
    """End what threads began, after a stop: a process that nobody waits for would go on."""
    stopper = _stopper()
    if stopper is not None:
        with stopper.lock:
            stopper.is_over = True
        for end in [*stopper.elsewhere.values()]:
            end()


@contextmanager
def unstopped() -> Iterator[None]:
    """Let a signal wait until the block is done: for short work that must not be torn, and for code of others."""
    stopper = _stopper()
    if stopper is None:
        yield
        return
    stopper.hold()
    try:
        yield
    finally:
        stopper.release()


@contextmanager
def scratch_folder(prefix: str) -> Iterator[str]:
    """A temporary folder that is gone when the block is left."""
    import tempfile  # it imports random: a decision makes no folder

    with kept(lambda: tempfile.TemporaryDirectory(prefix=prefix), lambda folder: folder.cleanup()) as folder:
        yield folder.name


def _stopper() -> Stopper | None:
    """The handler in force, where signals can be raised at all: they come to the main thread."""
    handler = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    return handler if is_main and isinstance(handler, Stopper) else None
