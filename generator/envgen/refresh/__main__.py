"""`python -m envgen.refresh TASK`: remake a file of facts, print what changes, write it only with --write."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from envgen.facts.tables import data_dir, tables_digest

Task = Callable[[Path], Mapping[str, str]]


def revision(folder: Path) -> Mapping[str, str]:
    """REVISION: the day of the facts as it is, and the digest of the tables as they are now."""
    day = (folder / "REVISION").read_text(encoding="utf-8").partition(".")[0]
    return {"REVISION": f"{day}.{tables_digest(folder)}\n"}


TASKS: Mapping[str, Task] = {"revision": revision}


def run(task: Task, folder: Path, *, write: bool) -> int:
    """Print a unified diff of every file that the task changes. Returns 1 when there is one and it is not written."""
    changed = False
    for name, text in task(folder).items():
        path = folder / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before == text:
            continue
        changed = True
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        sys.stdout.writelines(lines)
        if write:
            path.write_text(text, encoding="utf-8", newline="\n")
    return 1 if changed and not write else 0


def main(arguments: list[str] | None = None, folder: Path | None = None) -> int:
    """Run one task and return the exit status: 0 nothing to do or written, 1 a difference was found."""
    parser = argparse.ArgumentParser(prog="python -m envgen.refresh", description=__doc__)
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--write", action="store_true", help="write the files (default: print the difference)")
    chosen = parser.parse_args(arguments)
    return run(TASKS[chosen.task], folder or data_dir(), write=chosen.write)


if __name__ == "__main__":
    sys.exit(main())
