"""`envgen doctor` and `envgen probe` as a user runs them, and the whole examination on a captured host."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest

from doctor.fake_torch import FakeEnvironment
from envgen.cli.main import main
from envgen.core.errors import UsageError, quoted
from envgen.doctor.examine import Boundary, examine_host
from envgen.environments.find import Wanted, find_python
from envgen.probe.files import DirectoryFiles
from envgen.probe.process import Command, Completed, run_command
from probe.host_capture import HostCapture, load

Captured = pytest.CaptureFixture[str]


class OnCapturedHost:
    """A captured host on which one real environment lies: its Python runs, everything else was captured."""

    def __init__(self, capture: HostCapture, prefix: Path) -> None:
        self._capture, self._prefix, self._disk = capture, str(prefix), DirectoryFiles(Path(prefix.anchor))
        self.ran: list[str] = []

    def run(self, command: Command, /, *, timeout_s: float) -> Completed:
        self.ran.append(command.name)
        real = command.name in ("python", "torch")
        return run_command(command, timeout_s=timeout_s) if real else self._capture.runner(command, timeout_s=timeout_s)

    def _files(self, path: str) -> DirectoryFiles:
        return self._disk if path.startswith(self._prefix) else self._capture.files  # type: ignore[return-value]

    def read(self, path: str, /) -> str | None:
        return self._files(path).read(path)

    def names(self, path: str, /) -> tuple[str, ...]:
        return self._files(path).names(path)

    def target(self, path: str, /) -> str:
        return self._files(path).target(path)

    def access(self, path: str, /) -> bool | None:
        return self._files(path).access(path)

    @property
    def boundary(self) -> Boundary:
        return Boundary(runner=self.run, files=self, host=self._capture.host)


@pytest.fixture
def fake(tmp_path: Path) -> FakeEnvironment:
    return FakeEnvironment(tmp_path / "env")


def test_the_whole_examination(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cpu", None)
    host = OnCapturedHost(load("linux-gtx1080ti-535.183.01"), fake.prefix)
    examined = examine_host(python=fake.python, recording=True, boundary=host.boundary)
    assert [finding.code for finding in examined.diagnosis.errors] == ["torch-cpu-build"]
    assert examined.diagnosis.fix is not None
    assert "+cu126" in examined.diagnosis.fix.command
    assert examined.recorder is not None
    assert {"nvml", "nvidia-smi-q"} <= set(examined.recorder.outputs)
    assert host.ran[0] == "python"


def test_torch_is_not_run_on_a_driver_that_hangs(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", hang=True)
    host = OnCapturedHost(load("linux-rtx2080ti-hung"), fake.prefix)
    examined = examine_host(prefix=str(fake.prefix), boundary=host.boundary)
    assert "torch" not in host.ran
    assert [finding.code for finding in examined.diagnosis.errors] == ["driver-hangs"]
    reasons = {check.check: check.reason for check in examined.diagnosis.skipped}
    assert reasons["run-torch"] == "the driver does not answer, so torch would hang too"


def test_a_torch_that_hangs_on_a_good_driver_is_named(fake: FakeEnvironment) -> None:
    fake.torch("2.8.0+cu128", "12.8", hang=True)
    host = OnCapturedHost(load("linux-rtx4090-570.133.20"), fake.prefix)
    examined = examine_host(python=fake.python, boundary=host.boundary, timeout_s=1.0)
    assert len(examined.diagnosis.errors) == 1
    assert "torch gave no answer within 1 s" in "\n".join(examined.diagnosis.errors[0].evidence)


def test_doctor_speaks_json_or_text_and_exits_as_it_found(fake: FakeEnvironment, capsys: Captured) -> None:
    fake.torch("2.8.0+cpu", None)
    code = main(["doctor", "--python", fake.python, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert code == found["exit_code"] == 1  # a CPU build, or no GPU on the computer that runs this test
    assert found["torch"]["version"] == "2.8.0+cpu"
    assert main(["doctor", "--env", str(fake.prefix)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("fix: ")


def test_collect_writes_a_report_and_overwrites_only_reports(
    fake: FakeEnvironment, tmp_path: Path, capsys: Captured
) -> None:
    fake.torch("2.8.0+cpu", None)
    report = tmp_path / "report.txt"
    arguments = ["doctor", "--python", fake.python, "--collect", str(report)]
    assert main(arguments) == 1
    assert main(arguments) == 1
    assert report.read_text("utf-8").startswith("envgen doctor report")
    assert str(report) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.txt"]
    report.write_text("my notes\n")
    assert main(arguments) == 2
    assert report.read_text() == "my notes\n"
    assert "is there and no report of envgen" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("envgen.doctor.examine.examine_host", lambda **_: pytest.fail("the host was examined"))
    missing = tmp_path / "missing" / "report.txt"
    assert main(["doctor", "--collect", str(missing)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: {quoted(str(missing))} can't be written (from --collect) [usage]"
    assert said[1] == f"  {missing.parent} is not a folder"
    assert main(["doctor", "--collect", str(tmp_path)]) == 2
    assert "can't be written (from --collect)" in capsys.readouterr().err


def test_a_report_that_fails_while_it_is_written_leaves_nothing(
    fake: FakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def refuse(_: Path, __: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    report = tmp_path / "report.txt"
    assert main(["doctor", "--python", fake.python, "--collect", str(report)]) == 2
    assert "Permission denied" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_probe_command(capsys: Captured) -> None:
    assert main(["probe", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert {"system", "gpus", "driver", "parts", "python", "sources", "disagreements"} <= set(found)
    assert main(["probe"]) == 0
    assert "system   " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python", "no-such-python"], '"no-such-python" is not there (from --python)'),
        (["--env", "no-such-folder"], '"no-such-folder" is not a folder (from --env)'),
        (["--env", str(Path(__file__).parent)], "holds no Python (from --env)"),
        (["--python", sys.executable, "--env", "."], "--python and --env name the same thing twice"),
    ],
)
def test_usage_errors(arguments: list[str], message: str, capsys: Captured) -> None:
    assert main(["doctor", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("on_path", "expected"),
    [
        # docs.python.org/3/using/windows.html, troubleshooting: app execution aliases.
        pytest.param(
            {"python3": r"C:\Users\ada\AppData\Local\Microsoft\WindowsApps\python3.EXE", "python": r"C:\Py\python.EXE"},
            r"C:\Py\python.EXE",
            id="alias-beside-a-python",
        ),
        pytest.param(
            {name: rf"C:\Users\ada\AppData\Local\Microsoft\WindowsApps\{name}.EXE" for name in ("python3", "python")},
            r"C:\Users\ada\AppData\Local\Microsoft\WindowsApps\python3.EXE",
            id="python-of-the-store",
        ),
    ],
)
def test_an_alias_of_windows_is_no_python(on_path: dict[str, str], expected: str) -> None:
    wanted = Wanted(python=None, prefix=None, environ={}, own="/tool/python")
    assert find_python(wanted, on_path.get) == expected


def test_which_python_is_meant(fake: FakeEnvironment, tmp_path: Path) -> None:
    other = FakeEnvironment(tmp_path / "other")

    def find(python: str | None = None, prefix: str | None = None, on_path: str | None = None, **environ: str) -> str:
        wanted = Wanted(python=python, prefix=prefix, environ=environ, own="/tool/python")
        return find_python(wanted, lambda name: on_path if name in ("python3", "snake") else None)

    assert find() == "/tool/python"
    assert find(on_path="/usr/bin/python3") == "/usr/bin/python3"
    assert find(on_path="/usr/bin/python3", CONDA_PREFIX=str(other.prefix)) == other.python
    assert find(VIRTUAL_ENV=str(fake.prefix), CONDA_PREFIX=str(other.prefix)) == fake.python
    both = {"VIRTUAL_ENV": str(fake.prefix), "CONDA_PREFIX": str(other.prefix)}
    assert find(on_path=str(Path(other.python).with_name("python3")), **both) == other.python
    assert find(on_path=fake.python, **both) == fake.python
    assert find(on_path="/usr/bin/python3", **both) == fake.python
    assert find(VIRTUAL_ENV=str(tmp_path / "gone"), on_path="/usr/bin/python3") == "/usr/bin/python3"
    assert find(prefix=str(other.prefix), VIRTUAL_ENV=str(fake.prefix)) == other.python
    assert find(python=str(other.prefix)) == other.python
    assert find(python="snake", on_path="/opt/snake") == "/opt/snake"
    with pytest.raises(UsageError, match="holds no Python"):
        find(python=str(tmp_path))
