"""pyproject.toml: torch among a project's requirements, extras and groups; uv's, poetry's and pixi's own sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.markers import InvalidMarker, Marker

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.readers.mention import Lines, Mention, Reading
from envgen.readers.pip_lines import mention_of
from envgen.readers.pixi import pixi_mentions
from envgen.readers.poetry_versions import pep440_of_poetry
from envgen.readers.requirement import PLATFORMS, marker_targets, tag_of_url, torch_requirement
from envgen.readers.toml_text import Table, parse_toml, table, tables, text_of, texts


def read_pyproject(text: str, *, name: str = "pyproject.toml") -> Reading:
    """Read a pyproject.toml.

    Raises: FileUnreadableError.
    """
    document = parse_toml(text, name=name)
    lines = Lines(text)
    sources = _uv_sources(document)
    mentions: list[Mention] = []
    last: dict[str, int] = {}  # a requirement that stands in several groups: the line of the one before
    for variant, requirements in _groups(document):
        for requirement in requirements:
            found = torch_requirement(requirement)
            if found is not None:
                last[requirement] = lines.first(requirement, after=last.get(requirement, 0))
                plain = replace(mention_of(last[requirement], requirement, found, ()), variant=variant, locked=False)
                mentions += _by_source(plain, sources)
    mentions += _poetry(document, lines)
    mentions += pixi_mentions(table(document, "tool", "pixi"), lines)
    return Reading(format="pyproject.toml", mentions=tuple(mentions))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where uv takes torch from: an index by its URL, on some platforms, for an extra or a group."""

    url: str
    platforms: tuple[str, ...]
    variant: str


def _uv_sources(document: Table) -> list[_Source]:
    uv = table(document, "tool", "uv")
    indexes = {text_of(entry.get("name")): text_of(entry.get("url")) for entry in tables(uv.get("index"))}
    value = table(uv, "sources").get("torch")
    entries = tables(value) if isinstance(value, list) else [value] if isinstance(value, Mapping) else []
    found = []
    for entry in entries:
        url = indexes.get(text_of(entry.get("index")), "") or text_of(entry.get("url")) or text_of(entry.get("git"))
        try:
            platforms, _, _ = marker_targets(Marker(entry["marker"])) if "marker" in entry else ((), (), "")
        except InvalidMarker:
            platforms = ()
        variant = next((f"{kind} {entry[kind]}" for kind in ("extra", "group") if kind in entry), "")
        found.append(_Source(url=url, platforms=platforms, variant=variant))
    return found


def _groups(document: Table) -> Iterator[tuple[str, list[str]]]:
    project = table(document, "project")
    yield "", texts(project.get("dependencies"))
    for key, listed in table(project, "optional-dependencies").items():
        yield f"extra {key}", texts(listed)
    for key, listed in table(document, "dependency-groups").items():
        yield f"group {key}", [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []


def _by_source(plain: Mention, sources: list[_Source]) -> Iterator[Mention]:
    fitting = [source for source in sources if source.variant in ("", plain.variant)]
    if not fitting or plain.cuda or plain.unclear:
        yield plain
        return
    taken: set[str] = set()
    for source in fitting:
        platforms = _both(plain.platforms, source.platforms)
        taken |= set(source.platforms)
        tag = tag_of_url(source.url)
        unclear = "" if tag or source.url.endswith("/simple") else f"torch comes from {source.url}"
        yield replace(plain, platforms=platforms, sources=(source.url,), cuda=tag, unclear=unclear)
    if all(source.platforms for source in fitting):
        rest = tuple(p for p in plain.platforms or tuple(PLATFORMS) if p not in taken)
        if rest:
            yield replace(plain, platforms=rest, sources=(PYPI,))


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(p for p in one if p in other) if one and other else one or other


def _poetry(document: Table, lines: Lines) -> Iterator[Mention]:
    poetry = table(document, "tool", "poetry")
    urls = {text_of(entry.get("name")): text_of(entry.get("url")) for entry in tables(poetry.get("source"))}
    sections = [("", table(poetry, "dependencies"))]
    sections += [(f"group {key}", table(group, "dependencies")) for key, group in table(poetry, "group").items()]
    for variant, section in sections:
        value = section.get("torch")
        for entry in value if isinstance(value, list) else [value] if value is not None else []:
            yield _poetry_mention(entry, variant, lines, urls)


def _poetry_mention(entry: object, variant: str, lines: Lines, urls: Mapping[str, str]) -> Mention:
    spec = entry if isinstance(entry, str) else text_of(table(entry).get("version"))
    options: Table = table(entry)
    url = urls.get(text_of(options.get("source")), "") or text_of(options.get("url"))
    found = (
        torch_requirement(f"torch{pep440_of_poetry(spec)}")
        if not options.get("url")
        else torch_requirement(f"torch @ {url}")
    )
    line = lines.first("torch", "=")
    if found is None:
        return Mention(
            line=line, text=lines.at(line), package_set=PackageSet.PIP, unclear=f"the version {spec} can't be read"
        )
    mention = replace(mention_of(line, f"torch {spec}".strip(), found, ()), variant=variant, locked=False)
    return replace(mention, sources=(url or PYPI,), cuda=mention.cuda or tag_of_url(url))
