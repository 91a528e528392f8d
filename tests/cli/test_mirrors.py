"""A mirror of everything that fails in one way: the exit status, the time limit, and what becomes of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envgen.cli.main import main
from equipment.conda_channel import write_pytorch_channels
from equipment.loopback import Fault, Loopback, serving

pytestmark = pytest.mark.usefixtures("few_retries")

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--timeout", "2"]

UNREACHABLE = [
    pytest.param(Fault(stall=True), id="it stalls", marks=pytest.mark.slow),
    pytest.param(Fault(drop=True), id="it drops every connection", marks=pytest.mark.slow),
    pytest.param(Fault(status=429, headers={"Retry-After": "3600"}), id="429, come in an hour", marks=pytest.mark.slow),
    pytest.param(Fault(status=500), id="500", marks=pytest.mark.slow),
    pytest.param(Fault(status=403), id="403"),
    pytest.param(Fault(delay_s=20), id="it answers after the limit", marks=pytest.mark.slow),
]
WRONG = [
    pytest.param(Fault(body=b"<html>Log in</html>"), id="a login page for everything"),
    pytest.param(Fault(body=b"\x28\xb5\x2f\xfd" + b"\0" * 60), id="other bytes", marks=pytest.mark.slow),
    pytest.param(Fault(cut=20, body=b"x" * 400), id="it breaks off", marks=pytest.mark.slow),
]


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))


@contextmanager
def failing(tmp_path: Path, fault: Fault) -> Iterator[tuple[Loopback, list[str]]]:
    """A server whose every answer fails, and the options that name it as the mirror of both worlds."""
    root = write_pytorch_channels(tmp_path / "mirror")
    page = root / "whl/cu126/torch/index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<a href="torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl#sha256=' + "0" * 64 + '">torch</a>')
    with serving(root, fault) as server:
        yield server, ["--wheel-mirror", f"{server.url}/whl", "--conda-mirror", server.url]


def contents(folder: Path) -> dict[str, bytes]:
    """File name -> bytes of everything in a folder, hidden files and leftovers included."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A folder that was written before, from the shipped locks."""
    assert main([*MX450, "--offline", "--output", str(tmp_path / "complete")]) == 0
    return tmp_path / "complete"


@pytest.mark.parametrize("fault", UNREACHABLE)
def test_a_mirror_without_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], complete: Path, fault: Fault
) -> None:
    before = contents(complete)
    with failing(tmp_path, fault) as (_, mirrors):
        assert main([*MX450, "--upgrade", *mirrors, "--output", str(tmp_path / "new")]) == 0
        assert "[fallback-lock]" in capsys.readouterr().err
        assert contents(tmp_path / "new").keys() == before.keys()
        assert main([*MX450, "--upgrade", *mirrors, "--output", str(complete)]) == 0
        assert contents(complete) == before
        assert main(["lock", *MX450, *mirrors, "--output", str(complete)]) == 5
        assert "-unreachable]" in capsys.readouterr().err
        assert contents(complete) == before
        assert main(["lock", *MX450, *mirrors, "--output", str(tmp_path / "never")]) == 5
        assert contents(tmp_path / "never") == {}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize(
    ("command", "is_new"),
    [
        ("lock", True),
        ("--upgrade", False),
        pytest.param("lock", False, marks=pytest.mark.proof),
        pytest.param("--upgrade", True, marks=pytest.mark.proof),
    ],
)
def test_a_mirror_with_wrong_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], complete: Path, fault: Fault, command: str, is_new: bool
) -> None:
    before = contents(complete)
    patient = [*MX450[:-1], "60"]  # a busy machine starts a solver in more than two seconds
    folder = tmp_path / "never" if is_new else complete
    with failing(tmp_path, fault) as (_, mirrors):
        words = ["lock", *patient] if command == "lock" else [*patient, command]
        assert main([*words, *mirrors, "--output", str(folder)]) == 5
    assert "-data]" in capsys.readouterr().err
    assert contents(folder) == ({} if is_new else before)


def test_a_stall_ends_at_the_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with failing(tmp_path, Fault(stall=True)) as (server, mirrors):
        assert main(["lock", *MX450, "--timeout", "1", *mirrors, "--output", str(tmp_path / "never")]) == 5
        assert server.log == []  # the server notes a request when its stall of 30 s is over
    told = capsys.readouterr().err
    assert "silent for 1 s" in told or "the time limit passed while it was answering" in told


@pytest.mark.parametrize(
    ("mirror", "said"),
    [
        pytest.param(["--wheel-mirror", "rubbish"], '"rubbish" is neither a URL nor a folder', id="pip"),
        pytest.param(["--conda-mirror", "no/such"], 'no folder "no/such" to read conda channels from', id="conda"),
    ],
)
def test_a_mirror_that_is_none_is_told_even_when_nobody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mirror: list[str], said: str
) -> None:
    assert main([*MX450, "--offline", *mirror, "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {said} (from {mirror[0]}) [usage]\n  hint: ")
    assert not (tmp_path / "out").exists()
