"""Runs commands as new processes: wall times taken turn by turn, and the peak memory of a process and its children."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PASS = "python -c pass"
_SAMPLE_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line to measure. `prepare` runs before each run, unmeasured; `pythonpath` is for its process."""

    argv: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    pythonpath: str = ""


def python_pass() -> Command:
    """The yardstick: an interpreter that starts and ends."""
    return Command(argv=(sys.executable, "-c", "pass"))


def envgen(*arguments: str) -> tuple[str, ...]:
    """The command line of envgen: the console script of this environment, else the module."""
    script = Path(sys.executable).with_name("envgen.exe" if sys.platform == "win32" else "envgen")
    return (str(script), *arguments) if script.exists() else (sys.executable, "-m", "envgen", *arguments)


def module(name: str, *arguments: str, prepare: Callable[[], None] = lambda: None) -> Command:
    """A module of this package as a command."""
    tests = str(Path(__file__).resolve().parent.parent)
    return Command(argv=(sys.executable, "-m", f"benchmarks.{name}", *arguments), prepare=prepare, pythonpath=tests)


def medians(commands: Mapping[str, Command], rounds: int) -> dict[str, float]:
    """Return the median wall seconds of each command and of `PASS`, one run of each a round.

    Every command runs once before, unmeasured: bytecode is compiled and files are in the system's cache.
    """
    all_commands = {PASS: python_pass(), **commands}
    taken: dict[str, list[float]] = {name: [] for name in all_commands}
    for number in range(rounds + 1):
        for name, command in all_commands.items():
            command.prepare()
            start = time.perf_counter()
            output(command)
            if number:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most memory (10^6 bytes) that a run and all its children held at one moment, in two measures.

    `mb` counts a page that several of them share once (proportional set sizes), `resident_mb` once for each.
    """

    mb: float
    resident_mb: float


def peak_mb(command: Command) -> float | None:
    """Return `peak(command).mb`, or None where it is unknown."""
    found = peak(command)
    return None if found is None else found.mb


def peak(command: Command) -> Peak | None:
    """Return the peak memory of a run of its own, looked at every few milliseconds; None where it is unknown."""
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    command.prepare()
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(command),
    )
    most = [0, 0]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_S):
            most[:] = map(max, most, _tree_bytes(process.pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    stdout, stderr = process.communicate()
    done.set()
    sampler.join()
    _check(command, process.returncode, stdout + stderr)
    return Peak(mb=most[0] / 1e6, resident_mb=most[1] / 1e6)


def output(command: Command) -> bytes:
    """Run a command and return what it printed.

    Raises: RuntimeError with its last words when it fails.
    """
    done = subprocess.run(
        command.argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=_environment(command)
    )
    _check(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def _environment(command: Command) -> dict[str, str]:
    """This process's environment, but bytecode is kept: an installed envgen comes with it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [path for path in (command.pythonpath, kept.get("PYTHONPATH", "")) if path]
    return kept | ({"PYTHONPATH": os.pathsep.join(paths)} if command.pythonpath else {})


def _check(command: Command, status: int, said: bytes) -> None:
    if status:
        line = " ".join(command.argv)
        raise RuntimeError(f"{line} ended with status {status}:\n{said.decode(errors='replace')[-2000:]}")


def _tree_bytes(root: int) -> tuple[int, int]:
    """The proportional and the resident sizes of a process and all that descends from it, in bytes (Linux's /proc)."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 -- sampled every few milliseconds
        if entry.isdigit():
            # A name may hold spaces and brackets; the parent is the second field behind it.
            fields = _read(entry, "stat").rpartition(")")[2].split()
            parents[int(entry)] = int(fields[1]) if fields else 0
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    rollups = [_read(str(pid), "smaps_rollup") for pid in family]
    return sum(_bytes_of(text, "Pss:") for text in rollups), sum(_bytes_of(text, "Rss:") for text in rollups)


def _bytes_of(rollup: str, field: str) -> int:
    found = (line.split() for line in rollup.splitlines() if line.startswith(field))
    return next((int(words[1]) * 1024 for words in found), 0)


def _read(process: str, name: str) -> str:
    """A file of a process, or an empty text when it has ended."""
    try:
        return Path("/proc", process, name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
