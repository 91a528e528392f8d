"""A long file costs what its reading costs: the same torch is judged once, wherever it stands."""

from __future__ import annotations

import pytest

from envgen.audits import report
from envgen.audits.report import audit_text
from envgen.facts.catalog import Catalog
from envgen.readers.mention import Mention
from equipment.requests import ask


@pytest.mark.parametrize("requests", [1, 3])
def test_the_same_torch_is_judged_once(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    judged: list[Mention] = []
    real = report.judge  # type: ignore[attr-defined] # of the room

    def judge(*arguments: object) -> object:
        judged.append(arguments[1])  # type: ignore[arg-type] # the second is the mention
        return real(*arguments)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(report, "judge", judge)
    lines = [f"torch==2.{minor}.0  # line {number}" for number in range(500) for minor in (1, 2, 3)]
    found = audit_text("\n".join(lines), "requirements.txt", [ask("6.1")] * requests, Catalog.load())
    assert len(judged) == 3 * requests
    assert [verdict.mention.line for verdict in found.verdicts] == [
        number for number in range(1, 1501) for _ in range(requests)
    ]
