"""Runs of the command line by the thousand, and what is wrong with one that ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

STATUSES = frozenset(range(6))
LONGEST_S = 5.0
TESTS = Path(__file__).parent.parent
# What an interpreter reads when it starts: each has a parent of its own.
STARTS: dict[str, dict[str, str]] = {
    "plain": {"LC_ALL": "C.UTF-8"},
    "strict": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONWARNINGS": "error"},
    "bare": {"LC_ALL": "C.UTF-8"},
    "korean": {"LC_ALL": "ko_KR.EUC-KR", "LANG": "ko_KR", "PYTHONUTF8": "0", "PYTHONIOENCODING": "euc-kr"},
}
# What is read while a run goes on.
SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"COLUMNS": "0", "TERM": "dumb"},
    {"NO_COLOR": "1", "COLUMNS": "-5"},
    {"FORCE_COLOR": "1", "COLUMNS": "9" * 50, "LANG": "C"},
    {"LANG": "ko_KR.UTF-8", "LANGUAGE": "ko", "TZ": "Nowhere/Else"},
)
# Characters that move, hide or end what a terminal shows.
CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A command line, where it runs and what it finds in its environment."""

    line: Sequence[str]
    cwd: Path
    place: Path  # may be changed; nothing else may
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: int
    cpu_s: float
    wall_s: float
    late: bool
    left_child: bool
    out: str
    err: str
    told: Sequence[tuple[str, str]]  # what the guard saw

    def faults(self, run: Run) -> Iterator[str]:
        """What no run may do, whatever it was asked."""
        said = self.out + self.err
        if self.late:
            yield f"did not end ({self.cpu_s:.1f} s of processor time)"
        elif self.status not in STATUSES:
            yield f"status {self.status}: {self.err[-400:]}"
        elif self.cpu_s > LONGEST_S:
            yield f"{self.cpu_s:.1f} s of processor time"
        if "Traceback (most" in said or "Exception ignored" in said:
            yield f"traceback: {said[-600:]}"
        if self.status in (2, 3, 4, 5) and not said.strip():
            yield f"status {self.status} without a word"
        if self.left_child:
            yield "a child is left"
        if (found := CONTROLS.search(self.err)) is not None:
            yield f"a control character {found[0]!r} on stderr: {self.err[max(0, found.start() - 60) :][:120]!r}"
        named = [os.path.normpath(run.cwd / word) for word in run.line if word]
        for kind, what in self.told:
            if kind == "writes" and not any(f"{what}/".startswith(f"{name.rstrip('/')}/") for name in named):
                yield f"writes {what}"
            if kind == "connects" and is_offline(run.line):
                yield f"connects to {what}"


def is_offline(line: Sequence[str]) -> bool:
    """True when no network may be asked: of --online and --offline the last counts."""
    switches = [word for word in line if word in ("--online", "--offline")]
    return switches[-1:] == ["--offline"]


class Parent:
    """A warm parent for one way to start the interpreter."""

    def __init__(self, start: str, scratch: Path) -> None:
        environ = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPYCACHEPREFIX")}
        environ |= STARTS[start] | {"PYTHONPATH": str(TESTS), "HOME": str(scratch)}
        command = [sys.executable, "-m", "fuzz.server", *(["bare"] if start == "bare" else [])]
        self.start, self.scratch = start, scratch
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, cwd=scratch, text=True
        )
        self._answer()

    def _answer(self) -> object:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the parent has ended"
        return json.loads(line)

    def run(self, run: Run, *, wall_s: int = 40) -> Outcome:
        """Do a run and return how it ended."""
        streams = {name: str(self.scratch / name) for name in ("out", "err", "told")}
        for path in streams.values():
            Path(path).write_bytes(b"")
        asked = {
            "line": list(run.line), "cwd": str(run.cwd), "allowed": str(run.place),
            "environ": whole_environ(run), "in": os.devnull, "cpu_s": 30, "wall_s": wall_s, **streams,
        }  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        ended = self._answer()
        assert isinstance(ended, dict)
        texts = {name: Path(streams[name]).read_bytes().decode("utf-8", "replace") for name in ("out", "err")}
        told = [tuple(json.loads(line)) for line in Path(streams["told"]).read_text().splitlines()]
        return Outcome(**ended, out=texts["out"], err=texts["err"], told=told)

    def close(self) -> None:
        """End the parent."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def whole_environ(run: Run) -> dict[str, str]:
    """The environment of a run: no server answers, and what is kept is kept in its own place."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:1")
    places = {"TMPDIR": "tmp", "ENVGEN_CACHE_DIR": "cache", "HOME": "home", "XDG_CACHE_HOME": "cache"}
    own = {name: str(run.place / folder) for name, folder in places.items()}
    return {"PATH": os.environ["PATH"], **proxies, **own, **run.environ}


@contextmanager
def parents(scratch: Path, starts: Sequence[str]) -> Iterator[list[Parent]]:
    """A parent for each way to start."""
    made: list[Parent] = []
    try:
        for start in starts:
            (scratch / start).mkdir()
            made.append(Parent(start, scratch / start))
        yield made
    finally:
        for parent in made:
            parent.close()


def snapshot(folder: Path) -> dict[str, str]:
    """Path below the folder -> what is there: a kind, and for a file or a link the contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            content = sha256(path.read_bytes()).hexdigest()
        else:
            content = str(path.readlink()) if stat.S_ISLNK(mode) else ""
        found[str(path.relative_to(folder))] = f"{stat.S_IFMT(mode):o} {content}"
    return found


def fresh(place: Path) -> Path:
    """The place of a run, empty but for the folders that its environment names."""
    if place.exists():
        for path in [place, *(path for path in place.rglob("*") if path.is_dir() and not path.is_symlink())]:
            path.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    for name in ("", "tmp", "home", "work"):
        (place / name).mkdir(mode=0o755)
    return place
