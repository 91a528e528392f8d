"""Task `published`: what PyTorch's own page offers of its stable release, against what the tables know of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.findings import Level
from envgen.core.json_text import parse_json
from envgen.core.platforms import Subdir
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.refresh.index_pages import read_text
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows

PUBLISHED = "https://raw.githubusercontent.com/pytorch/pytorch.github.io/site/published_versions.json"
_SYSTEMS = {"linux": Subdir.LINUX_64, "windows": Subdir.WIN_64}


def refresh_published(inputs: Inputs) -> Outcome:
    """Findings about builds that the page offers and no row knows, or that a row calls uncertain. It writes nothing.

    Raises: UnreachableError, SourceDataError.
    """
    url = inputs.source or PUBLISHED
    release, offered = parse_published(read_text(inputs, url), url=url)
    rows = read_table("torch_builds", inputs.folder)
    return Outcome(files={}, findings=tuple(unknown_builds(release, offered, rows)))


def parse_published(text: str, *, url: str) -> tuple[str, set[tuple[str, Subdir]]]:
    """The stable release, and the CUDA tag and subdir of every command that installs it; a tag is part of its URL.

    Raises: SourceDataError when it is no such list: its form has changed before.
    """
    try:
        document = parse_json(text)
        release = document["latest_stable"]
        systems = document["versions"][release]
        found = {(tag, subdir) for name, subdir in _SYSTEMS.items() for tag in _tags(systems[name])}
    except (ValueError, KeyError, TypeError) as error:
        raise SourceDataError(url=url, reason=f"no list of published versions: {error!r}") from error
    if not found:
        raise SourceDataError(url=url, reason=f"no command of {release} names a CUDA index")
    return release, found


def unknown_builds(release: str, offered: set[tuple[str, Subdir]], rows: Rows) -> Iterator[Finding]:
    """One finding for each build that is offered and not known to be there."""
    known = {(row["cuda_tag"], row["subdir"]): row["existence"] for row in rows if row["torch"] == release}
    for tag, subdir in sorted(offered, key=str):
        if known.get((tag, subdir.value), "uncertain") == "uncertain":
            title = f"torch {release}+{tag} for {subdir} is on PyTorch's page, and "
            title += "marked uncertain" if (tag, subdir.value) in known else "no row of torch_builds.csv knows it"
            remedy = f"run `wheels` and `index-lists`, or add it to builds/{release}.toml by hand"
            yield Finding(code="published-unknown", level=Level.WARNING, title=title, remedy=remedy)


def _tags(value: object) -> Iterator[str]:
    """The CUDA tags of the commands at any depth."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from re.findall(r"/whl/(cu\d+)", inner) if isinstance(inner, str) else _tags(inner)
