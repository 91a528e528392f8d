"""Conda files that equal those of a shipped lock in every byte are not made again; one byte off, and they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.core.paths import tree
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.reading import split
from envgen.files.registry import CONDA_LOCK, set_of
from envgen.files.variants import with_name
from envgen.verify.known import is_as_shipped

WIN = Subdir.WIN_64
NAMES = ("conda-lock.yml", "conda-win-64.lock", "environment.yml", "virtual-packages.yml")


@pytest.fixture(scope="module")
def shipped() -> dict[str, str]:
    """The bodies of a shipped conda lock."""
    folder = sorted((tree("lockfiles") / WIN.value / "py3.12").glob(f"*/{CONDA_LOCK.one}"))[-1].parent
    files = (path for path in folder.iterdir() if set_of(path.name) is PackageSet.CONDA)
    return {path.name: split(path.read_text(encoding="utf-8"))[1] for path in files}


def is_known(bodies: dict[str, str], python: str = "3.12", root: Path | None = None) -> bool:
    return is_as_shipped(bodies, WIN, python, root or tree("lockfiles"))


def test_the_files_of_a_shipped_lock_are_known_whatever_the_environment_is_called(shipped: dict[str, str]) -> None:
    assert tuple(sorted(shipped)) == NAMES
    assert is_known(shipped)
    assert is_known({**shipped, "environment.yml": with_name(shipped["environment.yml"], "mine")})
    assert is_known({**shipped, "requirements.txt": "torch==2.10.0\n"})


@pytest.mark.parametrize("name", NAMES)
def test_a_byte_more_or_a_file_less_is_not_known(shipped: dict[str, str], name: str) -> None:
    assert not is_known({**shipped, name: f"{shipped[name]} "})
    assert not is_known({**shipped, name: "2".join(shipped[name].rsplit("1", 1))})
    assert not is_known({other: text for other, text in shipped.items() if other != name})


def test_a_name_that_no_environment_has_is_not_known(shipped: dict[str, str]) -> None:
    text = shipped["environment.yml"].replace("name: ", "name: ../", 1)
    assert not is_known({**shipped, "environment.yml": text})


def test_the_lock_of_another_target_is_not_known(shipped: dict[str, str], tmp_path: Path) -> None:
    assert not is_known(shipped, python="3.11")
    assert not is_known(shipped, root=tmp_path)
    assert not is_known({**shipped, "conda-linux-64.lock": shipped["conda-win-64.lock"]})


def test_every_shipped_lock_of_conda_on_arm_is_for_servers() -> None:
    locks = [path.read_text(encoding="utf-8") for path in tree("lockfiles").glob("linux-aarch64/*/conda-*/*64.lock")]
    assert locks
    assert not any("-tegra.conda" in text for text in locks)
