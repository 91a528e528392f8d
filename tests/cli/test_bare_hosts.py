"""What a host can lack or forbid: files to open, memory, folders, a name, an encoding. A run says so, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.cli.main import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and paths of Linux")

TARGET = "--gpu 'GeForce MX450' --driver 560.94 --platform win-64"
NOBODY = "--conda-mirror http://127.0.0.1:1 --wheel-mirror http://127.0.0.1:1 --timeout 2"
COMMANDS = {
    "resolve": f"resolve {TARGET}",
    "write": f"{TARGET} --offline --output out",
    "upgrade": f"{TARGET} --upgrade {NOBODY} --output out",
    "lock": f"lock {TARGET} {NOBODY} --output out",
    "verify": "verify --offline {whole}",
    "check": f"{TARGET} --check --output {{whole}}",
    "audit": f"audit {{whole}} {TARGET}",
    "matrix": "matrix --format github",
    "report": "doctor --report {whole}/requirements.txt",
}
HOSTS = {
    "few-files": "ulimit -n 12",
    "fewer-files": "ulimit -n 7",
    "hardly-a-file": "ulimit -n 5",
    "little-memory": "ulimit -v 100000",
    "little-stack": "ulimit -s 256",
    "no-file-may-grow": "trap '' XFSZ; ulimit -f 0",
    "no-temporary-folder": "export TMPDIR=/no/such/folder",
    "temporary-file": "export TMPDIR=/etc/hostname",
    "no-home": "export HOME=/no/such/folder; unset ENVGEN_CACHE_DIR",
    "unset-home": "unset HOME ENVGEN_CACHE_DIR",
    "cache-is-a-file": "export ENVGEN_CACHE_DIR=/etc/hostname",
    "cache-is-proc": "export ENVGEN_CACHE_DIR=/proc/self",
    "folder-gone": "mkdir gone; cd gone; rmdir ../gone",
    "ascii": "export LC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0",
    "utf-16": "export PYTHONIOENCODING=utf-16",
    "strange-terminal": "export COLUMNS=-5 TERM=$'\\x1b'",
    "no-docstrings": "export PYTHONOPTIMIZE=2",
    "warnings": "export PYTHONWARNINGS=error PYTHONDEVMODE=1",
    "short-numbers": "export PYTHONINTMAXSTRDIGITS=640",
    "strange-proxy": "export http_proxy=::: https_proxy=http://[ HTTPS_PROXY=http://[",
    "no-certificates": "export SSL_CERT_FILE=/no SSL_CERT_DIR=/no",
    "full": "exec > /dev/full",
    "all-full": "exec > /dev/full 2>&1",
    "all-closed": "exec <&- >&- 2>&-",
    "stdin-is-a-folder": "exec < /",
}
FEW = {"few-files": "write", "no-temporary-folder": "upgrade", "folder-gone": "write", "ascii": "resolve"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "ü"
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    assert main([*arguments, "--output", str(folder)]) == 0
    return folder


CASES = [
    pytest.param(host, command, marks=() if FEW.get(host) == command else pytest.mark.slow)
    for host in HOSTS
    for command in COMMANDS
]


@pytest.mark.parametrize(("host", "command"), CASES)
def test_a_run_says_what_a_host_lacks(host: str, command: str, whole: Path, tmp_path: Path) -> None:
    line = COMMANDS[command].format(whole=f"'{whole}'")
    script = f'envgen() {{ exec "{sys.executable}" -m envgen "$@"; }}\n{HOSTS[host]}\nenvgen {line}'
    environ = os.environ | {"ENVGEN_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, timeout=120, check=False
    )
    said = done.stderr + done.stdout
    assert done.returncode in {0, 1, 2, 3, 4, 5}, said[-600:]
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


OUTPUTS = {
    "a-file": ("file", 2),
    "a-link-to-nothing": ("broken", None),
    "a-pipe": ("pipe", 2),
    "the-null-device": ("/dev/null", 2),
    "below-a-file": ("file/x", 2),
    "below-the-null-device": ("/dev/null/x", 2),
    "too-long": ("a" * 300, None),
    "too-deep": ("a/" * 3000, None),
    "a-link-to-itself": ("circle", None),
    "proc": ("/proc/self/fd/9", None),
    "nul": ("a\0b", None),
    "surrogate": ("a\udcff", None),
    "half-a-character": ("a\ud800", None),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_is_no_folder(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine\n")
    (tmp_path / "broken").symlink_to("nothing")
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "pipe")
    output, expected = OUTPUTS[name]
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline", "--output"]
    status = main([*arguments, output if output.startswith("/") else f"{tmp_path}/{output}"])
    said = capsys.readouterr().err
    assert status == expected or (expected is None and status in (0, 2, 4, 5)), said
    assert status == 0 or "error: " in said
    assert (tmp_path / "file").read_text() == "mine\n"


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "a" * 300, "/" * 9000])
@pytest.mark.parametrize("option", ["--requirements", "--environment", "audit", "doctor", "verify", "matrix"])
def test_an_input_that_no_system_takes(option: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
    commands = {
        "audit": ["audit", path, *target],
        "doctor": ["doctor", "--report", path],
        "verify": ["verify", path],
        "matrix": ["matrix", "--lockfiles", path],
    }
    assert main(commands.get(option, [*target, option, path, "--offline", "--dry-run"])) in {0, 1, 2, 3, 4, 5}
    assert "Traceback" not in capsys.readouterr().err


DEEP = 100_000
NESTED = {
    "requirements.txt": "torch" + "[" * DEEP,
    "pyproject.toml": "x = " + "[" * DEEP,
    "uv.lock": "version = 1\nx = " + "{a = " * DEEP,
    "poetry.lock": "[" + "a." * DEEP + "a]",
    "pylock.toml": 'lock-version = "1.0"\nx = ' + "[" * DEEP,
    "environment.yml": "dependencies: " + "[" * DEEP,
    "conda-lock.yml": "version: 1\npackage:\n" + "".join(" " * n + "- \n" for n in range(1500)),
    "pixi.lock": "version: 6\nx: " + "{a: " * DEEP,
    "pixi.toml": "x = '" + "''" * DEEP,
    "Dockerfile": "FROM " + "${A:-" * DEEP + "\n" + "RUN $(" * DEEP,
}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-" + "9" * 5000, "1e999999", "0x" + "f" * 5000, "9" * 5000 + ".0", "1:" * 5000 + "1"]
)
@pytest.mark.parametrize("name", NESTED)
def test_a_number_of_any_length(name: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forms = {
        "yml": f"version: {number}\ndependencies: [pytorch={number}, {number}]\npackage:\n- name: torch\n  version: {number}\n",  # noqa: E501
        "toml": f'version = {number}\n[[package]]\nname = "torch"\nversion = {number}\n',
        "txt": f"torch=={number}\ntorchvision>={number}\n",
        "": f"FROM pytorch/pytorch:{number}\nRUN pip install torch=={number}\n",
    }
    kind = "yml" if name in ("environment.yml", "conda-lock.yml", "pixi.lock") else name.rpartition(".")[2]
    text = forms.get("" if name == "Dockerfile" else kind, forms["toml"])
    check(name, text.encode(), tmp_path, capsys)


@pytest.mark.parametrize("name", NESTED)
def test_a_file_that_is_nested_deeply(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(name, NESTED[name].encode(), tmp_path, capsys)


@pytest.mark.parametrize("name", ["environment.yml", "conda-lock.yml", "pixi.lock"])
def test_a_file_of_anchors(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nine to the ninth power of words in one kilobyte."""
    check(name, f"version: 1\n{BOMB}dependencies: *i\npackage: *i\npackages: *i\n".encode(), tmp_path, capsys)


@pytest.mark.parametrize("name", NESTED)
def test_a_file_that_is_none(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    audit(tmp_path / name, capsys)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    audit(tmp_path / name, capsys)
    (tmp_path / name).unlink()
    with (tmp_path / name).open("wb") as sparse:
        sparse.truncate(1 << 30)
    audit(tmp_path / name, capsys)


def check(name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    audit(path, capsys)
    option = "--environment" if name == "environment.yml" else "--requirements"
    if name in ("requirements.txt", "pyproject.toml", "environment.yml"):
        target = ["--gpu", "RTX 4090", "--driver", "570.133.20", "--platform", "linux-64", "--offline", "--dry-run"]
        assert main([*target, option, str(path), "--output", str(tmp_path / "out")]) in {0, 2, 3, 4, 5}
        assert "Traceback" not in capsys.readouterr().err


def audit(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["audit", str(path), "--gpu", "RTX 4090", "--driver", "570.133.20", "--platform", "linux-64"])
    said = capsys.readouterr()
    assert status in {0, 1, 3}, said.err
    assert "Traceback" not in said.err
