"""How each command ends against each kind of bad server, and how soon:

    PYTHONPATH=tests python -m equipment.server_table [--jobs N] [--kinds TEXT...] [--commands TEXT...]

prints a table: a row a kind, a column a command, in each the status and the seconds. What took longer than the limit is
run again alone at the end, so that a host that does much else is no fault. It ends with 1 when a status is another than
the contract says, something took longer, or a process or a temporary folder was left.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from equipment.hostile_front import LIES, front, honest_servers, page, status, to_another_host
from equipment.hostile_server import BAD_ANSWER, NO_ANSWER, Harm, serving_no_connection, serving_slow_tls

TESTS = Path(__file__).parent.parent
ASKED_S, LIMIT_S = 5, 7.0
REQUEST = ("--gpu", "RTX 3090", "--driver", "550.54.15", "--platform", "linux-64")
RETRY = "Retry-After: 3600"
HTML = page(b"<html><body><h1>Service</h1>It works!</body></html>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of server. `outcome` is what it is to a reader: `silent`, `bad` or a `lie` that a solve may not see."""

    name: str
    outcome: str
    harm: Harm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command; `{…}` in its words is filled in. `where` is what of the servers is bad, as a pattern of paths.

    The statuses are those for a server that is silent, and for one whose answer is bad.
    """

    name: str
    words: tuple[str, ...]
    silent: tuple[int, ...]
    bad: tuple[int, ...]
    where: str = ""
    falls_back: bool = False
    needs_folder: bool = False
    has_mirrors: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run ended."""

    status: int
    seconds: float
    faults: tuple[str, ...]

    @property
    def cell(self) -> str:
        return f"{self.status} {self.seconds:.1f}{'!' if self.faults else ''}"


def all_kinds() -> Iterator[Kind]:
    """Every kind once."""
    for harm in NO_ANSWER:
        yield Kind(name=harm.__name__.replace("_", " "), outcome="silent", harm=harm)
    for number in (401, 403, 407, 429, 500, 502, 503):
        yield Kind(name=f"{number}, {RETRY}", outcome="silent", harm=status(number, RETRY))
    yield Kind(name="no connection", outcome="silent")
    yield Kind(name="slow TLS", outcome="silent")
    for harm in BAD_ANSWER:
        yield Kind(name=harm.__name__.replace("_", " "), outcome="bad", harm=harm)
    yield Kind(name="an HTML page for everything", outcome="bad", harm=HTML)
    yield Kind(name="JSON of something else", outcome="bad", harm=page(b'{"x": []}', "application/json"))
    yield Kind(name="JSON that is none", outcome="bad", harm=page(b'{"files": [', "application/json"))
    yield Kind(name="204 for everything", outcome="bad", harm=status(204))
    yield Kind(name="404 for everything", outcome="absent", harm=status(404))
    yield Kind(name="redirects to another host", outcome="lie", harm=to_another_host)
    for name, harm in LIES.items():
        yield Kind(name=name, outcome="lie", harm=harm)


