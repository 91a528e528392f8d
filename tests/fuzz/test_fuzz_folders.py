"""Whatever stands in a folder, the commands that read it end soon, say so, and change nothing that a person did."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.files.registry import is_ours
from fuzz.campaign import EXAMPLES, Findings, fuzzed
from fuzz.folders import hurt, is_edited, meaning
from fuzz.machine import Outcome, Parent, Run, fresh, parents, snapshot

pytestmark = [pytest.mark.fuzz, pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")]

TESTS = Path(__file__).parent.parent
SHIPPED = TESTS.parent / "lockfiles" / "linux-64" / "py3.12"
MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
# How the whole folder is made; the last is one of an older release.
REQUESTS: Mapping[str, Sequence[str]] = {
    "both": MX450,
    "pip": [*MX450, "--only", "pip"],
    "two": ["--gpu", "RTX 4090", "--driver", "570.133.20", "--platform", "linux-64", "--platform", "linux-aarch64"],
    "rtx3090": ["--gpu", "RTX 3090", "--driver", "550.54.15", "--platform", "linux-64"],
    "project": [],
    "legacy": MX450,
}
TARGETS = (
    '[targets.lab]\ngpu = "RTX 3090"\ndriver = "550.54.15"\nplatform = ["linux-64"]\nonly = "pip"\nrunner = "gpu"\n'
    '[targets.laptop]\ngpu = "GeForce MX450"\ndriver = "560.94"\nplatform = ["win-64"]\n'
)


@dataclass(frozen=True, kw_only=True)
class Equipment:
    parent: Parent
    bases: Mapping[str, Path]


def whole_folders(parent: Parent) -> Equipment:
    """A folder of each kind, made by runs."""
    bases = {}
    for name, request in REQUESTS.items():
        if name == "legacy":
            bases[name] = TESTS / "files" / "legacy" / "asked"
            continue
        work = fresh(parent.scratch / name) / "work"
        if name == "project":
            (work / "envgen.toml").write_text(TARGETS)
        made = parent.run(Run(line=[*request, "--offline"], cwd=work, place=work.parent))
        assert made.status == 0, made.err
        bases[name] = work
    return Equipment(parent=parent, bases=bases)


def judge_case(with_: Equipment, seed: int) -> Iterator[tuple[Outcome, list[str]]]:
    """Make the folder of a seed, let two commands read it and now and then one write it; what is wrong."""
    rng = Random(f"commands {seed}")
    base = rng.choice(list(with_.bases))
    place = fresh(with_.parent.scratch / "place")
    work, request = place / "work", REQUESTS[base]
    work.rmdir()
    faults = hurt(seed, with_.bases[base], work, with_.bases)
    (place / "outside").write_text("mine\n")
    names = [*sorted(path.name for path in work.iterdir()), "missing"]
    folder = [] if base == "project" else ["."]
    reading = [
        [*request, "--check"], [*request, "--check", "--format", "json"],
        [*request, "--offline", "--dry-run", "--diff"],
        [*request, "--offline", "--upgrade", "--dry-run", "--timeout", "1"],
        ["matrix", *([] if base == "project" else ["--lockfiles", "."]), "--format", rng.choice(("github", "text"))],
        ["audit", *([] if base == "project" else [*rng.sample(names, min(3, len(names))), *MX450])],
        ["audit", *names, "--gpu", "RTX 3090", "--driver", "550.54.15", "--format", rng.choice(("json", "github"))],
        ["ci", "--check"], ["verify", "--offline", *folder], ["verify", "--offline", "--strict", ".", ".."],
        ["doctor", "--report", rng.choice(names)],
        [*MX450, "--offline", "--dry-run", "--output", "../new", "--requirements", rng.choice(names)],
        [*MX450, "--offline", "--dry-run", "--output", "../new", "--environment", rng.choice(names)],
        ["init", *MX450, "--dry-run"], ["project", rng.choice(("uv", "pixi", "docker")), *MX450],
    ]  # fmt: skip
    writing = [
        [*request, "--offline"], [*request, "--offline"], [*request, "--upgrade", "--timeout", "1"],
        ["lock", *request, "--timeout", "1"], ["ci"], ["init", *MX450], ["project", "uv", *MX450, "--write"],
    ]  # fmt: skip

    def run(line: Sequence[str]) -> tuple[Outcome, list[str]]:
        asked = Run(line=line, cwd=work, place=place)
        outcome = with_.parent.run(asked)
        return outcome, [f"{' '.join(line)[:100]}: {fault}" for fault in outcome.faults(asked)]

    before = snapshot(place)
    outcome, found = run(["verify", "--offline", "--format", "json", *folder])
    found += good_in_spite_of(outcome, with_.bases[base], work, faults)
    yield outcome, found
    outcome, found = run(rng.choice(reading))
    changed = sorted(name for name, held in snapshot(place).items() - before.items() if not name.startswith("cache"))
    yield outcome, [*found, *(f"a reading command changed {name}" for name in changed)]
    if rng.random() < 0.5:
        return
    line = rng.choice(writing)
    kept = {path: snapshot_of(path) for path in work.rglob("*") if not path.is_dir() and is_edited(path)}
    outcome, found = run(line)
    if line[0] not in ("init", "project"):  # they add to a file of a person's, and say so
        changed = [path.name for path, held in kept.items() if snapshot_of(path) != held]
        found += [f"{line[0]}: {name} of a person was changed" for name in changed]
    found += [f"left in the temporary folder: {name}" for name in snapshot(place / "tmp")]
    found += [f"left: {path.name}" for path in work.rglob(".envgen*")]
    yield outcome, found
    if outcome.status == 0 and "--offline" in line and "stranger" not in str(faults):
        # A name of ours that something else has taken: everything is written beside it.
        made = ["envs"] if base != "project" and (work / "envs").is_dir() else folder
        outcome, found = run(["verify", "--offline", *made])
        yield outcome, found + ([f"written and then not good: {outcome.out[:500]}"] if outcome.status else [])


def snapshot_of(path: Path) -> tuple[int, bytes | str] | None:
    """What is there, without following it."""
    if path.is_symlink():
        return 0, str(path.readlink())
    if not path.exists():
        return None
    return path.lstat().st_mode, path.read_bytes() if path.is_file() else b""


def good_in_spite_of(outcome: Outcome, base: Path, work: Path, faults: Sequence[str]) -> list[str]:
    """What changed in a folder that verify calls good and that its readers take something else from."""
    if not outcome.out.startswith("{"):
        return []
    found = []
    for folder in json.loads(outcome.out).get("folders", ()):
        if folder["verdict"] != "good":
            continue
        place = work / folder["folder"]
        was = base / folder["folder"]
        for name in filter(is_ours, sorted({path.name for path in [*was.iterdir(), *place.iterdir()]})):
            one, two = was / name, place / name
            try:
                if one.read_bytes() != two.read_bytes() and meaning(one) != meaning(two):
                    found.append(f"good with another {name} ({faults})")
            except (OSError, ValueError, SyntaxError) as error:
                found.append(f"good with {name}: {error} ({faults})")
    return found


@pytest.fixture(scope="module")
def equipment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Equipment]:
    with parents(tmp_path_factory.mktemp("parents"), ["plain"]) as (parent,):
        yield whole_folders(parent)


def test_any_folder(equipment: Equipment, tmp_path: Path) -> None:
    findings = Findings(tmp_path, "fuzz.test_fuzz_folders")

    @fuzzed(max(8, EXAMPLES // 10))
    @given(case=st.integers(0, 2**48))
    def search(case: int) -> None:
        for outcome, faults in judge_case(equipment, case):
            findings.count(outcome.cpu_s, str(case))
            for fault in faults:
                findings.note(fault, {"seed": case})

    search()
    findings.close()


def show_again(text: str) -> None:
    """Make one folder again and print what the commands say of it."""
    with tempfile.TemporaryDirectory() as scratch, parents(Path(scratch), ["plain"]) as (parent,):
        for outcome, faults in judge_case(whole_folders(parent), json.loads(text)["seed"]):
            print(outcome.out[-3000:], outcome.err[-3000:], f"status {outcome.status}", *faults, sep="\n")


if __name__ == "__main__":
    show_again(sys.argv[1])
