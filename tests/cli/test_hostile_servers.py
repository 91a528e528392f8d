"""Servers that trickle, lie and redirect, against each command: it ends in time, with the status of the contract."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.files.formats.conda_lock_v1 import load_conda_lock_package
from equipment.file_names import all_names
from equipment.hostile_server import (
    BAD_ANSWER,
    NO_ANSWER,
    Harm,
    breaks_off,
    serving_harm,
    serving_slow_tls,
    trickle_body,
    trickle_headers,
    zeros,
)

LIMIT_S = 2
GRACE_S = 20.0  # what is done without a server, on a machine that does much else: a trickle lasts for ever
REQUEST = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
FEW, SOME = (trickle_body, zeros), (trickle_headers, breaks_off)


def harms(*kinds: Harm) -> list[object]:
    """Each kind as a parameter; most of them are slow."""
    return [pytest.param(kind, id=kind.__name__, marks=marks(kind)) for kind in kinds]


def marks(kind: Harm) -> tuple[pytest.MarkDecorator, ...]:
    return () if kind in FEW else (pytest.mark.proof if kind in SOME else pytest.mark.slow,)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    load_conda_lock_package()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))


def ask(url: str, *arguments: str) -> int:
    """Run a command against one server and return its status; it ends in time."""
    started = time.monotonic()
    status = main([*arguments, "--conda-mirror", url, "--wheel-mirror", url, "--timeout", str(LIMIT_S)])
    assert time.monotonic() - started < LIMIT_S + GRACE_S
    return status


@pytest.mark.parametrize("harm", harms(*NO_ANSWER))
def test_no_answer_leads_to_a_shipped_lock(harm: Harm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with serving_harm(harm) as server:
        assert ask(server.url, *REQUEST, "--upgrade", "--output", str(out)) == 0
    assert "note: no answer from " in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} == all_names(Subdir.WIN_64)


@pytest.mark.parametrize("harm", harms(*NO_ANSWER, *BAD_ANSWER))
def test_lock_takes_nothing_from_the_shipped_ones(harm: Harm, tmp_path: Path) -> None:
    with serving_harm(harm) as server:
        assert ask(server.url, "lock", *REQUEST, "--output", str(tmp_path / "out")) == 5
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("harm", harms(*(harm for harm in BAD_ANSWER if harm is not zeros)))
def test_a_channel_with_a_bad_answer_is_never_one_that_is_silent(harm: Harm, tmp_path: Path) -> None:
    """The conda solver tries again past its cache: when its time is up, what it saw before counts. Zeros end later."""
    with serving_harm(harm) as server:
        assert ask(server.url, *REQUEST, "--upgrade", "--only", "conda", "--output", str(tmp_path / "out")) == 5
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("harm", harms(*BAD_ANSWER))
def test_a_bad_answer_is_never_a_reason_to_fall_back(harm: Harm, tmp_path: Path) -> None:
    with serving_harm(harm) as server:
        assert ask(server.url, *REQUEST, "--upgrade", "--output", str(tmp_path / "out")) == 5
    # The conda solver tries again past its cache, so that its time may be up before it says what is wrong.
    assert not (tmp_path / "out" / "requirements.txt").exists()


@pytest.mark.parametrize("harm", harms(*NO_ANSWER, *BAD_ANSWER))
def test_verify_says_what_it_could_not_ask(harm: Harm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "out")
    assert main([*REQUEST, "--offline", "--output", folder]) == 0
    with serving_harm(harm) as server:
        assert ask(server.url, "verify", folder) == 0
        assert "skipped" in capsys.readouterr().out
        assert ask(server.url, "verify", folder, "--online") == 5


def test_a_tls_handshake_that_trickles(tmp_path: Path) -> None:
    with serving_slow_tls() as server:
        assert ask(server.url, "lock", *REQUEST, "--output", str(tmp_path / "out")) == 5
