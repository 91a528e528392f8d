"""People post the computer that works beside the one that doesn't: a mixture of both is no machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from envgen.cli.main import main
from envgen.doctor.posted import SeveralMachinesError, examine_text
from envgen.reports.machines import machines_in

if TYPE_CHECKING:
    from pathlib import Path


def table(gpu: str, driver: str) -> str:
    return (
        f"| NVIDIA-SMI {driver}   Driver Version: {driver}   CUDA Version: 12.4     |\n"
        f"|   0  {gpu:<26} Off  | 00000000:01:00.0 Off |                    0 |\n"
    )


COLLECTED = """PyTorch version: 2.6.0+cu124
CUDA used to build PyTorch: 12.4
Is CUDA available: True
GPU models and configuration: GPU 0: {gpu}
Nvidia driver version: 550.54.15
"""

WORKS, FAILS = table("Tesla T4", "535.183.01"), table("NVIDIA GeForce RTX 5090", "550.54.15")


def test_two_computers_are_named_with_their_lines_and_neither_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posted = f"Works on this one:\n```\n{WORKS}```\nNot on my desktop:\n```\n{FAILS}```\ntorch==2.6.0+cu124\n"
    (tmp_path / "posted.txt").write_text(posted)
    assert main(["doctor", "--report", str(tmp_path / "posted.txt")]) == 3
    told = capsys.readouterr().err
    assert "[report-of-several-machines]" in told
    assert "line 3: Tesla T4, driver 535.183.01" in told
    assert "line 8: NVIDIA GeForce RTX 5090, driver 550.54.15" in told


def test_each_part_is_judged_by_itself() -> None:
    with pytest.raises(SeveralMachinesError):
        examine_text(WORKS + FAILS + "torch==2.6.0+cu124\n")
    examine_text(WORKS)
    examine_text(FAILS + "torch==2.6.0+cu124\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("torch==2.6.0+cu124\n", id="none"),
        pytest.param(
            table("Tesla T4", "470.256.02") + "After the update:\n" + table("Tesla T4", "550.54.15"), id="update"
        ),
        pytest.param(
            table("NVIDIA GeForce RTX 4090", "550.54.15") + table("GeForce RTX 4090", "550.54.15"), id="named"
        ),
        pytest.param(
            table("NVIDIA GeForce ...", "550.54.15") + COLLECTED.format(gpu="NVIDIA GeForce RTX 4090"), id="cut"
        ),
        pytest.param(COLLECTED.format(gpu="Tesla T4") + table("Tesla T4", "550.54.15"), id="of-two-programs"),
    ],
)
def test_outputs_of_one_computer_are_of_one(text: str) -> None:
    assert len(machines_in(text)) <= 1


def test_a_hostile_text_takes_little_time() -> None:
    text = "".join(f"GPU 0: NVIDIA X{at} Y\n" for at in range(100_000))
    begin = time.monotonic()
    assert machines_in(text)
    assert time.monotonic() - begin < 5