WITH = ("--with", "idna")
TURNED = r"^/[0-9]+$"  # where a redirect of a bad server leads, which is on that server
PYPI = rf"^/(simple|packages)/|{TURNED}"
COMMANDS = (
    Command(name="envgen --upgrade", words=(*REQUEST, "--upgrade"), silent=(0,), bad=(5,), falls_back=True),
    Command(name="envgen --with", words=(*REQUEST, *WITH), silent=(5,), bad=(5,)),
    Command(name="envgen --with, PyPI", words=(*REQUEST, *WITH, "--only", "pip"), silent=(5,), bad=(5,), where=PYPI),
    Command(name="envgen --cuda cpu", words=("--cuda", "cpu", *REQUEST[4:]), silent=(5,), bad=(5,)),
    Command(name="lock", words=("lock", *REQUEST), silent=(5,), bad=(5,)),
    Command(name="lock, in a folder", words=("lock", *REQUEST), silent=(5,), bad=(5,), needs_folder=True),
    Command(name="lock --only pip", words=("lock", *REQUEST, "--only", "pip"), silent=(5,), bad=(5,)),
    Command(name="lock --only conda", words=("lock", *REQUEST, "--only", "conda"), silent=(5,), bad=(5,)),
    Command(
        name="lock, metadata",
        words=("lock", *REQUEST, *WITH, "--only", "pip"),
        silent=(5,),
        bad=(5,),
        where=rf"\.metadata$|{TURNED}",
    ),
    Command(name="lock, targets", words=("lock",), silent=(5,), bad=(5,)),
    Command(name="verify", words=("verify", "{out}"), silent=(0,), bad=(0, 1), needs_folder=True),
    Command(name="verify --online", words=("verify", "{out}", "--online"), silent=(5,), bad=(1, 5), needs_folder=True),
    Command(
        name="refresh wheels",
        words=("refresh", "wheels", "--wheel-mirror", "{url}/whl"),
        silent=(5,),
        bad=(5,),
        has_mirrors=False,
    ),
    Command(
        name="refresh companions",
        words=("refresh", "companions", "--pypi", "{url}/simple"),
        silent=(5,),
        bad=(5,),
        has_mirrors=False,
    ),
    Command(
        name="refresh published",
        words=("refresh", "published", "--from", "{url}"),
        silent=(5,),
        bad=(5,),
        has_mirrors=False,
    ),
)
TARGETS = """python = "3.12"
[targets.lab]
gpu = "RTX 3090"
driver = "550.54.15"
platform = "linux-64"
[targets.other]
gpu = "GTX 1080 Ti"
driver = "535.183.01"
platform = "linux-64"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all runs share: a folder, the honest servers, and a folder of ours that was made without a network."""

    root: Path
    honest: tuple[str, str]
    ours: Path

    def run(self, kind: Kind, command: Command) -> Ended:
        """One command against one server of its own, in a folder of its own."""
        place = Path(tempfile.mkdtemp(dir=self.root))
        out, temporary = place / "out", place / "tmp"
        temporary.mkdir()
        if command.needs_folder:
            shutil.copytree(self.ours, out)
        if command.words == ("lock",):
            (place / "envgen.toml").write_text(TARGETS, encoding="utf-8")
        with ExitStack() as stack:
            url = self._serve(kind, command, stack)
            words = [word.format(out=out, url=url) for word in command.words]
            if command.has_mirrors:
                words += ["--wheel-mirror", f"{url}/whl", "--conda-mirror", f"{url}/channel"]
                is_out = command.words[0] == "verify" or command.words == ("lock",)
                words += [] if is_out else ["--output", str(out)]
            return self._ended(kind, command, place, [f"{url}/simple", *words, "--timeout", str(ASKED_S)])

    def _serve(self, kind: Kind, command: Command, stack: ExitStack) -> str:
        if kind.harm is not None:
            return stack.enter_context(front(kind.harm, command.where, self.honest)).url
        serving = serving_slow_tls() if kind.name == "slow TLS" else serving_no_connection()
        return stack.enter_context(serving).url

    def _ended(self, kind: Kind, command: Command, place: Path, words: Sequence[str]) -> Ended:
        temporary = place / "tmp"
        own = {"TMPDIR": str(temporary), "ENVGEN_CACHE_DIR": str(place / "cache"), "UV_CACHE_DIR": str(place / "uv")}
        own["PYTHONPATH"] = str(TESTS)
        before = _contents(place)
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "equipment.server_child", *words],
            cwd=place,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        said = process.communicate(timeout=600)[0].decode("utf-8", "replace")
        seconds = time.monotonic() - started
        faults = list(_faults(kind, command, process.returncode, said))
        faults += [f"left: {name}" for name in _processes(process.pid)]
        faults += [f"left: {path.name}" for path in temporary.iterdir()]
        is_partly = "[set-not-locked]" in said  # of two sets the one that solved is written, with the other's status
        if kind.outcome != "lie" and process.returncode not in (0, 1) and not is_partly and _contents(place) != before:
            faults.append("it wrote something")
        shutil.rmtree(place, ignore_errors=True)
        return Ended(status=process.returncode, seconds=seconds, faults=tuple(faults))


