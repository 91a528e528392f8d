"""What is committed names no machine: no home folder, no local server, no private mirror in a lock."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parent.parent
# Where the packages of a lock may come from, whatever mirror it was made with.
PUBLIC = {"conda.anaconda.org", "download.pytorch.org", "files.pythonhosted.org", "pypi.org"}
FOLDER = re.compile(r"(?<![\w.~-])/(?:home|root|tmp|Users)/|\b[A-Za-z]:[\\/]+Users\b")
LOOPBACK = re.compile(r"\b127\.0\.0\.\d+\b|//localhost\b|\[::1\]")
_URL = re.compile(r"[a-z+]+://[^\s\"'<>`]+")


@cache
def tracked() -> tuple[str, ...]:
    """The paths that git tracks; skips the test where this is no checkout (an unpacked sdist)."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return tuple(name for name in done.stdout.split("\0") if name and (ROOT / name).is_file())


def lines_with(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    """`name:number: line` of every line in which the pattern is found."""
    return [
        f"{name}:{number}: {line.strip()[:160]}"
        for name in names
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").split("\n"), 1)
        if pattern.search(line)
    ]


def test_no_folder_of_a_machine_is_named_outside_the_tests() -> None:
    assert lines_with(FOLDER, [name for name in tracked() if not name.startswith("tests/")]) == []


def test_no_server_of_a_machine_is_named_outside_the_tests() -> None:
    assert lines_with(LOOPBACK, [name for name in tracked() if not name.startswith("tests/")]) == []


def test_locks_name_public_hosts_alone() -> None:
    names = [name for name in tracked() if name.startswith("lockfiles/") and not name.endswith(("README.md", ".csv"))]
    assert len(names) > 50
    hosts: dict[str, str] = {}
    for name in names:
        for url in _URL.findall((ROOT / name).read_text(encoding="utf-8")):
            hosts.setdefault(urlsplit(url).netloc, name)
    assert {host: name for host, name in hosts.items() if host not in PUBLIC} == {}
    assert {*hosts} == PUBLIC


def test_locks_use_encrypted_connections_alone() -> None:
    names = [name for name in tracked() if name.startswith("lockfiles/")]
    assert lines_with(re.compile(r"\b(?:http|ftp|file)://"), names) == []


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        (FOLDER, "prefix: /home/ada/venv", True),
        (FOLDER, "path = 'C:\\Users\\ada'", True),
        (FOLDER, "in /tmp/x", True),
        (FOLDER, "https://example.com/home/page", False),
        (FOLDER, "tests/tmp/x", False),
        (LOOPBACK, "http://127.0.0.1:8000/simple", True),
        (LOOPBACK, "http://localhost/simple", True),
        (LOOPBACK, "version 27.0.0.1", False),
    ],
)
def test_a_name_of_a_machine_would_be_found(pattern: re.Pattern[str], line: str, found: bool) -> None:
    assert bool(pattern.search(line)) is found
