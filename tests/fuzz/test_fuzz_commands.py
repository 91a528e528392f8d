"""Whatever is written on a command line, the run ends soon, with a status of the contract and without a traceback."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.campaign import EXAMPLES, Findings, fuzzed
from fuzz.command_lines import command_lines
from fuzz.files import REPORTS, SAMPLES
from fuzz.machine import SETTINGS, Outcome, Parent, Run, fresh, parents, snapshot

pytestmark = [pytest.mark.fuzz, pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")]

MACHINES = "name,gpu,driver,platform\na,RTX 4090,580.95.05,linux-64\nb,GeForce MX450,560.94,win-64\n"
TARGETS = (
    '[targets.lab]\ngpu = "RTX 4090"\nplatform = ["linux-64"]\n'
    '[targets.laptop]\ngpu = "GeForce MX450"\ndriver = "560.94"\nplatform = ["win-64"]\nonly = "pip"\n'
)
HELD = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline", "--output", "held"]
# With these words a person allows that such files of theirs are changed.
ALLOWING = {
    "--force": {*SAMPLES, "smoke_test.py"},
    "--write": {"pyproject.toml", "pixi.toml", "Dockerfile"},
    "init": {"envgen.toml", "pyproject.toml"},
}
STARTED = ("plain", "strict", "korean")[: 2 if EXAMPLES <= 60 else 3]


def users_folder(place: Path, parent: Parent, *, targets: bool) -> Path:
    """A folder of somebody who has files of every kind and one folder of ours, `held`."""
    work = fresh(place) / "work"
    for name, text in {
        **SAMPLES,
        "report.txt": REPORTS[0],
        "machines.csv": MACHINES,
        "smoke_test.py": "mine\n",
    }.items():
        (work / name).write_text(text, encoding="utf-8")
    if targets:
        (work / "envgen.toml").write_text(TARGETS)
    (work / "mine").mkdir()
    (work / "mine" / "notes.txt").write_text("mine\n")
    (work / "link").symlink_to("mine/notes.txt")
    (work / "loop").symlink_to("loop")
    os.mkfifo(work / "pipe")
    shutil.copytree(whole_folder(parent), work / "held")
    return work


def whole_folder(parent: Parent) -> Path:
    """A folder of ours, made once a parent."""
    place = parent.scratch / "whole"
    if not place.exists():
        assert parent.run(Run(line=HELD, cwd=fresh(place) / "work", place=place)).status == 0
    return place / "work" / "held"


def faults_of(parent: Parent, case: dict[str, Any]) -> tuple[Outcome, list[str]]:
    """Run a case; how it ended, and what is wrong with that."""
    place = parent.scratch / "place"
    work = users_folder(place, parent, targets=case["targets"])
    before = {name: held for name, held in snapshot(work).items() if not name.startswith("held/")}
    run = Run(line=case["line"], cwd=work, place=place, environ=case["environ"])
    outcome = parent.run(run)
    after = snapshot(work)
    faults = list(outcome.faults(run))
    may = {name for word, names in ALLOWING.items() if word in run.line for name in names}
    may |= set(run.line) if "ci" in run.line and "--force" in run.line else set()
    lost = [name for name, held in before.items() if after.get(name) != held]
    faults += [f"{name} of the user was changed" for name in lost if name not in may]
    faults += [f"left in the temporary folder: {name}" for name in snapshot(place / "tmp")]
    return outcome, faults


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Parent]]:
    with parents(tmp_path_factory.mktemp("parents"), STARTED) as made:
        yield made


def test_any_command_line(started: Sequence[Parent], tmp_path: Path) -> None:
    findings = Findings(tmp_path, "fuzz.test_fuzz_commands")

    @fuzzed(EXAMPLES)
    @given(
        line=command_lines(), parent=st.sampled_from(started), setting=st.sampled_from(SETTINGS), targets=st.booleans()
    )  # fmt: skip
    def search(line: list[str], parent: Parent, setting: dict[str, str], targets: bool) -> None:
        case = {"line": line, "start": parent.start, "environ": setting, "targets": targets}
        outcome, faults = faults_of(parent, case)
        findings.count(outcome.cpu_s, " ".join(line))
        for fault in faults:
            findings.note(fault, case)

    search()
    findings.close()


def show_again(text: str) -> None:
    """Run one case, given as JSON or as the file that holds it, and print how it ended."""
    case = json.loads(text if text.startswith("{") else Path(text).read_text())
    with tempfile.TemporaryDirectory() as scratch, parents(Path(scratch), [case["start"]]) as (parent,):
        outcome, faults = faults_of(parent, case)
        print(outcome.out, outcome.err, f"status {outcome.status}, {outcome.cpu_s:.1f} s", *faults, sep="\n")


if __name__ == "__main__":
    show_again(sys.argv[1])