def _contents(place: Path) -> set[str]:
    """The files of the outputs, with their bytes."""
    paths = (
        path for path in place.rglob("*") if path.is_file() and path.relative_to(place).parts[0] in ("out", "envs")
    )
    return {f"{path}: {path.read_text(errors='replace')}" for path in paths}


def _faults(kind: Kind, command: Command, status_: int, said: str) -> Iterator[str]:
    wanted = {
        "silent": command.silent,
        "bad": command.bad,
        "absent": (0, 1, 3, 5),
        "lie": (0, 1, 3, 5),
    }[kind.outcome]
    if status_ not in wanted:
        yield f"status {status_}, not {' or '.join(map(str, wanted))}: {said[-300:]}"
    if "Traceback" in said or "[internal]" in said:
        yield f"a traceback: {said[-600:]}"
    if kind.outcome == "silent" and command.falls_back and "fallback-lock" not in said:
        yield "no word of the lock that was fallen back to"


def _processes(session: int) -> Iterator[str]:
    """The processes of a session that are still there."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if fields[3] == str(session) and fields[0] != "Z":
            yield path.parent.name


def table(kinds: Sequence[Kind], commands: Sequence[Command], jobs: int) -> Iterator[str]:
    """The lines of the table, and of what is wrong."""
    with tempfile.TemporaryDirectory() as folder, honest_servers(Path(folder) / "channel") as honest:
        ours = Path(folder) / "ours"
        words = [sys.executable, "-m", "equipment.server_child", "http://127.0.0.1:1", *REQUEST]
        subprocess.run([*words, "--offline", "--output", str(ours)], check=True, capture_output=True)
        bench = Bench(root=Path(folder), honest=honest, ours=ours)
        yield f"| server | {' | '.join(command.name for command in commands)} |"
        yield f"| --- | {' | '.join('---' for _ in commands)} |"
        rows: dict[str, list[Ended]] = {}
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            found = {(k.name, c.name): pool.submit(bench.run, k, c) for k in kinds for c in commands}
            for kind in kinds:
                rows[kind.name] = [found[kind.name, command.name].result() for command in commands]
                yield f"| {kind.name} | {' | '.join(ended.cell for ended in rows[kind.name])} |"
        yield ""
        for kind in kinds:
            for command, ended in zip(commands, rows[kind.name], strict=True):
                yield from _judged(bench, kind, command, ended)


def _judged(bench: Bench, kind: Kind, command: Command, ended: Ended) -> Iterator[str]:
    """What is wrong with one run; a slow one is run again, alone."""
    alone = ended
    if ended.seconds > LIMIT_S:
        alone = min((bench.run(kind, command) for _ in range(2)), key=lambda one: one.seconds)
        yield f"again, alone: {kind.name}: {command.name}: {ended.seconds:.1f} s, then {alone.seconds:.1f} s"
    if alone.seconds > LIMIT_S:
        alone = replace(alone, faults=(*alone.faults, f"{alone.seconds:.1f} s"))
    yield from (f"FAULT: {kind.name}: {command.name}: {fault}" for fault in alone.faults)


def main() -> int:
    parser = argparse.ArgumentParser(description="How each command ends against each kind of bad server.")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side (default: %(default)s)")
    parser.add_argument("--kinds", nargs="*", default=[], help="those with one of these words in their name")
    parser.add_argument("--commands", nargs="*", default=[], help="likewise")
    options = parser.parse_args()
    kinds = [one for one in all_kinds() if not options.kinds or any(word in one.name for word in options.kinds)]
    commands = [c for c in COMMANDS if not options.commands or any(word in c.name for word in options.commands)]
    faults = 0
    for line in table(kinds, commands, options.jobs):
        faults += line.startswith("FAULT")
        print(line, flush=True)
    print(f"{len(kinds)} kinds x {len(commands)} commands: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
