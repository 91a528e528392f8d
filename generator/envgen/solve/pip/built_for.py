"""Packages whose binaries are built for some releases of torch while their metadata lets others in.

Beside another torch they fail when they are imported (undefined symbol), which no resolver can see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envgen.core.dataclass import dataclass
from envgen.core.releases import release_key
from envgen.facts.catalog import Catalog, Row

_NEGATED = {"==": "!=", ">=": "<", "<": ">="}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFor:
    """A package of a solution and the releases of torch (PEP 440) that it is built for; empty when no source says them.

    `releases` are those of the package that this is true of.
    """

    name: str
    version: str
    releases: str
    torch: str
    source: str

    @property
    def label(self) -> str:
        """The package with its release: `torchtext 0.18.0`."""
        return f"{self.name} {self.version.partition('+')[0]}"

    @property
    def others(self) -> str:
        """A requirement that only other releases of the package meet."""
        return f"{self.name}{_negated(self.releases)}"

    def fits(self, torch: str) -> bool:
        """True for a release of torch that it is built for, and where none is known."""
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(self.torch).contains(torch.partition("+")[0], prereleases=True)


def built_for(versions: Mapping[str, str], catalog: Catalog) -> Iterator[BuiltFor]:
    """What is known of the packages of a solution (name -> version)."""
    for row in catalog.rows("companion_torch"):
        version = versions.get(row["package"])
        if version is not None and _is_about(row, version):
            yield BuiltFor(
                name=row["package"],
                version=version,
                releases=row["releases"],
                torch=row["torch"],
                source=row["source"],
            )


def bounds_for(torch: str, catalog: Catalog) -> tuple[str, ...]:
    """Requirements that leave out the releases of packages that are built for another torch, one a package.

    Releases of which no source says what they are built for are left out, too, where others are known to fit.
    """
    rows = catalog.rows("companion_torch")
    fitting = {row["package"] for row in rows if row["torch"] and _holds(row["torch"], torch)}
    bounds: dict[str, list[str]] = {}
    for row in rows:
        if row["package"] in fitting if not row["torch"] else not _holds(row["torch"], torch):
            bounds.setdefault(row["package"], []).append(_negated(row["releases"]))
    return tuple(f"{name}{','.join(each)}" for name, each in bounds.items())


def releases_for(name: str, torch: str, catalog: Catalog) -> str:
    """The newest releases of a package that are known to be built for a release of torch, as a bound; or empty."""
    rows = [row for row in catalog.rows("companion_torch") if row["package"] == name and row["torch"]]
    return next((row["releases"] for row in reversed(rows) if _holds(row["torch"], torch)), "")


def _is_about(row: Row, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(row["releases"]).contains(version, prereleases=True)


def _holds(bound: str, torch: str) -> bool:
    """As packaging says it, for the forms that the table has: this is asked before each solve."""
    return all(_holds_one(clause, release_key(torch)) for clause in bound.split(",") if clause)


def _holds_one(clause: str, given: tuple[int, ...]) -> bool:
    wanted = release_key(clause[2:].removesuffix(".*"))
    if clause.startswith("=="):
        return given[: len(wanted)] == wanted
    return given >= wanted if clause.startswith(">=") else given <= wanted


def _negated(bound: str) -> str:
    operator = "<" if bound.startswith("<") else bound[:2]
    return _NEGATED[operator] + bound.removeprefix(operator)
