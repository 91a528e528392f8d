"""Lines that are torch itself are read as --torch, --cuda and --audio."""

from __future__ import annotations

import pytest

from envgen.core.errors import UsageError
from envgen.facts.catalog import Catalog
from envgen.requirements.asked import Asked
from envgen.requirements.read import with_torch
from envgen.resolve import resolve
from equipment.requests import ask


@pytest.mark.parametrize(
    ("family", "subdir", "expected"),
    [
        pytest.param(["torch"], "linux-64", ("", "", False), id="a name alone"),
        pytest.param(["torch>=2.4,<2.9"], "linux-64", ("<2.9,>=2.4", "", False), id="bounds"),
        pytest.param(["torch==2.6.0+cu124"], "linux-64", ("==2.6.0", "cu124", False), id="a CUDA tag"),
        pytest.param(["torch", "torchaudio"], "linux-64", ("", "", True), id="torchaudio"),
        pytest.param(["torch<2.9; sys_platform == 'win32'"], "linux-64", ("", "", False), id="another platform's"),
        pytest.param(["torch<2.9; sys_platform == 'win32'"], "win-64", ("<2.9", "", False), id="this platform's"),
    ],
)
def test_what_the_lines_ask_for(family: list[str], subdir: str, expected: tuple[str, str, bool]) -> None:
    found = with_torch(ask("8.6", subdir, "580.95.05"), Asked(family=family), Catalog.load())
    assert (found.torch, found.cuda, found.audio) == expected


def test_a_companion_binds_torch() -> None:
    """torchvision 0.21.0 goes with torch 2.6.0 (pytorch/vision's README), and with no other release."""
    catalog = Catalog.load()
    request = with_torch(ask("8.6", "linux-64", "570.133.20"), Asked(family=["torchvision==0.21.0"]), catalog)
    decided = resolve(catalog, request).pip
    assert decided is not None
    assert (decided.build.torch, decided.torchvision) == ("2.6.0", "0.21.0")


def test_read_twice_is_read_once() -> None:
    """The header's command states torch beside the file that asked for it."""
    catalog, asked = Catalog.load(), Asked(family=["torch==2.9.1", "torchvision==0.24.1"])
    once = with_torch(ask("8.6"), asked, catalog)
    assert with_torch(once, asked, catalog) == once


def test_two_tags_are_a_contradiction() -> None:
    with pytest.raises(UsageError, match="the requirements ask for cu124, --cuda for"):
        with_torch(ask("8.6", cuda="cu126"), Asked(family=["torch==2.6.0+cu124"]), Catalog.load())
