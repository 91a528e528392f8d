"""The example of the documentation is one that works."""

from __future__ import annotations

import re
from pathlib import Path

from envgen.targets.read import parse_manifest

PAGE = Path(__file__).parents[2] / "templates" / "docs" / "targets.md"


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "requirements.in").write_text("einops\n", encoding="utf-8")
    found = parse_manifest(text, tmp_path / "envgen.toml")
    assert [target.name for target in found.targets] == ["lab", "laptop", "both", "ci"]
