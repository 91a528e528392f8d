"""Every code that a message can end with has a page."""

from __future__ import annotations

import re
from pathlib import Path

import envgen
from envgen.causes.table import CAUSES
from envgen.core.messages import LANGUAGES
from envgen.core.resolution import RejectionCode
from envgen.site.codes import meanings

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
