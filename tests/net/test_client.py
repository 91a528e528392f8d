"""Whatever a server does, a request ends in time, with the right error, and its login goes nowhere else."""

from __future__ import annotations

import base64
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from envgen.core.sets import PackageSet
from envgen.net.client import Answer, Asking, ask
from envgen.net.deadline import Deadline, Patience, Retry, finish_within
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import Site
from equipment.hostile_server import (
    BAD_ANSWER,
    BAD_PAGE,
    NO_ANSWER,
    Harm,
    Hostile,
    Send,
    breaks_off,
    endless_retry_after,
    serving_harm,
    serving_no_connection,
    serving_slow_tls,
    silent,
    too_many_requests,
    unavailable_till_tomorrow,
)

LIMIT_S = 1.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as servers:
        yield servers


def asked(url: str, *, attempts: int = 2, login: Site | None = None, limit_s: float = LIMIT_S) -> Answer:
    patience = Patience(deadline=Deadline.after(limit_s), retry=Retry(attempts=attempts, pause_s=0.01))
    return ask(Asking(url=url, headers={}, patience=patience, login=login))


def page(text: str) -> Harm:
    """A server that answers as it should."""

    def answer(hostile: Hostile, head: str, send: Send) -> None:
        send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())

    return answer


def redirect_to(url: str) -> Harm:
    def answer(hostile: Hostile, head: str, send: Send) -> None:
        send(f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


@pytest.mark.parametrize("harm", NO_ANSWER, ids=lambda harm: harm.__name__)
def test_no_answer_ends_in_time(harm: Harm, stack: ExitStack) -> None:
    server = stack.enter_context(serving_harm(harm))
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        asked(f"{server.url}/x/")
    assert time.monotonic() - started < LIMIT_S + 0.5


@pytest.mark.parametrize("harm", [harm for harm in BAD_ANSWER if harm not in BAD_PAGE], ids=lambda harm: harm.__name__)
def test_a_bad_answer_is_no_missing_one(harm: Harm, stack: ExitStack) -> None:
    server = stack.enter_context(serving_harm(harm))
    tracemalloc.start()
    try:
        with pytest.raises(SourceDataError):
            asked(f"{server.url}/x/", limit_s=30)
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_a_tls_handshake_that_trickles_ends_in_time(stack: ExitStack) -> None:
    server = stack.enter_context(serving_slow_tls())
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        asked(f"{server.url}/x/")
    assert time.monotonic() - started < LIMIT_S + 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux fills a queue")
def test_a_connection_that_is_not_accepted_ends_in_time(stack: ExitStack) -> None:
    server = stack.enter_context(serving_no_connection())
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        asked(f"{server.url}/x/")
    assert time.monotonic() - started < LIMIT_S + 0.5


def test_silence_does_not_make_up_for_something_wrong(stack: ExitStack) -> None:
    """Else a lock would be fallen back to because of a page that broke off."""

    def first_wrong(hostile: Hostile, head: str, send: Send) -> None:
        (silent if len(hostile.asked) > 1 else breaks_off)(hostile, head, send)

    server = stack.enter_context(serving_harm(first_wrong))
    with pytest.raises(SourceDataError, match="of 1000 bytes came"):
        asked(f"{server.url}/x/")
    assert len(server.asked) == 2


def test_nothing_is_left_behind_when_the_time_is_up(stack: ExitStack) -> None:
    server = stack.enter_context(serving_harm(NO_ANSWER[0]))
    before = threading.active_count()
    with pytest.raises(UnreachableError):
        asked(f"{server.url}/x/")
    ends_at = time.monotonic() + 5
    while threading.active_count() > before + 1 and time.monotonic() < ends_at:  # the server's own may still run
        time.sleep(0.01)
    assert threading.active_count() <= before + 1


def test_a_login_goes_to_its_own_origin_only(stack: ExitStack) -> None:
    other = stack.enter_context(serving_harm(page("hello")))
    first = stack.enter_context(serving_harm(redirect_to(f"{other.url}/there")))
    login = Site(url=first.url, user="me", password="s3cret")
    answer = asked(f"{first.url}/x/", login=login)
    assert (answer.body, answer.url) == (b"hello", f"{other.url}/there")
    secret = base64.b64encode(b"me:s3cret").decode()
    assert secret in first.asked[0]
    assert "authorization" not in other.asked[0].lower()


def test_a_login_goes_along_within_its_origin(stack: ExitStack) -> None:
    def once(hostile: Hostile, head: str, send: Send) -> None:
        (page("hello") if " /there " in head else redirect_to("/there"))(hostile, head, send)

    server = stack.enter_context(serving_harm(once))
    assert asked(f"{server.url}/x/", login=Site(url=server.url, user="me", password="p")).body == b"hello"
    assert ["Authorization: Basic " in head for head in server.asked] == [True, True]


def test_a_login_in_a_redirect_is_not_shown(stack: ExitStack) -> None:
    other = stack.enter_context(serving_harm(page("hello")))
    first = stack.enter_context(serving_harm(redirect_to(other.url.replace("//", "//me:pw@"))))
    assert asked(first.url).url == other.url


@pytest.mark.parametrize(
    "harm", [too_many_requests, unavailable_till_tomorrow, endless_retry_after], ids=lambda harm: harm.__name__
)
def test_a_long_retry_after_is_not_waited_for(harm: Harm, stack: ExitStack) -> None:
    server = stack.enter_context(serving_harm(harm))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"HTTP status (429|503)"):
        asked(server.url, limit_s=60)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("value", ["9" * 5000, "Wed, 99 Foo 20", "-5", "\x00", "1e999"])
