"""One answer for everybody who asks the same question at the same time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Answers:
    """Answers by question: the first who asks finds it, others that ask the same wait for it and get the same."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[Hashable, Future[Any]] = {}

    def of(self, question: Hashable, find: Callable[[], Answer]) -> Answer:
        """The answer of a question, or the error that finding it ended with."""
        with self._lock:
            future = self._found.get(question)
            is_first = future is None
            future = self._found.setdefault(question, Future())
        if is_first:
            try:
                future.set_result(find())
            except BaseException as error:
                future.set_exception(error)
                raise
        answer: Answer = future.result()
        return answer
