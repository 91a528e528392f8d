"""uv.lock: every torch in it, with the extras, groups and platforms that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from packaging.markers import InvalidMarker, Marker

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.readers.mention import Lines, Mention, Reading
from envgen.readers.requirement import PLATFORMS, PYTHONS, environment, split_version, tag_of_url, wheel_of
from envgen.readers.toml_text import Table, parse_toml, table, tables, text_of

_LOCAL = ("editable", "virtual", "directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    """A dependency on torch. `variant` is how uv writes an extra or a group in markers; empty for a plain one."""

    version: str
    source: str
    marker: str
    variant: str = ""

    def leads_to(self, package: Table) -> bool:
        """True when it means this package: uv writes version and source only where there are several."""
        return self.version in ("", text_of(package.get("version"))) and self.source in ("", _registry(package))

    def applies(self, platform: str, python: str, variant: str) -> bool:
        """True on a platform and a Python with one extra or group asked for, or none."""
        return self.variant in ("", variant) and _holds(self.marker, platform, python, variant)


def read_uv_lock(text: str, *, name: str = "uv.lock") -> Reading:
    """Read a uv.lock.

    Raises: FileUnreadableError.
    """
    packages = tables(parse_toml(text, name=name).get("package"))
    lines = Lines(text)
    numbers = [n for n in lines.numbers('name = "torch"') if lines.at(n) == 'name = "torch"']
    torches = [package for package in packages if package.get("name") == "torch"]
    numbers += [1] * (len(torches) - len(numbers))
    edges = list(_edges(packages))
    labels = {"": ""} | {edge.variant: _label(edge.variant) for edge in edges if edge.variant}
    mentions = [
        mention
        for number, package in zip(numbers, torches, strict=False)
        for mention in _mentions(number, lines.at(number + 1), package, edges, labels)
    ]
    return Reading(format="uv.lock", mentions=tuple(mentions))


def _mentions(line: int, text: str, package: Table, edges: list[_Edge], labels: dict[str, str]) -> Iterator[Mention]:
    """The mentions of one torch: for each variant one for the platforms that have it with the same Pythons."""
    wheels = [wheel for entry in tables(package.get("wheels")) if (wheel := wheel_of(text_of(entry.get("url"))))]
    files = {platform for wheel in wheels for platform in wheel.platforms} or set(PLATFORMS)
    named = {python for wheel in wheels for python in wheel.pythons}
    own = [edge for edge in edges if edge.leads_to(package)]
    version, cuda = split_version(text_of(package.get("version")))
    source = _registry(package)
    pythons_of_files = [python for python in PYTHONS if python in named or not named]
    places = [(platform, python) for platform in PLATFORMS if platform in files for python in pythons_of_files]
    plain: set[tuple[str, str]] = set()
    for variant, label in labels.items():
        there = (place for place in places if place not in plain and _is_forked_to(package, *place, variant))
        active = [place for place in there if any(edge.applies(*place, variant) for edge in own)]
        if not variant:
            plain = {*active}
        pythons = {platform: tuple(python for at, python in active if at == platform) for platform, _ in active}
        for alike in dict.fromkeys(pythons.values()):
            yield Mention(
                line=line,
                text=f"torch {text_of(package.get('version'))} from {source or 'no registry'}",
                package_set=PackageSet.PIP,
                version=version,
                cuda=cuda or tag_of_url(source),
                sources=(source,) if source else (),
                platforms=tuple(platform for platform, own_pythons in pythons.items() if own_pythons == alike),
                pythons=alike if named or len(alike) < len(PYTHONS) else (),
                variant=label,
                locked=True,
            )


def _is_forked_to(package: Table, platform: str, python: str, variant: str) -> bool:
    """True where a package is the one of its name: uv writes the markers of its fork where there are several."""
    markers = package.get("resolution-markers")
    if not isinstance(markers, list) or not markers:
        return True
    return any(_holds(text_of(marker), platform, python, variant) for marker in markers)


@cache
def _holds(text: str, platform: str, python: str, extra: str) -> bool:
    """True when a marker lets a place through, and for one that can't be read."""
    marker = _marker(text)
    return marker is None or marker.evaluate(environment(platform, python) | {"extra": extra})


@cache
def _marker(text: str) -> Marker | None:
    try:
        return Marker(text) if text else None
    except InvalidMarker:
        return None


def _registry(package: Table) -> str:
    source = table(package, "source")
    return text_of(source.get("registry")) or text_of(source.get("url")) or text_of(source.get("git"))


def _edges(packages: list[Table]) -> Iterator[_Edge]:
    for package in packages:
        owner = text_of(package.get("name"))
        is_local = any(key in table(package, "source") for key in _LOCAL)
        for entry in tables(package.get("dependencies")):
            yield from _edge(entry, "")
        for kind, prefix in (("optional-dependencies", "extra"), ("dev-dependencies", "group")):
            for key, listed in table(package, kind).items():
                # An extra of somebody else's package is asked for by whoever depends on it: no choice of the user's.
                variant = f"{prefix}-{len(owner)}-{owner}-{key}" if is_local else ""
                for entry in tables(listed):
                    yield from _edge(entry, variant)


def _edge(entry: Table, variant: str) -> Iterator[_Edge]:
    if entry.get("name") != "torch":
        return
    version, marker = text_of(entry.get("version")), text_of(entry.get("marker"))
    yield _Edge(version=version, source=_registry(entry), marker=marker, variant=variant)


def _label(variant: str) -> str:
    """`extra gpu` of `extra-8-nanochat-gpu`: the number is the length of the package's name."""
    kind, _, rest = variant.partition("-")
    length, _, rest = rest.partition("-")
    return f"{kind} {rest[int(length) + 1 :]}"
