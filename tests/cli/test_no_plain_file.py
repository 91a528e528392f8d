"""Whatever file a person names is looked at before it is opened: a pipe that nobody writes to would never end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows names its devices, which need no file")

GPU = ("--gpu", "RTX 3090", "--driver", "570.133.20", "--platform", "linux-64", "--offline")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


@pytest.fixture(
    params=[pytest.param(pipe, id="pipe"), pytest.param(device, id="device"), pytest.param(listening, id="socket")]
)
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    made: Callable[[Path], None] = request.param
    return made


DOORS = [
    pytest.param("in.txt", ("--requirements", "in.txt", *GPU), id="requirements"),
    pytest.param("pyproject.toml", ("--requirements", "pyproject.toml", *GPU), id="pyproject"),
    pytest.param("in.yml", ("--environment", "in.yml", *GPU), id="environment"),
    pytest.param("named.txt", ("--requirements", "names.txt", *GPU), id="a file that a file names"),
    pytest.param("in.txt", ("audit", "in.txt", *GPU[:6]), id="audit"),
    pytest.param("in.txt", ("doctor", "--report", "in.txt"), id="report"),
    pytest.param("in.txt", ("doctor", "--collect", "in.txt"), id="collect"),
    pytest.param("in.csv", ("init", "--machines", "in.csv"), id="machines"),
    pytest.param("envgen.toml", (), id="targets"),
    pytest.param("envgen.toml", ("init", *GPU[:6]), id="init"),
    pytest.param("pyproject.toml", ("project", "uv", *GPU[:6], "--write"), id="project"),
]


@pytest.mark.parametrize(("name", "arguments"), DOORS)
def test_a_pipe_a_device_and_a_socket_are_refused_by_name(
    make: Callable[[Path], None], name: str, arguments: tuple[str, ...]
) -> None:
    Path("names.txt").write_text("-r named.txt\n", encoding="utf-8")
    make(Path(name))
    done = subprocess.run(
        [sys.executable, "-m", "envgen", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode not in (0, 70)
    told = done.stdout + done.stderr
    assert name in told
    kind = {"pipe": "a pipe", "device": "a device", "listening": "a socket"}[make.__name__]
    assert f"it is {kind}, and only files are read" in told


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[Path]:
    """A pipe that somebody writes to, as a shell's `<(…)` is."""
    path = tmp_path / "fed"
    os.mkfifo(path)
    with subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'w').write('x')"]) as writer:
        yield path
        writer.kill()


def test_what_comes_through_a_pipe_is_named_by_a_dash(fed: Path) -> None:
    command = [sys.executable, "-m", "envgen", "doctor", "--report"]
    refused = subprocess.run([*command, str(fed)], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 2
    taken = subprocess.run(
        [*command, "-"], input="torch 2.10.0+cpu\n", capture_output=True, text=True, timeout=30, check=False
    )
    assert taken.returncode in (0, 1)
