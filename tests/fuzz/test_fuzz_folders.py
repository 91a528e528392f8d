"""Whatever stands in a folder, the commands that read it end soon, with a status of the contract and no traceback."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envgen.cli.main import main
from fuzz.folders import hostile_folders
from fuzz.test_fuzz_commands import EXAMPLES, LONGEST_S, STATUSES

REQUEST = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline", "--output"]
READING = (["verify", "--offline"], [*REQUEST[:-1], "--check", "--output"], [*REQUEST[:-1], "--dry-run", "--output"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "out"
    assert main([*REQUEST, str(folder)]) == 0
    assert main(["verify", "--offline", str(folder)]) == 0  # what is imported once is imported now
    return folder


@settings(
    max_examples=max(10, EXAMPLES // 3), deadline=None, suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES <= 60, print_blob=False,
)  # fmt: skip
@given(data=st.data())
def test_any_folder(data: st.DataObject, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "place"
    faults = data.draw(hostile_folders(whole, place))
    before = sorted((path.name, path.lstat().st_mtime_ns) for path in place.iterdir())
    for command in READING:
        started = time.process_time()
        status = main([*command, str(place)])
        taken = time.process_time() - started
        said = capsys.readouterr()
        assert status in STATUSES, f"{faults}\n{status}: {said.err[-500:]}"
        assert "Traceback" not in said.err + said.out
        assert taken < LONGEST_S, f"{faults}: {taken:.1f} s"
    assert sorted((path.name, path.lstat().st_mtime_ns) for path in place.iterdir()) == before
