"""Every code that a message can end with has a page."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import envgen
from envgen.causes.table import CAUSES
from envgen.cli.main import main
from envgen.core.errors import EnvgenError
from envgen.core.messages import LANGUAGES
from envgen.core.resolution import RejectionCode
from envgen.net.errors import SourceError
from envgen.site.codes import SITE, meanings
from envgen.verify.findings import Code

_NOTICE = re.compile(r'Notice\(\s*code="([a-z0-9-]+)"|yield "([a-z0-9-]+)", ')


NAME_IT = "say what each means, in every language, in templates/messages/codes.toml"


def test_every_code_has_a_meaning_in_every_language() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(envgen.__file__).parent.rglob("*.py")]
    notices = {
        code for text in sources if "Notice" in text for found in _NOTICE.findall(text) for code in found if code
    }
    assert {"fallback-lock", "no-torch-compile", "jetpack"} <= notices
    every = notices | {code.value for code in RejectionCode} | {cause.code for cause in CAUSES} | {"gpu-ambiguous"}
    for language in LANGUAGES:
        found = meanings(language)
        assert not every - {*found}, NAME_IT
        assert [code for code, texts in found.items() if not all(one.text for one in texts)] == []


def errors(base: type[EnvgenError] = EnvgenError) -> Iterator[type[EnvgenError]]:
    """Every error of every module, but for those of the tables' own makers."""
    for found in base.__subclasses__():
        if found.__module__.startswith("envgen.") and not found.__module__.startswith("envgen.refresh"):
            yield found
        yield from errors(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_and_every_fault_of_a_folder_has_a_meaning(language: str) -> None:
    for module in pkgutil.walk_packages(envgen.__path__, "envgen."):
        if not module.name.startswith("envgen.refresh") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    known = {(meaning.code, meaning.kind) for texts in meanings(language).values() for meaning in texts}
    kinds = [kind for error in errors(SourceError) if (kind := getattr(error, "kind", ""))]
    of_network = {f"{what}-{kind}" for what in ("index", "channel") for kind in kinds}
    assert not {(code, "error") for code in {*(error.code for error in errors()), *of_network}} - known, NAME_IT
    assert not {(code.value, "verify") for code in Code} - known, NAME_IT


def test_a_code_that_stands_for_several_things_says_each() -> None:
    assert [meaning.kind for meaning in meanings()["driver-too-old"]] == ["finding", "rejection", "verify"]


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
