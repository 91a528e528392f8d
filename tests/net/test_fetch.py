"""What counts as no answer: only that allows a fallback to a shipped lock."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.fetch import fetch
from envgen.net.sites import Site
from equipment.loopback import Fault, serving


def read(root: Path, fault: Fault) -> None:
    patience = Patience(deadline=Deadline.after(60), retry=Retry(attempts=2))
    with serving(root, fault) as server:
        fetch(
            f"{server.url}/", login=Site.parse(server.url), accept="*/*", patience=patience, pause=lambda seconds: None
        )


def test_a_connection_closed_without_a_byte_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        read(tmp_path, Fault(drop=True))
    assert caught.value.reason == "the connection was closed without an answer (2 tries)"


def test_a_connection_closed_within_an_answer_is_bad_data(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page of some length")
    with pytest.raises(SourceDataError) as caught:
        read(tmp_path, Fault(cut=5))
    assert caught.value.reason == "5 of 21 bytes came (2 tries)"


def test_certificates_are_read_once_for_many_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading those of the system takes 25 ms of a processor; the contents of a wheel are dozens of requests."""
    made: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    (tmp_path / "index.html").write_text("a page")
    for _ in range(3):
        read(tmp_path, Fault())
    assert len(made) == 1
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path.parent))
    read(tmp_path, Fault())
    assert len(made) == 2
