"""Runs a solving process: a real time limit, and it never outlives the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

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
    """How a process ended: its last answer, if any, whether the time was up, its exit status and its last words."""

    answer: ChildAnswer | None
    timed_out: bool = False
    status: int = 0
    stderr: str = ""


def run_child(request: ChildRequest, *, timeout_s: float, meanwhile: Callable[[], None] | None = None) -> ChildOutcome:
    """Run a process for a request and return how it ended.

    `meanwhile` is called once when it is started, for a short piece of work that would else wait for it. It is killed
    when the time is up or when this call is left by an exception (Ctrl-C).
    """
    ends_at = time.monotonic() + timeout_s
    with ExitStack() as stack:
        # Files and no pipes, which could fill up.
        stdin, stdout, stderr = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        stdin.write(json.dumps({**request, "limit_s": timeout_s + _GRACE_S}).encode("ascii"))
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

        process = stack.enter_context(kept(start, end_process))
        if meanwhile is not None:
            meanwhile()
        while (is_running := process.poll() is None) and time.monotonic() < ends_at:
            time.sleep(_POLL_S)  # not a blocking wait: Windows would not see Ctrl-C during one
        if is_running:
            end_process(process)
        stdout.seek(0)
        stderr.seek(0)
        return ChildOutcome(
            answer=_last_answer(stdout.read()) if is_running or process.returncode == 0 else None,
            timed_out=is_running,
            status=process.returncode,
            stderr=stderr.read().decode("utf-8", "replace"),
        )


def _last_answer(stdout: bytes) -> ChildAnswer | None:
    """The last whole line; a process that was ended may have written what it knew before it tried again."""
    for line in reversed(stdout.splitlines()):
        try:
            return cast("ChildAnswer", parse_json(line))
        except JsonError:
            continue
    return None
