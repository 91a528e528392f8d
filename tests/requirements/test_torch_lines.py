"""Lines that are torch itself are read as --torch, --cuda and --audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.requirements.family import LinesClashError, TorchAsked, with_torch
from envgen.resolve import resolve
from equipment.requests import ask


def read(request: Request, *family: str) -> TorchAsked:
    return with_torch(request, family, Catalog.load())


@pytest.mark.parametrize(
    ("family", "subdir", "expected"),
    [
        pytest.param(["torch"], "linux-64", ("", "", False), id="a name alone"),
        pytest.param(["torch>=2.4,<2.9"], "linux-64", ("<2.9,>=2.4", "", False), id="bounds"),
        pytest.param(["torch==2.6.0+cu124"], "linux-64", ("==2.6.0", "cu124", False), id="a CUDA tag"),
        pytest.param(["torch", "torchaudio"], "linux-64", ("", "", True), id="torchaudio"),
        pytest.param(["torch<2.9; sys_platform == 'win32'"], "linux-64", ("", "", False), id="another platform's"),
        pytest.param(["torch<2.9; sys_platform == 'win32'"], "win-64", ("<2.9", "", False), id="this platform's"),
        # https://github.com/pytorch/vision#installation: 0.19 is of torch 2.4, 0.21 of 2.6, 0.23 of 2.8.
        pytest.param(["torchvision>=0.19,<0.22"], "linux-64", (">=2.4.0,<=2.6.0", "", False), id="a companion"),
        pytest.param(["torch>=2.2.1", "torchvision<0.23"], "linux-64", (">=2.2.1,<=2.7.1", "", False), id="one end"),
        pytest.param(["torch==2.8.0", "torchvision==0.23.0"], "linux-64", ("==2.8.0", "", False), id="said already"),
        pytest.param(["torchvision==0.21.0+cu124"], "linux-64", ("==2.6.0", "cu124", False), id="a companion's tag"),
    ],
)
def test_what_the_lines_ask_for(family: list[str], subdir: str, expected: tuple[str, str, bool]) -> None:
    found = read(ask("8.6", subdir, "580.95.05"), *family).request
    assert (found.torch, found.cuda, found.audio) == expected


def test_a_companion_binds_torch() -> None:
    """torchvision 0.21.0 goes with torch 2.6.0 (pytorch/vision's README), and with no other release."""
    request = read(ask("8.6", "linux-64", "570.133.20"), "torchvision==0.21.0").request
    decided = resolve(Catalog.load(), request).pip
    assert decided is not None
    assert (decided.build.torch, decided.torchvision) == ("2.6.0", "0.21.0")


def test_read_twice_is_read_once() -> None:
    """The header's command states torch beside the file that asked for it."""
    family = ("torch==2.9.1", "torchvision==0.24.1")
    once = read(ask("8.6"), *family)
    assert read(once.request, *family) == once


@pytest.mark.parametrize(
    ("torch", "cuda", "family", "expected", "replaced"),
    [
        pytest.param("==2.14.1", "", ["torch==2.6.0"], ("==2.14.1", ""), ["torch==2.6.0"], id="another release"),
        pytest.param("==2.14.1", "", ["torchvision==0.21.0"], ("==2.14.1", ""), ["torchvision==0.21.0"], id="its"),
        pytest.param(">=2.6", "", ["torch<2.9"], (">=2.6,<2.9", ""), [], id="both hold"),
        pytest.param("", "cu126", ["torch==2.6+cu124"], ("==2.6", "cu126"), ["the tag of torch==2.6+cu124"], id="tag"),
        pytest.param("", "", ["torch==2.6.0+cpu"], ("==2.6.0", ""), ["the tag of torch==2.6.0+cpu"], id="cpu"),
        pytest.param("", "cpu", ["torch==2.6.0+cpu"], ("==2.6.0", "cpu"), [], id="none is asked for"),
        pytest.param("", "", ["torch==2.6+rocm6.2"], ("==2.6", ""), ["the tag of torch==2.6+rocm6.2"], id="rocm"),
    ],
)
def test_an_option_stands_in_place_of_what_contradicts_it(
    torch: str, cuda: str, family: Sequence[str], expected: tuple[str, str], replaced: Sequence[str]
) -> None:
    """So that the option which an error names does what it says, beside the file that was given."""
    found = read(replace(ask("8.6"), torch=torch, cuda=cuda), *family)
    assert (found.request.torch, found.request.cuda) == expected
    assert [line for line, _ in found.replaced] == replaced


@pytest.mark.parametrize(
    ("family", "text"),
    [
        pytest.param(
            ["torch==2.6.0", "torchvision==0.20.0", "torchaudio"],
            "no known release of torch goes with torch==2.6.0 and torchvision==0.20.0\n"
            "  torchvision==0.20.0 goes with torch 2.5.0\n"
            "  hint: with torch 2.6.0 goes torchvision==0.21.0",
            id="torch and a companion",
        ),
        pytest.param(
            ["torchvision==0.20.0", "torchaudio==2.6.0"],
            "no known release of torch goes with torchvision==0.20.0 and torchaudio==2.6.0\n"
            "  torchvision==0.20.0 goes with torch 2.5.0\n"
            "  torchaudio==2.6.0 goes with torch 2.6.0\n"
            "  hint: with torch 2.5.0 goes torchaudio==2.5.0",
            id="two companions",
        ),
        pytest.param(
            ["torch<2", "torch>2.5"],
            "no known release of torch goes with torch<2 and torch>2.5\n  hint: change one of the lines",
            id="torch twice",
        ),
        pytest.param(
            ["torchvision==0.99.0", "torch==2.6.0"],
            "no known release of torch goes with torchvision==0.99.0\n"
            "  hint: with torch 2.15.0 goes torchvision==0.29.2",
            id="a release that is not known",
        ),
    ],
)
def test_lines_that_no_release_meets(family: Sequence[str], text: str) -> None:
    with pytest.raises(LinesClashError) as caught:
        read(ask("8.6"), *family)
    error = caught.value
    facts = "".join(f"\n  {fact}" for fact in error.facts())
    assert f"{error.headline()}{facts}\n  hint: {error.hint()}" == text


def test_many_lines_that_clash_are_said_in_few() -> None:
    """Lines that the same releases meet say the same, and comparing each with each takes long."""
    family = [
        f"torch{bound},!=1.0.{number}" for number in range(200) for bound in (">=2.10", "<=2.11", "!=2.10,!=2.11")
    ]
    with pytest.raises(LinesClashError) as caught:
        read(ask("8.6"), *family, "torch<2.12")
    assert caught.value.headline().count("torch") <= 1 + 3
