"""Whatever is written on a command line, the run ends soon, with a status of the contract and without a traceback."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from envgen.cli.main import main
from fuzz.command_lines import command_lines

STATUSES = {0, 1, 2, 3, 4, 5}
LONGEST_S = 5.0
# `poe fuzz` sets it; the default run is small and the same each time.
EXAMPLES = int(os.environ.get("ENVGEN_FUZZ_EXAMPLES", "60"))


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and no server that would answer."""
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy", "ENVGEN_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 60,
    print_blob=False,
)  # fmt: skip
@given(line=command_lines())
def test_any_command_line(line: list[str], alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Last, so that it counts: the run ends by itself after a second, and writes where it may.
    command = [*line, *_bounds(line)]
    started = time.process_time()
    status = main(command)
    taken = time.process_time() - started
    said = capsys.readouterr()
    assert status in STATUSES, f"{status}: {said.err[-500:]}"
    assert "Traceback" not in said.err + said.out
    assert taken < LONGEST_S, f"{taken:.1f} s"


def _bounds(line: list[str]) -> list[str]:
    name = (
        line[0] if line and line[0] in ("resolve", "why-not", "gpus", "lock", "verify", "matrix", "ci", "audit") else ""
    )
    if name == "verify":
        return ["--timeout", "1"]
    return ["--timeout", "1", "--output", "out"] if name in ("", "lock") else []
