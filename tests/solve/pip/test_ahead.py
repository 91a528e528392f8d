"""uv is at work on what it was asked before while the index is read; what it is asked follows from the index alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envgen.net import wheel_contents
from envgen.solve.errors import WheelMissingError
from envgen.solve.pip import answer
from equipment.pip_world import CP, TAG, TORCH, Solve, query, torch_wheels
from equipment.wheel_index import WheelIndex, make_wheel

TORCHVISION_UNTAGGED = f"torchvision-0.99.0-{CP}-{CP}-manylinux_2_28_x86_64.whl"


@pytest.fixture
def starts(torch_index: WheelIndex, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pages of PyTorch's index envgen and uv had read at each start of uv."""
    seen: list[int] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            seen.append(len(torch_index.requests))
            super().__init__(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return seen


def test_the_second_solve_starts_uv_before_it_reads_the_index(
    solve: Solve, torch_index: WheelIndex, starts: list[int]
) -> None:
    first = solve()
    torch_index.requests.clear()
    assert solve(query(extras=("timm",))).version_of("timm") == "1.0.0"
    assert starts[1:] == [0]
    assert solve() == first


def test_what_is_known_of_the_wheels_is_read_while_uv_works(solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
    first = solve(query(extras=("timm",)))
    events: list[str] = []
    kept, read = wheel_contents._kept, answer.read_packages

    def seen_kept(place: Path) -> object:
        events.append("wheel")
        return kept(place)

    def seen_answer(document: str, log: str) -> object:
        events.append("answer")
        return read(document, log)

    monkeypatch.setattr(wheel_contents, "_kept", seen_kept)
    monkeypatch.setattr(answer, "read_packages", seen_answer)
    assert solve(query(extras=("timm",))) == first
    assert events == ["wheel"] * len(first.packages) + ["answer"]


def test_an_index_that_lists_another_file_now_is_what_counts(
    solve: Solve, torch_index: WheelIndex, starts: list[int], tmp_path: Path
) -> None:
    assert solve().version_of("torchvision") == f"0.99.0+{TAG}"
    others = [wheel for wheel in torch_wheels() if wheel.project != "torchvision"]
    torch_index.wheels = {f"/whl/{TAG}": [*others, make_wheel(TORCHVISION_UNTAGGED, ("numpy", f"torch>={TORCH}"))]}
    torch_index.requests.clear()
    assert solve(cache_dir=tmp_path / "uv").version_of("torchvision") == "0.99.0"
    assert len(starts) == 3
    assert starts[1] == 0
    assert starts[2] > 0


def test_a_wheel_that_is_gone_is_missed_whatever_uv_still_knows(
    solve: Solve, torch_index: WheelIndex, starts: list[int]
) -> None:
    solve()
    torch_index.wheels = {f"/whl/{TAG}": [wheel for wheel in torch_wheels() if wheel.project != "torch"]}
    with pytest.raises(WheelMissingError):
        solve()
    assert len(starts) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"requirements": 1}', '{"requirements": ["torch==9"], "pins": []}'])
def test_what_was_kept_and_cannot_be_read_is_no_guess(
    solve: Solve, torch_index: WheelIndex, starts: list[int], tmp_path: Path, text: str
) -> None:
    solve()
    (kept,) = (tmp_path / "envgen-cache" / "listed").iterdir()
    kept.write_text(text, encoding="utf-8")
    torch_index.requests.clear()
    solve()
    assert starts[1] > 0
