"""The equipment sees what it is there to see: each of these runs does what no run of envgen's may."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.machine import Parent, Run, fresh, is_offline, parents

pytestmark = [pytest.mark.fuzz, pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")]

# What a run does in the place of the command line, and what is said of it.
WRONG = {
    "raise KeyError('x')": "traceback: ",
    "raise SystemExit(9)": "status 9: ",
    "import os; os.kill(os.getpid(), 11)": "status -11: ",
    "import time; time.sleep(60)": "did not end",
    "while True: pass": "did not end",
    "import subprocess; subprocess.Popen(['sleep', '60'])": "a child is left",
    "import sys; sys.stderr.write('\\x1b[31mx')": "a control character",
    "import sys; sys.stderr.write('a\\u202eb')": "a control character",
    "raise SystemExit(3)": "status 3 without a word",
    "open('../../outside', 'w').close()": "writes ",
    "import os; os.mkdir('/tmp/envgen-fuzz-outside')": "writes ",
    "import os; os.rename('/etc/hostname', 'x')": "writes ",
    "import os; os.symlink('x', '/tmp/envgen-fuzz-outside')": "writes ",
    "import socket; socket.create_connection(('127.0.0.1', 1))": "connects to ",
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    with parents(tmp_path_factory.mktemp("parents"), ["bare"]) as (made,):
        yield made


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_run_is_seen(code: str, parent: Parent, tmp_path: Path) -> None:
    place = fresh(tmp_path / "place")
    (tmp_path / "outside").write_text("mine\n")
    run = Run(line=["--offline", code], cwd=place / "work", place=place)
    assert any(WRONG[code] in fault for fault in parent.run(run, wall_s=5).faults(run))
    assert (tmp_path / "outside").read_text() == "mine\n"


def test_a_run_that_does_as_it_should(parent: Parent, tmp_path: Path) -> None:
    place = fresh(tmp_path / "place")
    code = "import os, sys; open('x', 'w').write('x'); os.rename('x', 'y'); os.remove('y'); sys.stderr.write('é')"
    run = Run(line=["--offline", code], cwd=place / "work", place=place)
    assert list(parent.run(run).faults(run)) == []


def test_of_two_switches_the_last_counts() -> None:
    assert is_offline(["verify", "--online", "--offline"])
    assert not is_offline(["verify", "--offline", "--online"])
