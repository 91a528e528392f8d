"""smoke_test.py: the program in the repository is the one that is written, but for one constant."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from envgen.files.formats import smoke
from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing, smoke_body
from envgen.files.templates import TemplateError

PROGRAM = Path(__file__).parent.parent.parent / "templates" / "smoke_test.py"
PAIRING = SmokePairing(source="pip", torch="2.14.1", cuda="12.6", torchvision="0.29.1")


@pytest.mark.parametrize(
    "name", ["GeForce MX450", '"""; import os #', "a\nb", "Ünïcode \U0001f40d", "back\\slash", "{x}%s"]
)
def test_one_constant_is_replaced_and_nothing_else(name: str) -> None:
    expected = SmokeExpectation(pairings=(PAIRING,), gpus=(SmokeGpu(name=name, capability="7.5"),))
    text = smoke_body(expected)
    assert text.isascii() == PROGRAM.read_text(encoding="utf-8").isascii()
    shipped, written = ast.parse(PROGRAM.read_text(encoding="utf-8")).body, ast.parse(text).body
    changed = [new for old, new in zip(shipped, written, strict=True) if ast.dump(old) != ast.dump(new)]
    (constant,) = changed
    assert isinstance(constant, ast.Assign)
    assert ast.unparse(constant.targets[0]) == "EXPECTED"
    assert ast.literal_eval(constant.value) == expected.as_json()


def test_a_program_without_that_line_is_no_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "read_template", lambda name: "EXPECTED = {}\n")
    with pytest.raises(TemplateError, match="no single line"):
        smoke_body(SmokeExpectation())
