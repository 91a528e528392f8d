"""How a run ends when it is stopped, when a stream is full, closed or broken, and when envgen itself is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.stop import StoppedError, Stopper, kept
from equipment.file_names import all_names
from equipment.hostile_server import serving_harm, trickle_body
from equipment.pip_world import TAG, torch_wheels
from equipment.wheel_index import WheelIndex

ENVGEN = [sys.executable, "-m", "envgen"]
FULL = Path("/dev/full")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and streams of POSIX")
linux = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full and /proc")


def shell(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `envgen` is ours."""
    script = f'envgen() {{ "{sys.executable}" -m envgen "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False, env=os.environ | environ
    )


@linux
def test_an_answer_that_cannot_be_written_is_an_error() -> None:
    done = shell("envgen gpus > /dev/full")
    assert done.returncode == 5
    assert done.stderr == "error: the answer can't be written to standard output: No space left on device [output]\n"


@linux
@pytest.mark.parametrize(
    ("command", "status"),
    [
        pytest.param("envgen gpus >&-", 0, id="stdout-closed"),
        pytest.param("envgen gpus <&- >&- 2>&-", 0, id="all-closed"),
        pytest.param("envgen gpus --nonsense 2>&-", 2, id="stderr-closed"),
        pytest.param("envgen gpus --nonsense 2>/dev/full", 2, id="stderr-full"),
        pytest.param("set -o pipefail; envgen gpus | head -1", 0, id="reader-gone"),
        pytest.param("set -o pipefail; envgen --help | true", 0, id="reader-of-help-gone"),
        pytest.param("set -o pipefail; envgen gpus --nonsense 2>&1 | true", 2, id="reader-of-an-error-gone"),
    ],
)
def test_a_stream_costs_neither_the_work_nor_its_status(command: str, status: int) -> None:
    """As git does: a closed or broken stdout is no failure, and stderr never is one."""
    done = shell(command)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


@linux
def test_a_file_never_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What a child prints would go into it."""
    out = tmp_path / "out"
    done = shell(
        f"envgen --gpu 'GeForce MX450' --driver 560.94 --platform win-64 --offline --output {out} <&- >&- 2>&-"
    )
    assert done.returncode == 0
    assert {path.name for path in out.iterdir()} == all_names(Subdir.WIN_64)
    assert all(path.stat().st_size for path in out.iterdir())


@posix
def test_warnings_of_a_user_are_for_their_programs() -> None:
    done = shell("envgen resolve --gpu 'RTX 4090' --driver 560.94 --platform win-64", PYTHONWARNINGS="error")
    assert done.returncode == 0
    assert "Warning" not in done.stderr


def test_an_internal_error_is_one_line_that_can_be_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise KeyError("x\n\x1b[31m")

    monkeypatch.setattr("envgen.cli.app.build_app", fail)
    assert main(["gpus"]) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("error: a mistake of envgen itself, KeyError ")
    assert "https://github.com/cuda-envgen/cuda-envgen/issues" in said
    assert "cli.main:" in said
    assert "\x1b" not in said
    monkeypatch.setenv("ENVGEN_DEBUG", "1")
    assert main(["gpus"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(36, "File name too long", "a" * 300), 'error: "aaa'),
        (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal"), 'error: "é" can\'t be written in ascii, which this system'),
        (MemoryError(), "error: the memory is used up [system]"),
        (RuntimeError("can't start new thread"), "error: can't start new thread [system]"),
        (ImportError("x.so: failed to map segment", name="rattler"), "error: x.so: failed to map segment [system]"),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_ours(
    error: Exception, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("envgen.cli.app.build_app", fail)
    assert main(["gpus"]) == 5
    assert capsys.readouterr().err.startswith(text)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_waits_while_something_is_begun(number: int, status: int) -> None:
    stopper = Stopper()
    stopper.hold()
    stopper(number, None)
    stopper(signal.SIGINT, None)  # the first one counts
    with pytest.raises(StoppedError) as caught:
        stopper.release()
    assert caught.value.status == status


def test_a_stop_inside_of_an_import_is_still_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python 3.11: RuntimeError "Error calling __set_name__ on …", raised from what a handler raised there."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("Error calling __set_name__") from StoppedError(signal.SIGTERM)

    monkeypatch.setattr("envgen.cli.app.build_app", fail)
    assert main(["gpus"]) == 143
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("when", ["begin", "block", "end", "nothing"])
def test_what_was_begun_is_ended_whenever_the_signal_comes(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stopper = Stopper()
    monkeypatch.setattr("envgen.core.stop._stopper", lambda: stopper)
    ended: list[str] = []

    def step(name: str) -> Callable[..., None]:
        def act(*_: object) -> None:
            if when == name:
                stopper(signal.SIGTERM, None)
            if name == "end":
                ended.append(name)

        return act

    try:
        with kept(step("begin"), step("end")):
            step("block")()
    except StoppedError:
        assert when != "nothing"
    else:
        assert when == "nothing"
    assert ended == ["end"]


DROPPED = {
    "weak-reference": "ref = weakref.ref(thing := set(), lambda ref: os.kill(os.getpid(), 15)); del thing",
    "destructor": "type('x', (), {'__del__': lambda self: os.kill(os.getpid(), 15)})()",
}
WAIT = """
import os, time, weakref
from envgen.cli.main import run_process
run_process(lambda: exec({!r}) or time.sleep(30) or 0)
"""


@posix
@pytest.mark.parametrize("place", DROPPED)
def test_a_stop_where_python_drops_every_error_is_still_one(place: str) -> None:
    """importlib has a weak reference's callback for each import (_get_module_lock): one run in hundreds went on."""
    done = subprocess.run(
        [sys.executable, "-c", WAIT.format(DROPPED[place])], capture_output=True, text=True, timeout=25, check=False
    )
    assert (done.returncode, done.stderr) == (143, "")


