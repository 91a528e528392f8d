"""Mirrors that fail, through the command line: no answer leads to a shipped lock, wrong bytes never do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from equipment import loopback, wheel_index
from equipment.conda_channel import write_pytorch_channels
from equipment.file_names import SMOKE, names_of
from equipment.loopback import refused_url, serving
from equipment.wheel_index import WheelIndex

pytestmark = pytest.mark.usefixtures("few_retries")

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
PAGE = "/whl/cu126/torch/"
PIP_FILES = {*names_of(PackageSet.PIP), SMOKE}
CONDA_FILES = {*names_of(PackageSet.CONDA, Subdir.WIN_64), SMOKE}
FILES = len(PIP_FILES | CONDA_FILES)


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    with WheelIndex(wheels={}).running() as running:
        yield running


def written(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.exists() else 0


NO_ANSWER = [
    pytest.param(wheel_index.Fault(status=429, retry_after="1"), id="429", marks=pytest.mark.slow),
    pytest.param(wheel_index.Fault(status=500), id="500"),
    pytest.param(wheel_index.Fault(status=403), id="403", marks=pytest.mark.slow),
]
WRONG_BYTES = [
    pytest.param(wheel_index.Fault(body=b"<html><body>" + b"x" * 400 + b"</body></html>", cut=200), id="truncated"),
    pytest.param(
        wheel_index.Fault(body=b"<html><body><h1>Log in</h1></body></html>"), id="a login page", marks=pytest.mark.proof
    ),
    pytest.param(
        wheel_index.Fault(body=b'{"files": [', content_type="application/json"),
        id="half a JSON",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("fault", NO_ANSWER)
def test_no_answer_from_the_wheel_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], index: WheelIndex, fault: wheel_index.Fault
) -> None:
    mirrors = ["--wheel-mirror", index.url("/whl"), "--conda-mirror", refused_url()]
    index.faults[PAGE] = fault
    assert main([*MX450, "--upgrade", *mirrors, "--output", str(tmp_path / "out")]) == 0
    assert "[fallback-lock]" in capsys.readouterr().err
    assert written(tmp_path / "out") == FILES
    assert main(["lock", *MX450, *mirrors, "--output", str(tmp_path / "lock")]) == 5
    assert "[index-unreachable]" in capsys.readouterr().err
    assert written(tmp_path / "lock") == 0


def test_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mirrors = ["--wheel-mirror", f"{refused_url()}/whl", "--conda-mirror", refused_url()]
    assert main([*MX450, "--upgrade", *mirrors, "--output", str(tmp_path / "out")]) == 0
    assert "[fallback-lock]" in capsys.readouterr().err
    assert written(tmp_path / "out") == FILES
    assert main(["verify", "--offline", str(tmp_path / "out")]) == 0
    assert main(["lock", *MX450, *mirrors, "--output", str(tmp_path / "lock")]) == 5
    assert written(tmp_path / "lock") == 0


@pytest.mark.parametrize("fault", WRONG_BYTES)
def test_wrong_bytes_from_the_wheel_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], index: WheelIndex, fault: wheel_index.Fault
) -> None:
    mirrors = ["--wheel-mirror", index.url("/whl"), "--conda-mirror", refused_url()]
    index.faults[PAGE] = fault
    assert main([*MX450, "--upgrade", *mirrors, "--output", str(tmp_path / "out")]) == 5
    assert "[index-data]" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir()} == CONDA_FILES
    assert main(["lock", *MX450, *mirrors, "--output", str(tmp_path / "lock")]) == 5
    assert "[index-data]" in capsys.readouterr().err
    assert written(tmp_path / "lock") == 0


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        pytest.param(loopback.Fault(status=500), 0, "[fallback-lock]", id="500"),
        pytest.param(loopback.Fault(status=403), 0, "[fallback-lock]", id="403", marks=pytest.mark.slow),
        pytest.param(loopback.Fault(drop=True), 0, "[fallback-lock]", id="dropped", marks=pytest.mark.slow),
        pytest.param(loopback.Fault(cut=40), 5, "[channel-data]", id="truncated"),
        pytest.param(
            loopback.Fault(body=b"<html>Log in</html>"), 5, "[channel-data]", id="a login page", marks=pytest.mark.proof
        ),
    ],
)
def test_a_failing_channel(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: loopback.Fault,
    status: int,
    code: str,
) -> None:
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "cache"))
    with serving(write_pytorch_channels(tmp_path / "channels"), fault) as channel:
        mirrors = ["--wheel-mirror", f"{refused_url()}/whl", "--conda-mirror", channel.url]
        assert main([*MX450, "--upgrade", *mirrors, "--output", str(tmp_path / "out")]) == status
        assert code in capsys.readouterr().err
        assert written(tmp_path / "out") == (FILES if status == 0 else len(PIP_FILES))
        assert main(["lock", *MX450, *mirrors, "--output", str(tmp_path / "lock")]) == 5
        assert written(tmp_path / "lock") == 0
