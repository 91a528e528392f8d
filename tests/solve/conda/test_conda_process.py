"""Solving processes: they end well every time, at the limit when they must, and with the call when it is left."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from envgen.solve.conda import process as conda_process
from envgen.solve.conda.messages import ChildCandidate, ChildRequest
from envgen.solve.conda.process import run_child
from envgen.solve.conda.source import CHANNEL_SITE
from equipment.conda_channel import cuda_query
from equipment.loopback import Fault, serving

SHARDS = "*repodata_shards*"


def request(folder: str, *, mirror: str = "", cache: str = "") -> ChildRequest:
    query = cuda_query()
    candidate: ChildCandidate = {
        "channels": [f"{CHANNEL_SITE}/conda-forge"],
        "specs": list(query.specs),
        "virtual_packages": query.virtual_packages,
    }
    return {
        "subdir": "linux-64",
        "candidates": [candidate],
        "alone": candidate,
        "extras": [],
        "optional": [],
        "may_lack": [],
        "preferred": [],
        "site": CHANNEL_SITE,
        "mirror": mirror,
        "mirror_host": "",
        "authorization": "",
        "folder": folder,
        "cache_dir": cache,
        "retries": 0,
        "limit_s": 60,
        "user_agent": "envgen/test",
    }


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process that is started from here on."""
    seen: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            seen.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return seen


@pytest.mark.parametrize("count", [12, pytest.param(1000, marks=pytest.mark.slow)])
def test_solve_after_solve_exits_with_zero(channels: Path, count: int) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = list(pool.map(lambda _: run_child(request(str(channels)), timeout_s=60), range(count)))
    assert {outcome.status for outcome in outcomes} == {0}
    assert all(outcome.answer and len(outcome.answer["records"]) == 6 for outcome in outcomes)
    assert all(outcome.stderr == "" for outcome in outcomes)


def test_a_child_is_killed_at_the_limit(channels: Path, tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    with serving(channels, Fault(path=SHARDS, stall=True)) as server:
        slow = request("", mirror=server.url, cache=str(tmp_path))
        outcome = run_child(slow, timeout_s=4)
    assert outcome.timed_out
    assert outcome.answer is None
    assert [process.poll() is not None for process in started] == [True]


def test_no_child_outlives_an_interruption(
    channels: Path, tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with serving(channels, Fault(path=SHARDS, stall=True)) as server:
        slow = request("", mirror=server.url, cache=str(tmp_path))
        with pytest.raises(KeyboardInterrupt):
            run_child(slow, timeout_s=60, meanwhile=interrupt)
    assert [process.poll() is not None for process in started] == [True]


def test_a_child_that_nobody_waits_for_ends_by_itself(
    channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(conda_process, "_GRACE_S", -59.5)  # its own limit comes long before the parent's
    with serving(channels, Fault(path=SHARDS, stall=True)) as server:
        outcome = run_child(request("", mirror=server.url, cache=str(tmp_path)), timeout_s=60)
    assert not outcome.timed_out
    assert outcome.status != 0
    assert outcome.stderr.startswith("Timeout")


def test_words_on_standard_error_are_kept_for_the_message(channels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = request(str(channels))
    broken["subdir"] = "no-such-subdir"
    outcome = run_child(broken, timeout_s=60)
    assert outcome.answer is None
    assert outcome.status == 1
    assert "no-such-subdir" in outcome.stderr
