"""Completion scripts name every command and option; each shell that is installed is asked with its own."""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.cli.app import COMMANDS
from envgen.cli.completion import SHELLS, script, words
from envgen.cli.main import main

if sys.platform != "win32":
    import pty


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_every_command_and_option(shell: str) -> None:
    text = script(shell)
    known = words()
    assert {*known} == {"", *COMMANDS}
    assert {"--gpu", "--driver", "resolve", "doctor"} <= {*known[""]}
    flags = [flag[2:] if shell == "fish" else flag for flag in known[""] + known["audit"] if flag.startswith("--")]
    assert [word for word in [*COMMANDS, *flags] if word not in text] == []


def in_bash(folder: Path, typed: str) -> list[str]:
    """What Tab offers."""
    (folder / "envgen").write_text(script("bash"), encoding="utf-8")
    words_of = shlex.split(typed)
    line = " ".join(shlex.quote(word) for word in words_of)
    asked = f"source ./envgen; COMP_WORDS=({line}); COMP_CWORD={len(words_of) - 1}; _envgen; "
    asked += "printf '%s\\n' \"${COMPREPLY[@]}\""
    return output_of(folder, "bash", "-c", asked)


def in_fish(folder: Path, typed: str) -> list[str]:
    (folder / "envgen.fish").write_text(script("fish"), encoding="utf-8")
    return output_of(folder, "fish", "--no-config", "-c", f"source envgen.fish; complete -C {shlex.quote(typed)}")


def output_of(folder: Path, *command: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def in_zsh(folder: Path, typed: str) -> list[str]:
    """The word that stands after Tab at a terminal, as zsh completes nowhere else; empty when none was added."""
    (folder / "_envgen").write_text(script("zsh"), encoding="utf-8")
    setup = "PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; "
    setup += "show() print -r -- \"<$BUFFER>\"; zle -N show; bindkey '^G' show; echo rea''dy\n"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder)})
    try:
        os.write(terminal, setup.encode())
        read_to(terminal, "ready\r\n")
        os.write(terminal, f"{typed}\t\x07".encode())
        shown = read_to(terminal, ">\r\n")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    (stands,) = re.findall("<(.*)>", shown)
    return [] if stands == typed else str(stands).split()[-1:]


def read_to(terminal: int, end: str) -> str:
    """What a terminal shows up to a text, within a minute."""
    shown = ""
    while end not in shown:
        assert select.select([terminal], [], [], 60)[0], shown
        shown += os.read(terminal, 4096).decode()
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="these shells need a terminal of Unix")
@pytest.mark.parametrize(("shell", "ask"), [("bash", in_bash), ("zsh", in_zsh), ("fish", in_fish)])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("envgen --plat", ["--platform"]),
        ("envgen why", ["why-not"]),
        ("cuda-envgen doctor --rep", ["--report"]),
        ("envgen resolve --forc", []),
        ("envgen audit requ", ["requirements.txt"]),
    ],
)
def test_a_shell_completes(
    shell: str, ask: Callable[[Path, str], list[str]], typed: str, expected: list[str], tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    (tmp_path / "requirements.txt").write_text("torch\n", encoding="utf-8")
    assert ask(tmp_path, typed) == expected


@pytest.mark.parametrize(("shell", "flags"), [("bash", "-n"), ("zsh", "-n"), ("fish", "-n")])
def test_a_shell_reads_its_script(shell: str, flags: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    path = tmp_path / "script"
    path.write_text(script(shell), encoding="utf-8")
    subprocess.run([shell, flags, str(path)], check=True)


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash, zsh, fish, powershell" in capsys.readouterr().err
