"""Runs solving processes side by side: a real time limit, and none of them outlives the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import IO, cast

from envgen.core.dataclass import dataclass
from envgen.core.json_text import JsonError, parse_json
from envgen.core.stop import kept, scratch_folder
from envgen.probe.process import end_process, own_group
from envgen.solve.conda.messages import ChildAnswer, ChildRequest

_POLL_S = 0.01
# How much later than the limit a child ends by itself: only when nobody was left to kill it.
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOutcome:
    """How one process ended: its last answer, if any, whether the time was up, its exit status and its last words."""

    answer: ChildAnswer | None
    timed_out: bool = False
    status: int = 0
    stderr: str = ""


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]


def run_children(
    requests: Sequence[ChildRequest],
    *,
    timeout_s: float,
    on_end: Callable[[int], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> list[ChildOutcome]:
    """Run one process for each request, all at once, and return their outcomes in the order of the requests.

    `on_end` is called with the position of each process that ended; `meanwhile` is called once when all are started,
    for a short piece of work that would else wait for them. All are killed when the time is up or when this call is
    left by an exception (Ctrl-C).
    """
    ends_at = time.monotonic() + timeout_s
    with ExitStack() as stack:
        children = []
        for request in requests:
            children.append(_start({**request, "limit_s": timeout_s + _GRACE_S}, stack))
        if meanwhile is not None:
            meanwhile()
        running = set(range(len(children)))
        while running and time.monotonic() < ends_at:
            for at in [at for at in sorted(running) if children[at].process.poll() is not None]:
                running.discard(at)
                if on_end is not None:
                    on_end(at)
            if running:
                time.sleep(_POLL_S)  # not a blocking wait: Windows would not see Ctrl-C during one
        for at in running:
            end_process(children[at].process)
        return [_outcome(child, timed_out=at in running) for at, child in enumerate(children)]


def _start(request: ChildRequest, stack: ExitStack) -> _Child:
    """Start a process whose streams are files: no pipe that could fill up while another process is waited for."""
    stdin = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 -- the stack closes it
    stdout = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 -- the stack closes it
    stderr = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 -- the stack closes it
    stdin.write(json.dumps(request).encode("ascii"))
    stdin.seek(0)
    scratch = stack.enter_context(scratch_folder("envgen-conda-"))  # the child's: it may be killed
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONINSPECT", "PYTHONWARNINGS")}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            # -P and not -I: a user's own site-packages and PYTHONPATH may be where rattler lives.
            [sys.executable, "-P", "-m", "envgen.solve.conda.child"],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch),
            **own_group(),
        )

    return _Child(stack.enter_context(kept(start, end_process)), stdout, stderr)


def _outcome(child: _Child, *, timed_out: bool) -> ChildOutcome:
    child.stdout.seek(0)
    child.stderr.seek(0)
    stderr = child.stderr.read().decode("utf-8", "replace")
    status = child.process.returncode
    answer = _last_answer(child.stdout.read()) if timed_out or status == 0 else None
    return ChildOutcome(answer=answer, timed_out=timed_out, status=status, stderr=stderr)


def _last_answer(stdout: bytes) -> ChildAnswer | None:
    """The last whole line; a process that was ended may have written what it knew before it tried again."""
    for line in reversed(stdout.splitlines()):
        try:
            return cast("ChildAnswer", parse_json(line))
        except JsonError:
            continue
    return None
