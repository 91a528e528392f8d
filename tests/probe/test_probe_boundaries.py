"""The runner comes back from any program, files that are not there are no errors, and the whole look keeps its time."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from envgen.probe import commands
from envgen.probe.environment import environment_kind
from envgen.probe.files import DirectoryFiles
from envgen.probe.host import host_values
from envgen.probe.observation import Duration, EnvironmentKind, SourceStatus
from envgen.probe.observe import observe
from envgen.probe.process import Command, Completed, Outcome, run_command
from probe import host_capture

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX")


def _python(code: str, **more: object) -> Command:
    return Command(name="test", argv=(sys.executable, "-c", code), limit_s=5.0, **more)  # type: ignore[arg-type]


def test_runner_returns_output_and_status() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(9)"
    done = run_command(_python(code), timeout_s=30)
    assert (done.outcome, done.exit_code, done.stdout.strip(), done.stderr.strip()) == (Outcome.DONE, 9, "out", "err")


def test_runner_gives_no_input_and_its_own_variables() -> None:
    code = "import os, sys; print(repr(sys.stdin.read()), os.environ['A'], 'PATH' in os.environ)"
    command = _python(code, environ={"A": "1"}, drop=("PATH",))
    assert run_command(command, timeout_s=30).stdout.split() == ["''", "1", "False"]


def test_runner_says_that_a_program_is_not_there() -> None:
    command = Command(name="test", argv=("no-such-program-anywhere",), limit_s=1.0)
    assert run_command(command, timeout_s=1).outcome is Outcome.NOT_FOUND


@posix
def test_runner_says_that_a_program_may_not_be_run(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.write_text("#!/bin/sh\n")
    command = Command(name="test", argv=(str(closed),), limit_s=1.0)
    done = run_command(command, timeout_s=1)
    assert (done.outcome, done.stderr) == (Outcome.DENIED, "Permission denied")


@posix
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import time; time.sleep(3600)", id="sleeps"),
        pytest.param(
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)", id="ignores-sigterm"
        ),
        pytest.param(
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(3600)'])",
            id="child-holds-the-pipe",
        ),
        pytest.param("import sys\nwhile True: sys.stdout.write('x' * 4096)", id="writes-for-ever"),
    ],
)
def test_runner_does_not_wait_for_a_program_that_hangs(code: str) -> None:
    begin = time.monotonic()
    assert run_command(_python(code), timeout_s=0.3).outcome is Outcome.TIMED_OUT
    assert time.monotonic() - begin < 1800  # the programs above run for an hour


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_runner_ends_what_the_program_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(3600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    for limit in (1.0, 5.0, 25.0):  # a busy computer may need longer until the grandchild has begun
        assert run_command(_python(code), timeout_s=limit).outcome is Outcome.TIMED_OUT
        if note.exists() and note.read_text():
            break
    assert _ends(Path(f"/proc/{note.read_text()}/stat"))


def _ends(stat: Path) -> bool:
    """True once a process is gone, or waits for init to collect it."""
    for _ in range(500):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


class _HangingHost:
    """A runner whose programs all hang, and the clock that they use up."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []

    def clock(self) -> float:
        return self.now

    def run(self, command: Command, /, *, timeout_s: float) -> Completed:
        self.asked.append(command.name)
        self.now += timeout_s
        return Completed(outcome=Outcome.TIMED_OUT, elapsed_s=timeout_s)


@pytest.mark.parametrize("name", ["linux-8xh100-fabric-570.133.20", "windows-rtx4070-560.94"])
def test_a_host_on_which_everything_hangs_is_looked_at_in_time(name: str) -> None:
    capture, hanging = host_capture.load(name), _HangingHost()
    observation = observe(runner=hanging.run, root=capture.files, host=capture.host, clock=hanging.clock, timeout_s=5.0)
    assert hanging.now <= 5.0  # even if none of the programs had run side by side
    programs = [source for source in observation.sources if source.name in (commands.NVML, commands.SMI_QUERY)]
    assert {source.status for source in programs} <= {SourceStatus.TIMED_OUT, SourceStatus.SKIPPED}
    assert observation.source(commands.NVML) is not None
    assert all(source.reason for source in observation.sources if source.status is not SourceStatus.OK)