def test_a_retry_after_that_cannot_be_read_is_none(value: str, stack: ExitStack) -> None:
    def answer(hostile: Hostile, head: str, send: Send) -> None:
        send(f"HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode())

    server = stack.enter_context(serving_harm(answer))
    with pytest.raises(UnreachableError, match="HTTP status 503"):
        asked(server.url)


@pytest.mark.parametrize("url", ["ftp://host/x", "http://" + "a" * 300 + "/", "http://[::1/", "http://h:99999/"])
def test_an_address_that_cannot_be_asked_is_an_error_of_ours(url: str) -> None:
    with pytest.raises((SourceDataError, UnreachableError)):
        asked(url)


def test_a_proxy_is_asked_with_its_own_login(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = stack.enter_context(serving_harm(page("of the proxy")))
    monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:pw@"))
    monkeypatch.delenv("no_proxy", raising=False)
    assert asked("http://index.invalid/x/").body == b"of the proxy"
    assert proxy.asked[0].startswith("GET http://index.invalid/x/ ")
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:pw').decode()}" in proxy.asked[0]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    direct = stack.enter_context(serving_harm(page("direct")))
    assert asked(direct.url).body == b"direct"


def test_work_that_hangs_is_left_behind() -> None:
    released = threading.Event()
    with pytest.raises(TimeoutError):
        finish_within(Deadline.after(0.1), released.wait, abandon=released.set)
    assert released.is_set()


def test_a_timeout_of_the_work_itself_is_told_from_the_deadline() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        finish_within(Deadline.after(10), fail, abandon=lambda: None)


def test_no_thread_left_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(UnreachableError, match="no thread is left"):
        asked("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("url", "package_set", "end"),
    [
        ("https://download.pytorch.org/whl/cu126/torch/", PackageSet.PIP, "reached with --wheel-mirror"),
        ("https://pypi.org/simple/torch/", PackageSet.PIP, "reached"),
        ("https://conda.anaconda.org/conda-forge", PackageSet.CONDA, "reached with --conda-mirror"),
    ],
)
def test_the_option_that_names_a_mirror_is_the_one_of_that_site(url: str, package_set: PackageSet, end: str) -> None:
    error = UnreachableError(url=url, reason="Name or service not known", package_set=package_set)
    assert error.hint() == f"check the network, or name a mirror that can be {end}"
