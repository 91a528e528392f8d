"""Reads a file on a server piece by piece, by HTTP ranges, so that a wheel of 900 MB costs a few."""

from __future__ import annotations

import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import urlsplit

from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.fetch import Patience

_WINDOW = 1 << 16  # what a small read fetches ahead
_TAIL = 1 << 21  # a torch wheel's central directory is about 1.3 MB (2.15.0: 13187 members)
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class RangedFile(io.RawIOBase):
    """A seekable, read-only file of `size` bytes at a URL.

    Reading raises UnreachableError when no answer comes, SourceDataError when it is not the range that was asked
    for or the file has another size. `requests` and `received` (bytes) count what it has cost.
    """

    def __init__(self, url: str, size: int, *, patience: Patience, pause: Callable[[float], None] = time.sleep) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise SourceDataError(url=url, reason="a link that is neither http nor https")
        self._url, self._size, self._patience, self._pause = url, size, patience, pause
        self._at = 0
        self._window_at, self._window = 0, b""
        self._tail_at, self._tail = size, b""
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
        if start >= self._size - _TAIL:  # a zip file is read from its end
            if not self._tail:
                self._tail_at = max(0, self._size - _TAIL)
                self._tail = self._fetch(self._tail_at, self._size)
            return self._tail[start - self._tail_at : end - self._tail_at]
        if not self._window_at <= start <= end <= self._window_at + len(self._window):
            self._window_at = start
            self._window = self._fetch(start, min(self._size, max(end, start + _WINDOW)))
        return self._window[start - self._window_at : end - self._window_at]

    def _fetch(self, start: int, end: int) -> bytes:
        retry, attempt = self._patience.retry, 0
        while True:
            attempt += 1
            try:
                return self._fetch_once(start, end)
            except (OSError, HTTPException) as error:
                wait = retry.pause_s * 2 ** (attempt - 1)
                passing = attempt < retry.attempts and wait < self._patience.deadline.left()
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                    passing &= error.code in _TRANSIENT
                if not passing:
                    raise self._unreachable(error, attempt) from error
                self._pause(wait)

    def _fetch_once(self, start: int, end: int) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}", "User-Agent": "envgen", "Accept-Encoding": "identity"}
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310 -- the scheme was checked
        silence = min(self._patience.retry.silence_s, self._patience.deadline.left())
        if silence <= 0:
            raise UnreachableError(url=self._url, reason="the time limit passed before it was asked")
        self.requests += 1
        with urllib.request.urlopen(request, timeout=silence) as response:  # noqa: S310 -- the scheme was checked
            self._check(response.status, response.headers.get("Content-Range", ""), start, end)
            found: bytes = response.read(end - start)
        self.received += len(found)
        if len(found) != end - start:
            raise ConnectionError(f"{len(found)} of {end - start} bytes came")
        return found

    def _check(self, status: int, content_range: str, start: int, end: int) -> None:
        """See that the answer is the range that was asked for, of a file of the stated size."""
        if status != 206:
            raise SourceDataError(url=self._url, reason=f"it serves no ranges (HTTP status {status})")
        found = _CONTENT_RANGE.fullmatch(content_range)
        expected = (start, end - 1, self._size)
        if not found or (int(found[1]), int(found[2]), int(found[3])) != expected:
            asked = f"bytes {start}-{end - 1}/{self._size}"
            raise SourceDataError(url=self._url, reason=f'asked for "{asked}", was given "{content_range}"')

    def _unreachable(self, error: Exception, attempt: int) -> UnreachableError:
        if isinstance(error, urllib.error.HTTPError):
            reason = f"HTTP status {error.code}"
        else:
            reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        return UnreachableError(url=self._url, reason=reason + (f" ({attempt} tries)" if attempt > 1 else ""))
