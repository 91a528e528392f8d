"""What a person writes of a machine is read where it is plain, and never guessed."""

from __future__ import annotations

import pytest

from envgen.reports.by_hand import read_by_hand


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("- NVIDIA GeForce GTX 1080 Ti\n- Windows 10\n- 2.8.0+cu128", "NVIDIA GeForce GTX 1080 Ti"),
        ("RTX2060", "RTX2060"),
        ("**GPU:** RTX 4070 Ti SUPER (16 GB)", "RTX 4070 Ti SUPER"),
        ("Graphics card: GTX 1650", "GTX 1650"),
        ("GPU: 4x A100 80GB", "A100 80GB"),
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
    ("text", "torch"), [("- 2.7.1+cu128", "2.7.1+cu128"), ("PyTorch: 2.1.2+cpu", "2.1.2+cpu"), ("numpy 1.26.4", "")]
)
def test_a_release_on_a_line_of_its_own(text: str, torch: str) -> None:
    assert read_by_hand(text).torch == torch


@pytest.mark.parametrize(
    ("text", "release"),
    [("**JetPack Version:** 5.1.2", "5.1.2"), ("jetpack6.2 cuda12.2", "6.2"), ("JetPack 6.1 and JetPack 6.2", "")],
)
def test_a_jetpack_that_somebody_names(text: str, release: str) -> None:
    assert read_by_hand(text).jetpack == release
