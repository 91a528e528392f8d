"""What nobody answers for: a set that has a pairing and can't be locked never costs the files that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from equipment.file_names import names_of
from equipment.loopback import refused_url

pytestmark = pytest.mark.usefixtures("few_retries")

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64"]
PIP, CONDA = ["--with", "pip:einops"], ["--with", "conda:scipy"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def mirrors() -> list[str]:
    url = refused_url()
    return ["--wheel-mirror", f"{url}/whl", "--conda-mirror", url]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert main([*MX450, "--offline", "--output", str(tmp_path / "out")]) == 0
    return tmp_path / "out"


PIP_FILES, CONDA_FILES = (", ".join(sorted(names_of(one, Subdir.WIN_64))) for one in PackageSet)


@pytest.mark.parametrize(
    ("wanted", "lost", "mode"),
    [
        (PIP, PIP_FILES, []),
        (CONDA, CONDA_FILES, ["--offline"]),
        (PIP, PIP_FILES, ["--check"]),
        (CONDA, CONDA_FILES, ["--dry-run"]),
        pytest.param(CONDA, CONDA_FILES, [], marks=pytest.mark.proof),
        pytest.param(PIP, PIP_FILES, ["--offline"], marks=pytest.mark.proof),
        pytest.param(CONDA, CONDA_FILES, ["--check"], marks=pytest.mark.proof),
        pytest.param(PIP, PIP_FILES, ["--dry-run"], marks=pytest.mark.proof),
    ],
)
def test_no_file_goes_because_nobody_answered(
    folder: Path, capsys: pytest.CaptureFixture[str], mirrors: list[str], wanted: list[str], lost: str, mode: list[str]
) -> None:
    before = contents(folder)
    assert main([*MX450, *wanted, *mirrors, *mode, "--output", str(folder)]) == 5
    said = capsys.readouterr()
    after = contents(folder)
    assert {name: after[name] for name in lost.split(", ")} == {name: before[name] for name in lost.split(", ")}
    assert said.err.splitlines()[-4].startswith(f"error: {lost} can be neither kept nor made anew: ")
    assert said.err.splitlines()[-4].endswith("[files-unanswered]")
    assert "removed" not in said.err
    assert after.keys() == before.keys()


@pytest.mark.parametrize(("wanted", "other"), [(PIP, "conda-win-64.lock"), (CONDA, "pylock.toml")])
def test_the_other_set_is_written_and_the_smoke_test_knows_both(
    folder: Path, mirrors: list[str], wanted: list[str], other: str
) -> None:
    """Else the environment that is made from the files that stay would fail its test."""
    before = contents(folder)
    assert main([*MX450, *wanted, *mirrors, "--output", str(folder)]) == 5
    after = contents(folder)
    assert wanted[1].encode() in after[other]
    assert after["smoke_test.py"].partition(b"\n#\n")[2] == before["smoke_test.py"].partition(b"\n#\n")[2]


def test_an_edited_file_does_not_cost_its_neighbour(folder: Path) -> None:
    path = folder / "pylock.toml"
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8", newline="\n")
    before = contents(folder)
    assert main([*MX450, *PIP, "--offline", "--output", str(folder)]) == 4
    assert contents(folder) == before


def test_files_of_a_dropped_platform_still_go(tmp_path: Path) -> None:
    """What is no longer asked for is stale, whoever answers for the rest."""
    linux = ["--platform", "linux-64"]
    assert main([*MX450, *linux, "--offline", "--output", str(tmp_path)]) == 0
    for name in ("requirements-win-64.txt", "pylock.win-64.toml"):
        (tmp_path / name).unlink()
    assert main([*MX450[:4], *linux, "--platform", "linux-aarch64", "--offline", "--output", str(tmp_path)]) == 0
    assert not any("win-64" in path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("wanted", [PIP, CONDA])
def test_an_empty_folder_gets_the_side_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mirrors: list[str], wanted: list[str]
) -> None:
    """The files are the same whatever the network said, so that --check agrees; the terminal tells the reason."""
    assert main([*MX450, *wanted, *mirrors, "--output", str(tmp_path / "online")]) == 0
    said = capsys.readouterr().err
    assert "[set-not-locked]" in said
    assert "no answer from" in said
    assert main([*MX450, *wanted, "--offline", "--output", str(tmp_path / "offline")]) == 0
    assert contents(tmp_path / "online") == contents(tmp_path / "offline")
    assert main([*MX450, *wanted, "--check", "--output", str(tmp_path / "online")]) == 0
    assert main([*MX450, *wanted, *mirrors, "--output", str(tmp_path / "offline")]) == 0
    assert contents(tmp_path / "online") == contents(tmp_path / "offline")
