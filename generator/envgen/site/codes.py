"""What each code means: a page for each finding, notice, rejection and error, and the command that prints the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envgen.causes.table import CAUSES
from envgen.core.dataclass import dataclass
from envgen.core.messages import messages
from envgen.core.resolution import RejectionCode
from envgen.site.frame import Frame, Page

# Where the release workflow publishes the site; `project.urls` of pyproject.toml states the same.
SITE = "https://cuda-envgen.github.io/cuda-envgen/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code says in one of its uses. `kind` is finding, notice, rejection, verify, audit or error."""

    code: str
    kind: str
    text: str


def meanings(language: str = "en") -> Mapping[str, tuple[Meaning, ...]]:
    """Code -> what it means, sorted; one that stands for several things has several."""
    say, own = messages("site")[language], messages("codes")[language]
    found = [Meaning(code=cause.code, kind="finding", text=_first(cause.check.__doc__)) for cause in CAUSES]
    found += [
        Meaning(code=code.value, kind="rejection", text=own.get(code.value) or _general(say[f"reason.{code.value}"]))
        for code in RejectionCode
    ]
    notices = {key.removeprefix("notice."): text for key, text in say.items() if key.startswith("notice.")}
    rejected = {code.value for code in RejectionCode}
    notices |= {code: text for code, text in own.items() if code not in rejected and "." not in code}
    found += [Meaning(code=code, kind="notice", text=text) for code, text in notices.items()]
    found += [
        Meaning(code=key.removeprefix(f"{kind}."), kind=kind, text=text)
        for kind in ("verify", "audit", "error")
        for key, text in own.items()
        if key.startswith(f"{kind}.")
    ]
    groups: dict[str, dict[Meaning, None]] = {}
    for meaning in found:
        groups.setdefault(meaning.code, {})[meaning] = None
    return {code: tuple(groups[code]) for code in sorted(groups)}


def page_address(code: str) -> str:
    """Where the page of a code is published."""
    return f"{SITE}codes/{code}.html"


def code_pages(frame: Frame) -> Iterator[Page]:
    """The list of all codes, and a page for each."""
    every = meanings(frame.language)
    yield frame.page("codes.html", "codes.html.j2", frame.say["codes"], meanings=every)
    for code, found in every.items():
        yield frame.page(f"codes/{code}.html", "code.html.j2", code, found[0].text, meanings=found)


def _general(text: str) -> str:
    """A text of the finder without the values of one question."""
    for name in (" {driver}", " {capability}", "{driver}", "{capability}"):
        text = text.replace(name, "")
    return text


def _first(docstring: str | None) -> str:
    return " ".join((docstring or "").split("\n\n")[0].split())
