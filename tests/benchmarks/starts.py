"""New processes as a user starts them: a decision, and the whole set of files from a shipped lock."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.processes import PASS, Command, envgen, medians, peak_mb
from benchmarks.results import Measure, Result

REQUEST = ("--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94")


def resolve(rounds: int) -> Result:
    """A cold decision: at most eight times the start of an interpreter."""
    command = Command(argv=envgen("resolve", *REQUEST))
    return _measured("resolve", "a decision in a new process", command, rounds, limit=8)


def generate(rounds: int) -> Result:
    """The full command without a network: at most twenty times the start of an interpreter."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "out")
        command = Command(
            argv=envgen(*REQUEST, "--offline", "--output", str(folder)),
            prepare=lambda: shutil.rmtree(folder, ignore_errors=True),
        )
        return _measured("generate", "the whole set of files from a shipped lock", command, rounds, limit=20)


def _measured(name: str, what: str, command: Command, rounds: int, *, limit: float) -> Result:
    taken = medians({name: command}, rounds)
    note = f"{taken[name] * 1000:.0f} ms against {taken[PASS] * 1000:.1f} ms, medians of {rounds}"
    return Result(
        name=name,
        what=what,
        measures=(
            Measure(name="time", value=taken[name] / taken[PASS], unit=f"x {PASS}", limit=limit, note=note),
            Measure(name="peak memory", value=peak_mb(command), unit="MB"),
        ),
    )
