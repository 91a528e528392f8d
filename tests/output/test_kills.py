"""Killed at any moment: every file is whole, a torn set is recognised, and the next run completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envgen.files.reading import is_untouched
from envgen.output.plan import make_plan, read_folder
from envgen.output.writing import apply
from output.written import SEVEN, a_run, content, write

TESTS = Path(__file__).parents[1]
NEW = a_run("new", names=SEVEN)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

LOOP = """
import sys
from pathlib import Path
from output.written import SEVEN, a_run, write
folder, size = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
n = 0
while True:
    n += 1
    write(folder, a_run(f"run {n}", size=size, names=SEVEN))
    write(folder, a_run(f"run {n}", size=size, names=("conda-win-64.lock", "environment.yml", "pylock.toml")))
"""


def kill_while_it_writes(folder: Path, delay_s: float) -> None:
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [sys.executable, "-c", LOOP, str(folder), "500"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay_s)
        assert process.poll() is None, "it ended by itself"
        process.kill()


def check_after_a_kill(folder: Path) -> tuple[bool, bool]:
    """Every file is whole, the next run completes the set; returns whether it was torn, and whether a rest was left."""
    found = read_folder(folder)
    assert [name for name, text in found.items() if text is None or not is_untouched(text)] == []
    plan = make_plan(folder, found, NEW, force=False)
    left = folder.is_dir() and any(folder.glob(".envgen-*"))
    apply(plan)
    assert content(folder) == NEW
    return plan.torn, left


@pytest.mark.parametrize("number", range(15))
def test_a_run_that_is_killed_leaves_whole_files(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "out"
    kill_while_it_writes(folder, random.Random(number).uniform(0, 0.1))
    check_after_a_kill(folder)


@pytest.mark.slow
def test_300_kills_leave_whole_files_and_meet_every_moment(tmp_path: Path) -> None:
    moments = random.Random(300)
    seen = set()
    for number in range(300):
        folder = tmp_path / str(number)
        kill_while_it_writes(folder, moments.uniform(0, 0.1))
        torn, left = check_after_a_kill(folder)
        seen.add("torn" if torn else "whole")
        seen.add("rest" if left else "clean")
    assert {"whole", "rest"} <= seen, seen


# A run for each folder: one kills itself before its first change of the file system, the next before its second.
DIE = """
import os, signal, sys
from pathlib import Path
from output.written import SEVEN, a_run, write
moment = seen = 0
def dying(event, arguments):
    global seen
    created = event == "open" and arguments[2] & os.O_CREAT
    if created or event in ("os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir"):
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)
new = a_run("new", names=SEVEN)
for folder in sys.argv[1:]:
    moment += 1
    child = os.fork()
    if not child:
        sys.addaudithook(dying)
        write(Path(folder), new)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@posix
def test_a_run_that_dies_before_any_of_its_steps_is_completed_by_the_next(tmp_path: Path) -> None:
    """The process is killed before its first change of the file system, before its second, and so on to the last."""
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    older = a_run("old", names=(*SEVEN, "conda-linux-64.lock"))
    torn = []
    folders = [tmp_path / str(moment) for moment in range(1, 71)]
    for folder in folders:
        write(folder, older)
    command = [sys.executable, "-c", DIE, *map(str, folders)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "0" in done.stdout.split()
    for folder, status in zip(folders, done.stdout.split(), strict=True):
        if status == "0":
            break
        assert int(status) == -signal.SIGKILL, done.stderr
        found = read_folder(folder)
        assert all(text in (older[name], NEW.get(name)) for name, text in found.items())
        was_torn, _ = check_after_a_kill(folder)
        torn.append(was_torn)
    assert content(folder) == NEW
    assert sum(torn) == 7  # before the second of seven renames and each later one, and before the stale file goes
    assert len(torn) > 3 * len(SEVEN)  # each new file is made, each old one kept, each renamed
