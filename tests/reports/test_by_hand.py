"""What a person writes of a machine is read where it is plain, and never guessed."""

from __future__ import annotations

import pytest

from envgen.reports.by_hand import read_by_hand
from envgen.reports.messages import read_messages


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("- NVIDIA GeForce GTX 1080 Ti\n- Windows 10\n- 2.8.0+cu128", "NVIDIA GeForce GTX 1080 Ti"),
        ("RTX2060", "RTX2060"),
        ("**GPU:** RTX 4070 Ti SUPER (16 GB)", "RTX 4070 Ti SUPER"),
        ("Graphics card: GTX 1650", "GTX 1650"),
        ("GPU: 4x A100 80GB", "A100 80GB"),
        ("- GPU : GeForce GTX TITAN X", "GeForce GTX TITAN X"),
        ("GPU: TITAN Xp", "TITAN Xp"),
        ("GPU3090，", "3090"),
        ("Graphics card: 2080 Ti", "2080 Ti"),
        ("그래픽카드: RTX 3060", "RTX 3060"),
        ("I have a RTX 5080 and nothing works", "RTX 5080"),
        ("GPU: RTX 3060\n...\nIt fails on my RTX 3060.", "RTX 3060"),
    ],
)
def test_a_gpu_that_somebody_states_as_theirs(text: str, gpu: str) -> None:
    assert read_by_hand(text).gpu == gpu


@pytest.mark.parametrize(
    "text",
    [
        "works on 40* and 30* cards",
        "RTX 5060 TI to be supported",
        "On a friend's RTX 3060 it works",
        "GPU: RTX 3060\nGPU: GTX 970",
        "a RTX 3060 or better is needed",
        "my RTX 30** series card",
        "GT 2030 rows",
        "GPU 3090 MiB used",
        "GPU: 2048",
        "torch 2.8.0 needs more than GPU: yes",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert read_by_hand(text).gpu == ""


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("the nvidia driver version is 442.92, I tried 451 and 426", "442.92"),
        ("Driver: 572.16", "572.16"),
        ("driver 550.54.15 and then driver 560.35.03", ""),
        ("driver 12.6", ""),
    ],
)
def test_a_driver_in_a_sentence(text: str, driver: str) -> None:
    assert read_by_hand(text).driver == driver


@pytest.mark.parametrize(
    ("text", "torch"),
    [
        ("- 2.7.1+cu128", "2.7.1+cu128"),
        ("PyTorch: 2.1.2+cpu", "2.1.2+cpu"),
        ("- PyTorch : '1.3.0+cu92'", "1.3.0+cu92"),
        ("numpy 1.26.4", ""),
    ],
)
def test_a_release_on_a_line_of_its_own(text: str, torch: str) -> None:
    assert read_by_hand(text).torch == torch


@pytest.mark.parametrize(
    ("text", "release"),
    [("**JetPack Version:** 5.1.2", "5.1.2"), ("jetpack6.2 cuda12.2", "6.2"), ("JetPack 6.1 and JetPack 6.2", "")],
)
def test_a_jetpack_that_somebody_names(text: str, release: str) -> None:
    assert read_by_hand(text).jetpack == release


@pytest.mark.parametrize(
    ("text", "available"),
    [
        ("torch.cuda.is_available() just returned False", False),
        ("torch.cuda.is_available() False", False),
        ("we need torch.cuda.is_available() True here", None),
        ("`torch.cuda.is_available()` still gives me `False`", False),
        ("cuda.is_available() returns false", False),
        ("torch.cuda.is_available() is always True for me on Colab", None),
        ("check what torch.cuda.is_available() is", None),
    ],
)
def test_what_somebody_says_of_is_available(text: str, available: bool | None) -> None:
    assert read_messages([text]).available is available


def test_the_cuda_that_was_asked_of_conda() -> None:
    assert read_messages(["conda install pytorch==1.7.0 torchvision cudatoolkit=10.1 -c pytorch"]).cuda == "10.1"
    assert read_messages(["conda install pytorch==2.1.0 pytorch-cuda=12.1 -c pytorch -c nvidia"]).cuda == "12.1"


@pytest.mark.parametrize(
    ("text", "torch"),
    [
        ("torch.__version__ '1.13.1+cu117'", "1.13.1+cu117"),
        ("torch.__version__: 2.4.1+cu121", "2.4.1+cu121"),
        ("assert torch.__version__ >= '1.8.0'", ""),
        ("if torch.__version__ == '2.0.1':", ""),
    ],
)
def test_a_release_beside_its_expression(text: str, torch: str) -> None:
    assert read_messages([text]).torch == torch
