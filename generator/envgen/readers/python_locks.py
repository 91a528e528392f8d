"""poetry.lock and pylock.toml."""

from __future__ import annotations

from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.readers.mention import Lines, Mention, Reading
from envgen.readers.requirement import marker_targets, split_version, tag_of_url, wheel_of
from envgen.readers.toml_text import Table, parse_toml, table, tables, text_of


def read_poetry_lock(text: str, *, name: str = "poetry.lock") -> Reading:
    """Read a poetry.lock.

    Raises: FileUnreadableError.
    """
    return _read(text, name=name, packages="package", files="files", label="poetry.lock")


def read_pylock(text: str, *, name: str = "pylock.toml") -> Reading:
    """Read a pylock.toml (PEP 751).

    Raises: FileUnreadableError.
    """
    return _read(text, name=name, packages="packages", files="wheels", label="pylock.toml")


def _read(text: str, *, name: str, packages: str, files: str, label: str) -> Reading:
    lines = Lines(text)
    found = [entry for entry in tables(parse_toml(text, name=name).get(packages)) if entry.get("name") == "torch"]
    numbers = [n for n in lines.numbers('name = "torch"') if lines.at(n) == 'name = "torch"']
    numbers += [1] * (len(found) - len(numbers))
    mentions = tuple(_mention(number, entry, files) for number, entry in zip(numbers, found, strict=False))
    return Reading(format=label, mentions=mentions)


def _mention(line: int, package: Table, files: str) -> Mention:
    from packaging.markers import InvalidMarker, Marker

    names = [
        text_of(entry.get("url") or entry.get("name") or entry.get("file")) for entry in tables(package.get(files))
    ]
    wheels = [wheel for entry in names if (wheel := wheel_of(entry))]
    version, cuda = split_version(text_of(package.get("version")))
    source = text_of(package.get("index")) or text_of(table(package, "source").get("url")) or PYPI
    cuda = cuda or tag_of_url(source) or next((wheel.cuda for wheel in wheels if wheel.cuda), "")
    platforms = {platform for wheel in wheels for platform in wheel.platforms}
    raw = package.get("marker", package.get("markers"))
    try:
        allowed, _, _ = marker_targets(Marker(raw)) if isinstance(raw, str) else ((), (), "")
    except InvalidMarker:
        allowed = ()
    return Mention(
        line=line,
        text=f"torch {text_of(package.get('version'))} from {source}",
        package_set=PackageSet.PIP,
        version=version,
        cuda=cuda,
        sources=(source,),
        platforms=tuple(sorted(platforms & set(allowed) if allowed else platforms)),
        pythons=tuple(dict.fromkeys(python for wheel in wheels for python in wheel.pythons)),
        locked=True,
    )
