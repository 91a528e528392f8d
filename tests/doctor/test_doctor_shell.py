"""What stands in a printed command is read back by the shell as what was meant."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from doctor.samples import PREFIX, context_of, dist, environment, examine, host, printed, torch
from envgen.environments.shell import Shell
from envgen.probe.observation import EnvironmentKind

RTX4090 = "linux-rtx4090-570.133.20"
WINDOWS = "windows-rtx4070-560.94"
CPU = torch("2.8.0+cpu", None)
CU128 = torch("2.8.0+cu128", "12.8")
HOSTILE = [
    "/home/ada/my env/bin/python",
    "/home/ada/a&b(1)/bin/python",
    "/x/$(id)/p",
    "/x/`id`/p",
    "/x/o'b/p",
    "/x/*/p",
]


def command_of(name: str, *files: dict[str, str], **interpreter: object) -> str:
    """The command for an environment that holds these files."""
    fix = examine(host(name), environment(*files, **interpreter)).fix  # type: ignore[arg-type]  # names of a call
    assert fix is not None
    return fix.command


@pytest.mark.skipif(sys.platform == "win32", reason="sh is the judge")
@pytest.mark.parametrize("path", HOSTILE)
def test_sh_reads_a_path_back(path: str) -> None:
    word = Shell(is_windows=False).word(path)
    done = subprocess.run(["sh", "-c", f"printf %s {word}"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == path


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_in_a_command_is_one_word(path: str) -> None:
    replaced = command_of(RTX4090, CU128, dist("torch", "2.7.1"), executable=path)
    first, second = replaced.split(" && ")
    assert shlex.split(first) == [path, *["-m", "pip", "uninstall", "-y", "torch", "torchvision", "torchaudio"]]
    assert shlex.split(second)[:4] == [path, "-m", "pip", "install"]
    by_uv = command_of(RTX4090, CPU, executable=path, kind=EnvironmentKind.UV, pip=False)
    assert shlex.split(by_uv)[:5] == ["uv", "pip", "install", "--python", path]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        # learn.microsoft.com, about_Quoting_Rules, about_Special_Characters: a backtick takes a meaning away, and
        # typographic quotes count as plain ones.
        ("C:\\Python312\\python.exe", "C:\\Python312\\python.exe"),
        ("C:/Users/ada/venv/Scripts/python.exe", "C:/Users/ada/venv/Scripts/python.exe"),
        ("C:\\Users\\Ada Lovelace\\python.exe", '"C:\\Users\\Ada Lovelace\\python.exe"'),
        ("C:\\a&b(1)\\python.exe", '"C:\\a&b(1)\\python.exe"'),
        ("C:\\$env\\python.exe", '"C:\\`$env\\python.exe"'),
        ("C:\\a`b\\python.exe", '"C:\\a``b\\python.exe"'),
        ("C:\\\u201ca\u201d\\python.exe", '"C:\\`\u201ca`\u201d\\python.exe"'),
        ("C:\\o'b\\python.exe", '"C:\\o\'b\\python.exe"'),
    ],
)
def test_powershell_runs_a_quoted_program_only_after_an_ampersand(path: str, word: str) -> None:
    shell = Shell(is_windows=True)
    assert shell.word(path) == word
    assert shell.program(path) == (word if word == path else f"& {word}")


def test_windows_powershell_gets_its_own_call_and_no_double_ampersand() -> None:
    python = "C:\\Users\\Ada Lovelace\\venv\\Scripts\\python.exe"
    command = command_of(WINDOWS, CU128, dist("torch", "2.7.1"), executable=python)
    first, second = command.split("; ")
    assert first == f'& "{python}" -m pip uninstall -y torch torchvision torchaudio'
    assert second.startswith(f'& "{python}" -m pip install --force-reinstall ')
    assert "&&" not in command


def test_the_other_environment_is_named_with_its_quotes() -> None:
    other = environment(
        torch("2.8.0+cu128", "12.8", site="/home/ada/my env/lib/python3.12/site-packages"), prefix="/home/ada/my env"
    )
    line = printed(context_of(host(RTX4090), environment(), neighbours=(other,)))[-1]
    assert line.startswith("fix: use that environment's Python (in an editor or notebook: select it")
    assert line.endswith(": '/home/ada/my env/bin/python'")


@pytest.mark.parametrize(("name", "command"), [(RTX4090, "unset PYTHONPATH"), (WINDOWS, "Remove-Item Env:PYTHONPATH")])
def test_a_variable_is_unset_in_the_words_of_the_shell(name: str, command: str) -> None:
    elsewhere = environment(torch("2.8.0+cpu", None, site="/opt/lib"), path=("/opt/lib",))
    diagnosis = examine(host(name, variables={"PYTHONPATH": "/opt/lib"}), elsewhere)
    assert diagnosis.errors[0].code == "wrong-environment"
    assert diagnosis.fix is not None
    assert diagnosis.fix.command == command
    assert "`envgen doctor` again" in diagnosis.fix.where  # there is no torch in the environment yet
    both = environment(CU128, torch("2.8.0+cpu", None, site="/opt/lib"), path=("/opt/lib",))
    hidden = examine(host(name, variables={"PYTHONPATH": "/opt/lib"}), both).fix
    assert hidden is not None
    assert hidden.line == command


def test_a_conda_prefix_is_one_word() -> None:
    prefix = "/home/ada l/c"
    inspected = environment(
        torch("2.7.1", None, installer="conda", site=f"{prefix}/lib/python3.12/site-packages"),
        {
            f"{prefix}/conda-meta/pytorch-2.7.1-cpu_generic_py312_h.json": '{"name": "pytorch", "version": "2.7.1", '
            '"build": "cpu_generic_py312_h", "channel": "conda-forge"}'
        },
        kind=EnvironmentKind.CONDA,
        prefix=prefix,
    )
    fix = examine(host("linux-conda-rtx3090-550.120"), inspected).fix
    assert fix is not None
    assert shlex.split(fix.command)[:4] == ["conda", "install", "-p", prefix]
    assert PREFIX not in fix.command