# What a run is doing when it is stopped: reading a page, waiting for uv, the conda solver or a shim of pyenv's, or
# making the files of two shipped locks, conda-lock's hashes among them.
SCENES = ("page", "uv", "conda", "shim", "write")
TARGET = ["--gpu", "RTX 4090", "--platform", "linux-64", "--driver", "560.94"]
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
LOCK = ["lock", *TARGET, "--cuda", "cu126"]
SOLVE = {
    "uv": """
import sys
from envgen.cli.main import run_process
def solve():
    from envgen.solve.pip.solve import solve_pip
    from equipment.pip_world import query
    return len(solve_pip(query(), wheel_mirror=sys.argv[2], pypi=sys.argv[1]).packages)
run_process(solve)
""",
    "conda": """
import sys
from envgen.cli.main import run_process
def solve():
    from envgen.solve.conda.solve import solve_conda
    from equipment.conda_channel import cuda_query
    return len(solve_conda(cuda_query(), mirror=sys.argv[1]))
run_process(solve)
""",
    "shim": """
from envgen.cli.main import run_process
def look():
    from envgen.environments.reader import _runs
    return int(_runs(("sh", "-c", "sleep 60 & sleep 60")))
run_process(look)
""",
}


@linux
@pytest.mark.parametrize(
    ("scene", "name"),
    [
        pytest.param(scene, name, marks=() if at == of % len(SIGNALS) else pytest.mark.proof)
        for of, scene in enumerate(SCENES)
        for at, name in enumerate(SIGNALS)
    ],
)
def test_a_stopped_run_leaves_nothing(scene: str, name: str, tmp_path: Path) -> None:
    said = stop_at(2.5, scene, tmp_path, getattr(signal, name))
    assert "stopped: nothing is left half done" in said or scene != "page"


@linux
@pytest.mark.parametrize(
    "round_",
    [pytest.param(n, marks=() if n == 0 else pytest.mark.proof if n < 4 else pytest.mark.slow) for n in range(100)],
)
def test_a_run_stopped_at_any_moment_leaves_nothing(round_: int, tmp_path: Path) -> None:
    stop_at(random.Random(round_).uniform(0, 3), SCENES[round_ % len(SCENES)], tmp_path, signal.SIGTERM)


def stop_at(seconds: float, scene: str, tmp_path: Path, number: int) -> str:
    """Start a run that waits for a server which trickles, stop it after a while and return what it said."""
    scratch, out, mark = tmp_path / "scratch", tmp_path / "out", uuid.uuid4().hex
    scratch.mkdir()
    environ = {k: v for k, v in os.environ.items() if k != "UV_CACHE_DIR" and not k.lower().endswith("_proxy")}
    environ |= {"TMPDIR": str(scratch), "ENVGEN_CACHE_DIR": str(tmp_path / "cache"), "ENVGEN_TEST_RUN": mark}
    environ |= {"PYTHONPATH": str(Path(__file__).parent.parent)}
    index = WheelIndex(wheels={f"/whl/{TAG}": torch_wheels()})
    with serving_harm(trickle_body) as slow, index.running():
        if scene == "page":
            command = [*ENVGEN, *LOCK, "--timeout", "60", "--output", str(out), "--wheel-mirror", slow.url]
        elif scene == "write":
            command = [*ENVGEN, *TARGET, "--offline", "--output", str(out)]
        else:
            command = [sys.executable, "-c", SOLVE[scene], slow.url, index.url("/whl")]
        with (tmp_path / "said").open("w") as said:
            before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored, and children inherit that
            process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
            signal.signal(number, before)
            time.sleep(seconds * 0.4 if scene == "write" else seconds)  # it takes a second
            process.send_signal(number)
            status = process.wait(timeout=10)
    shown = (tmp_path / "said").read_text()
    # Before it has set up its handlers, Python ends by the signal, or with a traceback for Ctrl-C.
    early = scene == "write" or seconds < 1
    allowed = {130 if number == signal.SIGINT else 143} | ({-number} if early else set())
    assert status in allowed | ({0} if scene == "write" else set()), shown
    assert still_running(mark) == []
    assert sorted(scratch.rglob("*")) == []
    whole = len(all_names())
    assert len(list(out.iterdir()) if out.exists() else []) in ((0, whole) if scene == "write" else (0,))
    assert scene == "write" or not out.exists()
    return shown


def still_running(mark: str) -> list[str]:
    """The processes that carry a mark in their environment, a moment later: the kernel needs one to end them."""
    for _ in range(20):
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if mark.encode() in (place / "environ").read_bytes():
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        if not found:
            return []
        time.sleep(0.05)
    return found
