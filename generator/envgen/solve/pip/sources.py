"""`--allow-source`: packages that may be locked as a source distribution, solved by what their sources state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.platforms import Subdir
from envgen.core.requirements import read_specifiers
from envgen.core.wheel_names import WheelName, file_name
from envgen.net.deadline import Patience
from envgen.solve.errors import SolveFailedError
from envgen.solve.pip.resolver_log import readable_bounds
from envgen.solve.pip.uv import UvRequest, compile_packages

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from envgen.net.pip_index import ProjectPage, SourceFile
    from envgen.solve.pip.answer import UvPackage
    from envgen.solve.pip.sdist import Sdist

_OF_EACH = 3  # releases that are offered for each bound that something sets on a package
_BOUNDS = 12
_MOST = 40  # sources that are read for one solve


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedSources:
    """Packages that may be locked as a source distribution, and the target that no wheel of theirs fits."""

    names: tuple[str, ...]
    python: str
    subdir: Subdir
    glibc: str

    def compile(
        self, request: UvRequest, *, patience: Patience, cache_dir: Path | None = None
    ) -> tuple[UvPackage, ...]:
        """uv's answer, with sources where no wheel of a release fits the target. Raises: as `compile_packages`."""
        if not self.names:
            return compile_packages(request, patience=patience, cache_dir=cache_dir)
        from envgen.net.pip_index import read_project
        from envgen.solve.pip.sdist import stand_in

        pages = {name: read_project(request.default_index, name, patience=patience) for name in self.names}
        sdists: dict[str, Sdist] = {}
        unread: dict[str, str] = {}
        while True:  # until nothing sets a further bound on one of them
            log: list[str] = []
            stand_ins = dict(stand_in(file_name(one).split("-")[0], sdist) for one, sdist in sdists.items())
            asked = replace(request, stand_ins=stand_ins)
            failure: SolveFailedError | None = None
            found: tuple[UvPackage, ...] = ()
            try:
                found = compile_packages(asked, patience=patience, cache_dir=cache_dir, log=log)
            except SolveFailedError as error:
                failure = error
            before = len(sdists)
            for name, page in pages.items():
                for source in self._wanted(page, name, "".join(log)) if page is not None else ():
                    self._offer(name, source, sdists, unread, patience)
            if len(sdists) > before and len(sdists) <= _MOST:
                continue
            if failure is not None:
                failure.explanation = (*unread.values(), *failure.explanation)
                raise failure
            return tuple(_with_source(package, sdists) for package in found)

    def _wanted(self, page: ProjectPage, name: str, log: str) -> Iterator[SourceFile]:
        """The newest sources for each bound that was set on a package, of releases without a wheel for the target."""
        from packaging.version import Version

        fits = partial(WheelName.fits, python=self.python, subdir=self.subdir, glibc=self.glibc)
        fitting = {file.name.release for file in page.files if fits(file.name)}
        sources = [one for one in page.sources if one.version not in fitting and one.sha256 and not one.is_yanked]
        sources.sort(key=lambda one: Version(one.version), reverse=True)
        for bound in _bounds(name, log):
            yield from [one for one in sources if bound.contains(one.version)][:_OF_EACH]

    def _offer(
        self,
        name: str,
        source: SourceFile,
        sdists: dict[str, Sdist],
        unread: dict[str, str],
        patience: Patience,
    ) -> None:
        """Read a source, unless it was read, or is not for the Python; of one that can't be read `unread` says why."""
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        filename = f"{name.replace('-', '_')}-{source.version}-py3-none-any.whl"
        if filename in sdists or filename in unread:
            return
        from envgen.solve.pip.sdist import read_sdist

        try:
            sdist = read_sdist(source, patience=patience)
        except EnvgenError as error:
            unread[filename] = f"the source of {name} {source.version} can't be read: {' '.join(error.facts())}"
            return
        with suppress(InvalidSpecifier):
            if SpecifierSet(sdist.requires_python).contains(f"{self.python}.0", prereleases=True):
                sdists[filename] = sdist


def _bounds(name: str, log: str) -> list[SpecifierSet]:
    """The bounds that anything set on a package on uv's way (`name>=4.9.0, <4.10.dev0`)."""
    named = rf"{re.escape(name)}(?:\[[^\]]*\])?(?:\{{[^}}]*\}})?"
    asked = re.compile(rf"^DEBUG Adding [^\n]*: {named}(?P<bounds>(?:[*<>=!~ ][^\n]*)?)$", re.MULTILINE)
    found = []
    for text in dict.fromkeys(readable_bounds(step["bounds"]) for step in asked.finditer(log)):
        for one in text.replace(" ", "").split("|"):
            if (bounds := read_specifiers("" if one == "*" else one)) is not None:
                found.append(bounds)
    return found[:_BOUNDS]


def _with_source(package: UvPackage, sdists: Mapping[str, Sdist]) -> UvPackage:
    """A package with its source in the place of what stood in for it."""
    sdist = next((one for wheel in package.wheels if (one := sdists.get(file_name(wheel.url)))), None)
    if sdist is None:
        return package
    from envgen.solve.pip.answer import UvWheel

    return replace(package, wheels=(UvWheel(url=sdist.url, sha256=sdist.sha256, size=None),))
