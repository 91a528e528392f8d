"""Captured hosts are seen as their `expected.json` says, which was written down from the captures, not from a run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from envgen.probe.document import observation_lines, observation_mapping
from envgen.probe.observation import host_gpus
from envgen.probe.parse.smi import parse_log
from probe import host_capture

HOSTS = host_capture.names()


@pytest.mark.parametrize("name", HOSTS)
def test_host_is_seen_as_expected(name: str) -> None:
    capture = host_capture.load(name)
    observation = capture.observe()
    seen: dict[str, Any] = observation_mapping(observation)
    seen["statuses"] = {source.name: source.status.value for source in observation.sources}
    seen["host_gpus"] = [list(gpu.queries) for gpu in host_gpus(observation)]
    seen["disagreements"] = len(observation.disagreements)
    seen["driven"] = [gpu.name for gpu in observation.nvidia if gpu.is_driven]
    seen["bus"] = [gpu.pci_id for gpu in observation.nvidia if gpu.pci_address]
    seen["xid_codes"] = sorted({xid.code for xid in observation.xids})
    assert _part(seen, capture.expected) == capture.expected


@pytest.mark.parametrize("name", HOSTS)
def test_a_second_look_is_the_same(name: str) -> None:
    assert host_capture.look_at(name) == host_capture.look_at(name)


@pytest.mark.parametrize("name", HOSTS)
def test_whatever_was_not_answered_has_a_reason(name: str) -> None:
    for source in host_capture.look_at(name).sources:
        assert (source.reason == "") == (source.status == "ok"), source


@pytest.mark.parametrize("name", HOSTS)
def test_text_names_every_gpu_and_the_driver(name: str) -> None:
    observation = host_capture.look_at(name)
    text = "\n".join(observation_lines(observation))
    assert all((gpu.label or "unnamed") in text for gpu in observation.gpus)
    assert f"driver   {observation.driver or 'none found'}" in text


def test_captured_hosts_say_that_they_are_constructed_or_captured() -> None:
    for name in HOSTS:
        text = (host_capture.PROBES / name / "README").read_text("utf-8")
        assert text.startswith(("Constructed from the documented output formats", "Captured on")), name


LOGS = Path(__file__).parent / "logs"
ROWS = list(csv.DictReader((LOGS / "expected.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_logs_of_every_age_are_read(row: dict[str, str]) -> None:
    """Posted excerpts of `nvidia-smi -q` from R375 to R610, laid out again in the width of their driver."""
    report = parse_log((LOGS / f"{row['name']}.txt").read_text("utf-8"))
    assert (report.driver, report.cuda) == (row["driver"], row["cuda"])
    assert "|".join(gpu.name for gpu in report.gpus) == row["gpus"]
    assert all(gpu.pci_address for gpu in report.gpus)


def _part(seen: Any, expected: Any) -> Any:
    """The part of `seen` that `expected` speaks of."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        return {key: _part(seen[key], value) for key, value in expected.items() if key in seen}
    if isinstance(expected, list) and isinstance(seen, list) and len(seen) == len(expected):
        return [_part(one, two) for one, two in zip(seen, expected, strict=True)]
    return seen
