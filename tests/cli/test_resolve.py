"""`envgen resolve`: what to do, the facts, the nearest reasons; everything else on request."""

from __future__ import annotations

import json

import pytest

from envgen.cli.main import main

MX450 = ("--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94")


@pytest.fixture(autouse=True)
def _no_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
        monkeypatch.delenv(name, raising=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["resolve", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_it_begins_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, *MX450)
    assert lines[:2] == [
        "Paste this where Python is 3.12:",
        "  pip install torch==2.14.1 torchvision==0.29.1 --index-url https://download.pytorch.org/whl/cu126",
    ]
    facts = lines[3:]
    assert facts[0] == "GeForce MX450: compute capability 7.5 (Turing)"
    assert "fine as it is; driver 580.88 or newer would give torch 2.15.0+cu130" in facts
    assert 'locked, with hashes: envgen --gpu "GeForce MX450" --driver 560.94 --platform win-64' in facts
    assert len(lines) <= 20


def test_several_computers_each_have_their_driver(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--machine", "A100;535.183.01;linux-64", "--machine", "T4;550.54.15;linux-64")
    assert "linux-64, drivers 535.183.01, 550.54.15 (given), Python 3.12, glibc 2.28" in lines


def test_a_jetson_is_told_the_jetpack_that_would_give_more(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--gpu", "Jetson Orin Nano", "--driver", "JetPack 6.2")
    assert [line for line in lines if line.startswith("fine as it is; JetPack 7.2 would give torch 2.15.0+cu132")]


def test_an_announced_build_and_the_shipped_lock_are_one_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """The recipe announces conda's 2.13.0, whose packages nobody has listed; the shipped lock holds 2.10.0."""
    lines = said(capsys, *MX450)
    at = next(i for i, line in enumerate(lines) if line.startswith("conda  pytorch"))
    assert lines[at] == "conda  pytorch 2.13.0 cuda128, announced for conda-forge"
    assert lines[at + 2] == "       without a network: the shipped lock of 2.10.0 cuda128"
    assert not any("[conda-build-announced]" in line or "shipped locks that run" in line for line in lines)
    pip = next(i for i, line in enumerate(lines) if line.startswith("pip    torch"))
    assert not lines[pip + 2].startswith("       ")  # the shipped lock is of the same build


@pytest.mark.parametrize(
    "arguments",
    [
        MX450,
        ("--gpu", "RTX 5090", "--platform", "linux-64"),
        ("--gpu", "K80", "--platform", "linux-64", "--driver", "470.82.01"),
        ("--gpu", "GTX 1080", "--platform", "linux-64"),
    ],
)
def test_at_most_three_reasons_and_no_line_that_is_in_every_answer(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    lines = said(capsys, *arguments)
    start = next((i for i, line in enumerate(lines) if line.startswith("not taken")), len(lines))
    reasons = [line for line in lines[start + 1 :] if line.startswith("  ")]
    assert len(reasons) <= 3
    assert not any("cu134" in line for line in lines)  # no source says that 2.15.0+cu134 is published


def test_every_build_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, *MX450, "--all")
    listed = lines[lines.index("every build:") + 1 :]
    assert any(line.startswith("  pip    2.15.0+cu134: ") and line.endswith("[existence-uncertain]") for line in listed)
    assert "  pip    2.14.1+cu126: taken" in listed
    assert "  pip    2.13.0+cu126: runs" in listed
    assert "  conda  2.13.0 cuda128: taken" in listed


def test_where_conda_is_active_its_command_comes_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    lines = said(capsys, *MX450)
    assert lines[0] == "Paste this:"
    assert lines[1].startswith(
        "  conda create --name pytorch-2.13.0-cuda128 --override-channels --channel conda-forge "
    )


def test_a_decision_without_a_build_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--gpu", "RTX 5090", "--platform", "linux-64", "--driver", "470.82.01", "--format", "json")
    assert main(["resolve", *asked]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["pip"], document["conda"]) == (None, None)
    assert document["rejected"]
