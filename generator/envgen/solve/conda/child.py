"""Solves one conda request in a process of its own: a JSON request on stdin, JSON answers on stdout, the last counts.

A process of its own because py-rattler's threads can crash an interpreter that shuts down
(PyO3/pyo3-async-runtimes#40), so this one never does: it flushes and leaves through `os._exit`. It also gives the
memory back and can be killed.
Run as `python -m envgen.solve.conda.child`; imports nothing heavy but rattler.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import TYPE_CHECKING

from envgen.core.json_text import parse_json
from envgen.solve.conda.channel_data import Access, BadFolderError, opened, written_version
from envgen.solve.conda.messages import ChildAnswer, ChildRecord, ChildRequest
from envgen.solve.conda.together import NoCandidateError, Solution, solve_together

if TYPE_CHECKING:
    from rattler import RepoDataRecord


def main() -> None:
    """Answer the request on stdin and leave without interpreter shutdown."""
    status = 1
    try:
        request: ChildRequest = parse_json(sys.stdin.buffer.read())
        # Ends the process even when the parent was killed before it could do so.
        faulthandler.dump_traceback_later(request["limit_s"], exit=True)
        _tell(answer(request))
        status = 0
    except BaseException:  # noqa: BLE001 -- the last frame of the process: print, then leave in the one safe way
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(status)


def _tell(what: ChildAnswer) -> None:
    """Write an answer as a line. The last one counts: one that comes before another try is for when time is up."""
    sys.stdout.buffer.write(json.dumps(what).encode("ascii") + b"\n")
    sys.stdout.buffer.flush()


def answer(request: ChildRequest) -> ChildAnswer:
    """Solve a request. Failures that belong to the channel, the specs or the solver are answers, not exceptions."""
    import asyncio

    from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError

    try:
        found = asyncio.run(_solve(request))
    except NoCandidateError as error:
        return _answer("unsolvable", error, reasons=error.reasons)
    except SolverError as error:
        return _answer("time", error)
    except InvalidMatchSpecError as error:
        return _answer("spec", error)
    except (GatewayError, BadFolderError) as error:
        return _answer("channel", error)
    return {
        **_answer("", ""),
        "chosen": found.chosen,
        "records": [_row(record) for record in found.records],
        "reasons": list(found.reasons),
        "held_back_by": list(found.held_back_by),
        "passed": list(found.passed),
        "lacking": list(found.lacking),
        "renamed": dict(found.renamed),
        "dropped": list(found.dropped),
    }


def _answer(part: str, error: Exception | str, reasons: list[str | None] | None = None) -> ChildAnswer:
    return {
        "failure": part,
        "text": str(error),
        "chosen": -1,
        "records": [],
        "reasons": reasons or [],
        "held_back_by": [],
        "passed": [],
        "lacking": [],
        "renamed": {},
        "dropped": [],
    }


async def _solve(request: ChildRequest) -> Solution:
    import asyncio

    from rattler.exceptions import GatewayError

    if request["folder"]:
        with opened(request) as data:
            return await solve_together(request, data)
    access = Access.of(request)
    while True:
        try:
            with opened(request, access.gateway()) as data:
                return await solve_together(request, data)
        except GatewayError as error:
            pause_s = access.after(str(error))
            if pause_s is None:
                raise
            _tell(_answer("channel", error))
            await asyncio.sleep(pause_s)


def _row(record: RepoDataRecord) -> ChildRecord:
    build, name = str(record.build), record.name.normalized
    return {
        "name": name,
        "version": written_version(record),
        "build": build,
        "build_number": record.build_number,
        "channel": record.channel or "",
        "subdir": record.subdir,
        "filename": record.file_name,
        "url": record.url,
        "md5": record.md5.hex() if record.md5 else "",
        "sha256": record.sha256.hex() if record.sha256 else "",
        "depends": [str(spec) for spec in record.depends],
        "constrains": [str(spec) for spec in record.constrains],
    }


if __name__ == "__main__":
    main()
