"""Every code that a message can end with has a page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import envgen
from envgen.causes.table import CAUSES
from envgen.cli.main import main
from envgen.core.messages import LANGUAGES
from envgen.core.resolution import RejectionCode
from envgen.site.codes import SITE, meanings

_NOTICE = re.compile(r'Notice\(\s*code="([a-z0-9-]+)"|yield "([a-z0-9-]+)", ')


def test_every_code_has_a_meaning_in_every_language() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(envgen.__file__).parent.rglob("*.py")]
    notices = {
        code for text in sources if "Notice" in text for found in _NOTICE.findall(text) for code in found if code
    }
    assert {"fallback-lock", "no-torch-compile", "jetpack"} <= notices
    every = notices | {code.value for code in RejectionCode} | {cause.code for cause in CAUSES} | {"gpu-ambiguous"}
    for language in LANGUAGES:
        found = meanings(language)
        assert every - {*found} == set()
        assert [code for code, texts in found.items() if not all(one.text for one in texts)] == []


def test_a_code_that_stands_for_several_things_says_each() -> None:
    assert [meaning.kind for meaning in meanings()["driver-too-old"]] == ["finding", "rejection"]


@pytest.mark.parametrize("written", ["driver-too-old", "[driver-too-old]", "DRIVER_TOO_OLD"])
def test_explain_says_what_the_page_of_a_code_says(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", written]) == 0
    said = capsys.readouterr().out
    assert all(meaning.text in said for meaning in meanings()["driver-too-old"])
    assert said.endswith("\npage: https://cuda-envgen.github.io/cuda-envgen/codes/driver-too-old.html\n")


def test_explain_without_a_code_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*meanings()]


def test_a_code_that_there_is_not_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "driver-to-old"]) == 2
    assert "closest codes: driver-too-old" in capsys.readouterr().err


def test_the_address_of_the_site_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == SITE
