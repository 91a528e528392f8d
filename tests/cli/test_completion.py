"""Completion scripts name every command and option; bash's is sourced and asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from envgen.cli.app import COMMANDS
from envgen.cli.completion import SHELLS, script, words
from envgen.cli.main import main


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_every_command_and_option(shell: str) -> None:
    text = script(shell)
    known = words()
    assert {*known} == {"", *COMMANDS}
    assert {"--gpu", "--driver", "resolve", "doctor"} <= {*known[""]}
    flags = [flag[2:] if shell == "fish" else flag for flag in known[""] + known["audit"] if flag.startswith("--")]
    assert [word for word in [*COMMANDS, *flags] if word not in text] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["envgen", "--plat"], ["--platform"]),
        (["envgen", "why"], ["why-not"]),
        (["cuda-envgen", "doctor", "--rep"], ["--report"]),
        (["envgen", "resolve", "--forc"], []),
    ],
)
def test_bash_completes(typed: list[str], expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "envgen").write_text(script("bash"), encoding="utf-8")
    line = " ".join(f"'{word}'" for word in typed)
    asked = f"source ./envgen; COMP_WORDS=({line}); COMP_CWORD={len(typed) - 1}; _envgen; "
    asked += "printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected
    assert done.stderr == ""


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
