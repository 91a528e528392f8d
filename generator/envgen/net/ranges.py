"""Reads a file on a server piece by piece, by HTTP ranges, so that a wheel of 900 MB costs a few."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable

from envgen.net.client import ABSENT, Asking, ask
from envgen.net.deadline import Patience
from envgen.net.errors import SourceDataError, UnreachableError

_WINDOW = 1 << 16  # what a small read fetches ahead
_TAIL = 1 << 21  # a torch wheel's central directory is about 1.3 MB (2.15.0: 13187 members)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def size_of(url: str, *, patience: Patience) -> int:
    """The size in bytes of a file on a server, which states it with the first byte of it.

    Raises: UnreachableError, SourceDataError.
    """
    headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
    answer = ask(Asking(url=url, headers=headers, patience=patience, wanted=206, limit=1))
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None:
        raise SourceDataError(url=url, reason=f"it serves no ranges (HTTP status {answer.status})")
    return int(found[3])


class RangedFile(io.RawIOBase):
    """A seekable, read-only file of `size` bytes at a URL.

    Reading raises UnreachableError when no answer comes, SourceDataError when it is not the range that was asked
    for or the file has another size. The first read near the end fetches the last `tail` bytes. `requests` and
    `received` (bytes) count what it has cost.
    """

    def __init__(
        self,
        url: str,
        size: int,
        *,
        patience: Patience,
        pause: Callable[[float], None] = time.sleep,
        tail: int = _TAIL,
    ) -> None:
        self._url, self._size, self._patience, self._pause = url, size, patience, pause
        self._at = 0
        self._window_at, self._window = 0, b""
        self._tail_size, self._tail_at, self._tail = tail, size, b""
        self.requests = 0
        self.received = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        found = self._between(self._at, end) if end > self._at else b""
        self._at += len(found)
        return found

    def _between(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`: out of the file's tail or the last window where they are, else fetched."""
        if start >= self._size - self._tail_size:  # a zip file is read from its end
            if not self._tail:
                self._tail_at = max(0, self._size - self._tail_size)
                self._tail = self._fetch(self._tail_at, self._size)
            return self._tail[start - self._tail_at : end - self._tail_at]
        if not self._window_at <= start <= end <= self._window_at + len(self._window):
            self._window_at = start
            self._window = self._fetch(start, min(self._size, max(end, start + _WINDOW)))
        return self._window[start - self._window_at : end - self._window_at]

    def _fetch(self, start: int, end: int) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        asking = Asking(url=self._url, headers=headers, patience=self._patience, wanted=206, limit=end - start)
        answer = ask(asking, pause=self._pause)
        self.requests += answer.tries
        self.received += len(answer.body)
        if answer.status in ABSENT:
            raise UnreachableError(url=self._url, reason=f"HTTP status {answer.status}")
        self._check(answer.status, answer.headers.get("Content-Range", ""), start, end)
        if len(answer.body) != end - start:
            raise SourceDataError(url=self._url, reason=f"{len(answer.body)} of {end - start} bytes came")
        return answer.body

    def _check(self, status: int, content_range: str, start: int, end: int) -> None:
        """See that the answer is the range that was asked for, of a file of the stated size."""
        if status != 206:
            raise SourceDataError(url=self._url, reason=f"it serves no ranges (HTTP status {status})")
        found = _CONTENT_RANGE.fullmatch(content_range)
        expected = (start, end - 1, self._size)
        if not found or (int(found[1]), int(found[2]), int(found[3])) != expected:
            asked = f"bytes {start}-{end - 1}/{self._size}"
            raise SourceDataError(url=self._url, reason=f'asked for "{asked}", was given "{content_range}"')