def test_a_hung_nvidia_smi_is_recorded_with_its_limit() -> None:
    observation = host_capture.look_at("linux-rtx2080ti-hung")
    smi = observation.source(commands.SMI_QUERY)
    assert smi is not None
    assert (smi.status, smi.duration) == (SourceStatus.TIMED_OUT, Duration.LIMIT)
    assert smi.reason == "nvidia-smi gave no answer within 1.5 s"


def test_nvidia_smi_is_asked_only_when_nvml_did_not_tell_all() -> None:
    capture = host_capture.load("linux-rtx4090-570.133.20")
    capture.observe()
    assert commands.SMI_QUERY not in capture.runner.ran
    capture = host_capture.load("linux-gtx1080ti-535.183.01")
    capture.observe()
    assert {commands.SMI_QUERY, commands.SMI_CSV} <= set(capture.runner.ran)


def test_directory_files_stay_below_their_root(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "modules").write_bytes(b"nvidia 1 0 - Live 0x0\n\xff\n")
    files = DirectoryFiles(tmp_path)
    assert files.read("/proc/modules") == "nvidia 1 0 - Live 0x0\n\ufffd\n"
    assert files.names("/proc") == ("modules",)
    assert files.target("/proc/modules").endswith("modules")
    assert files.access("/proc/modules") is True


def test_files_that_are_not_there_are_no_errors(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    assert files.read("/proc/modules") is None
    assert files.read("/") is None
    assert files.names("/proc") == ()
    assert files.target("/proc") == ""
    assert files.access("/dev/nvidiactl") is None


def test_a_link_that_leads_to_itself_is_no_error(tmp_path: Path) -> None:
    try:
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
    except OSError:
        pytest.skip("this system makes no links for users")
    assert DirectoryFiles(tmp_path).target("/loop") == ""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="root may open everything")
def test_a_closed_node_is_seen_as_closed(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch(mode=0o000)
    assert DirectoryFiles(tmp_path).access("/dev/nvidiactl") is False


@pytest.mark.parametrize(
    ("entry", "text", "kind"),
    [
        ("conda-meta/history", "", EnvironmentKind.CONDA),
        ("pyvenv.cfg", "home = /usr/bin\nversion = 3.12.8\n", EnvironmentKind.VENV),
        ("pyvenv.cfg", "home = /usr/bin\nuv = 0.9.5\nversion_info = 3.12.8\n", EnvironmentKind.UV),
        ("bin/python", "", EnvironmentKind.SYSTEM),
    ],
)
def test_environment_kind_by_the_marks_of_its_maker(
    tmp_path: Path, entry: str, text: str, kind: EnvironmentKind
) -> None:
    path = tmp_path / entry
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert environment_kind(DirectoryFiles(Path(path.anchor)), str(tmp_path)) is kind


def test_this_very_host_can_be_looked_at() -> None:
    observation = observe()
    assert observation.python.version == host_values().python
    assert observation.system.os in ("linux", "windows", "macos")
    nvml = observation.source(commands.NVML)
    # The child process ran and spoke: it is there with its own words, whatever this machine has.
    assert nvml is not None
    assert nvml.status in (SourceStatus.OK, SourceStatus.ABSENT, SourceStatus.FAILED, SourceStatus.SKIPPED)


def test_looking_needs_no_heavy_imports() -> None:
    code = (
        "import sys, envgen.probe\n"
        "heavy = {'typer', 'rattler', 'conda_lock', 'yaml', 'jinja2', 'packaging', 'pynvml'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    assert run_command(_python(code), timeout_s=60).stdout.strip() == "[]"
