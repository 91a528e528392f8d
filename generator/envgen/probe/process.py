"""The one way out to other programs: a runner that always comes back in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Protocol, TypedDict

from envgen.core.dataclass import dataclass
from envgen.core.stop import kept


class Outcome(StrEnum):
    """How running a command ended."""

    DONE = "done"
    NOT_FOUND = "not-found"
    DENIED = "denied"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to run. `name` is short and stable (the captures of the tests are filed under it).

    `environ` is added to the environment; `drop` names variables to remove from it.
    """

    name: str
    argv: tuple[str, ...]
    limit_s: float
    environ: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a command left. `exit_code` is None unless `outcome` is DONE; it is negative for a signal.

    For a command that ran out of time, `stdout` is what it had said by then.
    """

    outcome: Outcome
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    elapsed_s: float = 0.0


class Runner(Protocol):
    """Runs a command for at most `timeout_s`."""

    def __call__(self, command: Command, /, *, timeout_s: float) -> Completed: ...


def run_command(command: Command, /, *, timeout_s: float) -> Completed:
    """Run `command` without a shell or input and return what it left; never longer than `timeout_s` by much.

    A program that hangs inside the kernel (a wedged driver) survives SIGKILL, so after the kill it is waited for only
    briefly and then left behind: `subprocess.run(timeout=)` would wait for it for ever.
    """
    begin = time.monotonic()
    environ = {key: value for key, value in os.environ.items() if key not in command.drop} | dict(command.environ)
    # English messages: the parsers read them.
    environ.setdefault("LC_ALL", "C.UTF-8")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - fixed argument vectors, no shell
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            **own_group(),
        )

    try:
        with kept(start, end_process) as process:
            stdout, stderr = process.communicate(timeout=max(timeout_s, 0.0))
    except FileNotFoundError:
        return Completed(outcome=Outcome.NOT_FOUND)
    except OSError as error:
        return Completed(outcome=Outcome.DENIED, stderr=error.strerror or str(error))
    except subprocess.TimeoutExpired as expired:
        said = (expired.output or b"").decode("utf-8", "replace")  # nothing on Windows
        return Completed(outcome=Outcome.TIMED_OUT, stdout=said, elapsed_s=time.monotonic() - begin)
    return Completed(
        outcome=Outcome.DONE,
        exit_code=process.returncode,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        elapsed_s=time.monotonic() - begin,
    )


class OwnGroup(TypedDict):
    """Arguments of Popen."""

    start_new_session: bool
    creationflags: int


def own_group() -> OwnGroup:
    """What lets a process be ended with all it starts; on Windows, no console flashes up."""
    return {
        "start_new_session": sys.platform != "win32",
        "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0),
    }


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs with all it started, and leave it when even that does not end it."""
    if process.poll() is None:
        _kill(process)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        import signal

        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    try:
        process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        # Not ended and perhaps never will be: say so to Popen, whose destructor warns about running children.
        process.returncode = -9
