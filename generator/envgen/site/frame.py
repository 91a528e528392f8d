"""A page of the site: the frame around a template, its policy, its language."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.files.templates import read_template, render_html

Page = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the pages of one language share. English is at the top, every other language in a folder of its name."""

    language: str
    say: Mapping[str, str]
    revision: str

    def page(self, path: str, template: str, title: str, description: str = "", **values: Any) -> Page:  # noqa: ANN401
        """The path and text of a page. `path` is the English one's; `description` is what a search engine shows."""
        home = "../" * path.count("/")
        english = self.language == "en"
        root = home if english else f"{home}../"
        style = "".join(line.strip() for line in read_template("site/style.css").splitlines())
        text = render_html(
            f"site/{template}",
            lang=self.language,
            other_lang="ko" if english else "en",
            other=f"{home}ko/{path}" if english else f"{root}{path}",
            path=path,
            home=home,
            root=root,
            say=self.say,
            title=title,
            description=description or self.say["intro"],
            style=style,
            csp=_policy(style, values.get("scripts", ())),
            revision=self.revision,
            **values,
        )
        return (path if english else f"{self.language}/{path}"), text

    def fill(self, key: str, **values: str) -> str:
        """A text with its names filled in."""
        text = self.say[key]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """The Content-Security-Policy of a page: nothing from anywhere but the style and the scripts that are in it."""
    own = " ".join(f"'{_hash(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src {own}; img-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def script_json(value: object) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).replace("<", "\\u003c")
