"""Whatever an index says of its files, the lock is the one that an honest index gives, or there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.errors import EnvgenError
from envgen.core.locks import PipLock, PipPackage
from equipment.pip_world import TAG, Solve
from equipment.wheel_index import JSON_TYPE, Fault, WheelIndex

TORCH, FILELOCK = f"/whl/{TAG}", "/simple"
HREF = re.compile(r'href="([^"#]*)#sha256=([0-9a-f]{64})"')
HASH = "0" * 64
Lie = Callable[[str, str], str]  # a file's path and hash -> its link


def link(template: str) -> Lie:
    """A link of a path, its folder and file, and a hash."""

    def lie(path: str, sha256: str) -> str:
        folder, _, file = path.rpartition("/")
        return template.format(path=path, folder=folder, file=file, sha256=sha256)

    return lie


LINKS = {
    "another-host": "https://evil.example{path}#sha256={sha256}",
    "another-port": "http://127.0.0.1:1{path}#sha256={sha256}",
    "no-scheme": "//evil.example{path}#sha256={sha256}",
    "a-login": "https://me:s3cret@evil.example{path}#sha256={sha256}",
    "a-file": "file://{path}#sha256={sha256}",
    "ftp": "ftp://evil.example{path}#sha256={sha256}",
    "javascript": "javascript:alert(1)//{file}#sha256={sha256}",
    "data": "data:text/plain,{file}#sha256={sha256}",
    "no-host": "https:///{path}#sha256={sha256}",
    "broken-host": "https://[::1{path}#sha256={sha256}",
    "port-0": "http://127.0.0.1:0{path}#sha256={sha256}",
    "up": "{folder}/../../etc/{file}#sha256={sha256}",
    "up-encoded": "{folder}/%2e%2e/{file}#sha256={sha256}",
    "up-encoded-slash": "{folder}/..%2f..%2f{file}#sha256={sha256}",
    "newline-encoded": "{folder}%0a--index-url/{file}#sha256={sha256}",
    "newline-behind": "{path}%0a#sha256={sha256}",
    "nul": "{path}%00#sha256={sha256}",
    "twice-encoded": "{folder}/%252e%252e/{file}#sha256={sha256}",
    "query": "{path}?x=1#sha256={sha256}",
    "space": "{folder}/a%20b/{file}#sha256={sha256}",
    "hash-of-another": "{path}#sha256=" + HASH,
    "hash-short": "{path}#sha256=abc",
    "hash-long": "{path}#sha256={sha256}00",
    "hash-upper": "{path}#sha256=" + "A" * 64,
    "hash-unicode": "{path}#sha256=" + "\u0661" * 64,
    "hash-newline": "{path}#sha256={sha256}%0a--hash",
    "hash-empty": "{path}#sha256=",
    "hash-md5": "{path}#md5=" + "0" * 32,
    "hash-sha512": "{path}#sha512=" + "0" * 128,
    "hash-none": "{path}",
    "hash-twice": "{path}#sha256=" + HASH + "&amp;sha256={sha256}",
    "egg": "{path}#egg=torch&amp;sha256={sha256}",
    "another-name": "{folder}/evil-1.0-py3-none-any.whl#sha256={sha256}",
    "unicode-name": "{folder}/t\u043erch-2.99.0-py3-none-any.whl#sha256={sha256}",
    "bidi-name": "{folder}/\u202e{file}#sha256={sha256}",
    "escape-name": "{folder}/\x1b[31m{file}#sha256={sha256}",
    "sdist": "{folder}/torch-2.99.0.tar.gz#sha256={sha256}",
    "exe": "{path}.exe#sha256={sha256}",
    "long": "{folder}/" + "a" * 70_000 + "/{file}#sha256={sha256}",
}


# How an index states another hash than it has: no solve can see it, and no installer takes the file.
OTHER_HASHES = ("hash-of-another", "hash-upper", "hash-twice", "egg", "hash-none")
FEW = ("another-host", "up-encoded", "newline-encoded", "hash-short", "unicode-name")


@pytest.fixture
def honest(solve: Solve) -> PipLock:
    return solve()


def judge(solve: Callable[[], PipLock], honest: PipLock, *, lies_of: str = "") -> str:
    """Solve, and return the code of the error; nothing when the lock is the honest one, but for a hash of `lies_of`."""
    found = _solved(solve)
    if isinstance(found, EnvgenError):
        assert found.exit_code in (3, 5), found
        assert str(found).replace("\n", "").isprintable()
        assert "s3cret" not in str(found)
        return found.code
    assert without_hash(found, lies_of) == without_hash(honest, lies_of)
    return ""


def _solved(solve: Callable[[], PipLock]) -> PipLock | EnvgenError:
    try:
        return solve()
    except EnvgenError as error:
        return error


def without_hash(lock: PipLock, name: str) -> tuple[PipPackage, ...]:
    return tuple(replace(p, sha256="", size=None) if p.name == name else p for p in lock.packages)


@pytest.mark.parametrize("prefix", [TORCH, FILELOCK], ids=["torch", "filelock"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FEW else pytest.mark.slow) for n in LINKS])
def test_a_link_that_lies(
    name: str, prefix: str, torch_index: WheelIndex, pypi_index: WheelIndex, solve: Solve, honest: PipLock
) -> None:
    index, project = (torch_index, "torch") if prefix == TORCH else (pypi_index, "filelock")
    page = index.page(prefix, project, as_json=False)
    assert page is not None
    lie = link(LINKS[name])
    body = HREF.sub(lambda found: f'href="{lie(found[1], found[2])}"', page[1].decode())
    index.faults[f"{prefix}/{project}/"] = Fault(body=body.encode("utf-8", "surrogatepass"))
    code = judge(solve, honest, lies_of=project if name in OTHER_HASHES else "")
    assert code or name in OTHER_HASHES


ENTRIES: dict[str, dict[str, object]] = {
    "url-none": {"url": None},
    "url-number": {"url": 5},
    "url-other-host": {"url": "https://evil.example/filelock-3.20.0-py3-none-any.whl"},
    "url-of-another": {"url": "/simple/evil-1.0-py3-none-any.whl"},
    "url-newline": {"url": "/simple/a\nb/filelock-3.20.0-py3-none-any.whl"},
    "url-up": {"url": "/simple/%2e%2e/filelock-3.20.0-py3-none-any.whl"},
    "filename-of-another": {"filename": "evil-1.0-py3-none-any.whl"},
    "filename-other-version": {"filename": "filelock-99.0-py3-none-any.whl"},
    "filename-path": {"filename": "../../filelock-3.20.0-py3-none-any.whl"},
    "filename-control": {"filename": "filelock-3.20.0-py3-none-any.whl\x1b[31m"},
    "hashes-none": {"hashes": None},
    "hashes-list": {"hashes": ["sha256", "0"]},
    "hash-number": {"hashes": {"sha256": 5}},
    "hash-newline": {"hashes": {"sha256": "0" * 64 + "\n--index-url x"}},
    "size-gigantic": {"size": 10**30},
    "size-negative": {"size": -1},
    "size-float": {"size": 1.5},
    "size-text": {"size": "9" * 5000},
    "size-true": {"size": True},
    "yanked-object": {"yanked": {"x": 1}},
    "requires-python-nonsense": {"requires-python": "\n; evil"},
    "requires-python-never": {"requires-python": ">=99"},
    "upload-time-nonsense": {"upload-time": "\x1b[31m9999-99-99"},
    "metadata-nonsense": {"core-metadata": {"sha256": "x"}},
    "metadata-of-another": {"core-metadata": {"sha256": "0" * 64}},
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ("url-up", "size-gigantic") else pytest.mark.slow) for n in ENTRIES]
)
def test_a_json_entry_that_lies(name: str, pypi_index: WheelIndex, solve: Solve, honest: PipLock) -> None:
    page = pypi_index.page(FILELOCK, "filelock", as_json=True)
    assert page is not None
    document = json.loads(page[1])
    document["files"] = [{**entry, **ENTRIES[name]} for entry in document["files"]]
    pypi_index.faults["/simple/filelock/"] = Fault(body=json.dumps(document).encode(), content_type=JSON_TYPE)
    judge(solve, honest, lies_of="filelock")


METADATA = {
    "another-name": "Name: evil\nVersion: 3.20.0",
    "another-version": "Name: filelock\nVersion: 99.0",
    "no-name": "Version: 3.20.0",
    "nothing": "",
    "needs-a-url": "Name: filelock\nVersion: 3.20.0\nRequires-Dist: numpy @ https://evil.example/numpy-1-py3-none-any.whl",
    "needs-a-file": "Name: filelock\nVersion: 3.20.0\nRequires-Dist: numpy @ file:///etc/hostname",
    "needs-itself": "Name: filelock\nVersion: 3.20.0\nRequires-Dist: filelock>99",
    "needs-nonsense": "Name: filelock\nVersion: 3.20.0\nRequires-Dist: !!! ;;; \x1b[31m",
    "needs-another-torch": "Name: filelock\nVersion: 3.20.0\nRequires-Dist: torch<1",
    "long": "Name: filelock\nVersion: 3.20.0\n" + "Requires-Dist: numpy\n" * 20_000,
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "needs-a-url" else pytest.mark.slow) for n in METADATA]
)
def test_metadata_that_lie(name: str, pypi_index: WheelIndex, solve: Solve, honest: PipLock, tmp_path: Path) -> None:
    path = "/simple/filelock-3.20.0-py3-none-any.whl.metadata"
    pypi_index.faults[path] = Fault(body=f"Metadata-Version: 2.1\n{METADATA[name]}\n".encode())
    assert judge(lambda: solve(cache_dir=tmp_path / "uv"), honest)  # no honest metadata in it
