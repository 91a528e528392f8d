"""Task `conda`: which of conda's builds of pytorch have been published, by the channel's list of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from envgen.core.dataclass import dataclass
from envgen.core.json_text import parse_json
from envgen.core.releases import release_key
from envgen.net.errors import SourceDataError
from envgen.refresh.compile import compiled
from envgen.refresh.index_pages import read_text
from envgen.refresh.outcome import Finding, Inputs, Outcome
from envgen.refresh.releases import Cells, Release, read_releases
from envgen.refresh.wheel_tags import python_list

FILES = "https://api.anaconda.org/package/conda-forge/pytorch/files"
_PYTHON = re.compile(r"_py3(\d+)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaFile:
    """One published package of pytorch."""

    subdir: str
    version: str
    build: str

    @property
    def python(self) -> str:
        """The X.Y that its build string names, empty when it names none."""
        found = _PYTHON.search(self.build)
        return f"3.{found[1]}" if found else ""


def refresh_conda(inputs: Inputs) -> Outcome:
    """The files of releases with the Pythons whose conda package is published, and findings about unknown builds.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    url = inputs.source or FILES
    files = parse_files(read_text(inputs, url), url=url)
    releases = read_releases(inputs.folder)
    made = compiled(inputs.folder, [with_published(release, files) for release in releases.values()])
    return Outcome(files=made.files, findings=(*unknown_builds(releases.values(), files), *made.findings))


def parse_files(text: str, *, url: str) -> tuple[CondaFile, ...]:
    """The CUDA packages of a channel's list of files.

    Raises: SourceDataError when it is no such list.
    """
    try:
        names = [entry["basename"] for entry in parse_json(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise SourceDataError(url=url, reason=f"no list of files: {type(error).__name__}") from error
    form = re.compile(r"(?P<subdir>[\w-]+)/pytorch-(?P<version>[\d.]+)-(?P<build>cuda\w+)\.(?:conda|tar\.bz2)")
    found = tuple(CondaFile(**match.groupdict()) for name in names if (match := form.fullmatch(name)))
    if not found:
        raise SourceDataError(url=url, reason="it lists no CUDA package of pytorch")
    return found


def with_published(release: Release, files: Iterable[CondaFile]) -> Release:
    """The release; a conda-forge build has seen each Python that a file is published for."""
    own = [file for file in files if file.version == release.torch and file.python]

    def seen(cells: Cells) -> Cells:
        pythons = {file.python for file in own if is_of(file, cells)}
        both = ("pythons", "pythons_seen")
        return {**cells, **{column: python_list({*cells[column].split(), *pythons}) for column in both}}

    return replace(release, conda=tuple(seen(cells) if _is_forge(cells) else cells for cells in release.conda))


def is_of(file: CondaFile, cells: Cells) -> bool:
    """True when a package is one of a build: the same platform, and a build string that its pattern fits."""
    return file.subdir == cells["subdir"] and fnmatchcase(file.build, cells["build_glob"].format(python=file.python))


def unknown_builds(releases: Iterable[Release], files: Iterable[CondaFile]) -> list[Finding]:
    """One warning for each release, CUDA and platform that is published and that no file of a release has."""
    of_release = {release.torch: release.conda for release in releases}
    oldest = min(map(release_key, of_release))
    unknown: set[tuple[str, str, str]] = set()
    for file in files:
        known = of_release.get(file.version, ())
        if release_key(file.version) >= oldest and not any(is_of(file, cells) for cells in known):
            unknown.add((file.version, file.build.partition("_")[0], file.subdir))
    return [
        Finding(
            code="unknown-build",
            title=f"conda-forge has pytorch {version} {cuda} for {subdir}, and builds/{version}.toml has no such build",
            remedy="add a [[conda.build]] by hand: the arch list is in the feedstock's recipe",
        )
        for version, cuda, subdir in sorted(unknown, key=lambda key: (release_key(key[0]), key))
    ]


def _is_forge(cells: Cells) -> bool:
    return cells["channels"] == "conda-forge"
