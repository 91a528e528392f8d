"""`--with`: extra packages, read once and handed to pip and conda in their own spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from envgen.core.errors import UsageError, show
from envgen.core.sets import PackageSet
from envgen.solve.conda.specs import name_of

_HINT = "write NAME or NAME>=1.0 for both, pip:NAME or conda:NAME for one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An extra package that conda's channels don't have; `conda_name` is what they call it, empty when unknown."""

    name: str
    conda_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Extra packages, sorted: PEP 508 requirements for pip, match specs for conda.

    `for_both` names those of conda that were asked for without a prefix: its channels may not have them.
    """

    pip: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    for_both: frozenset[str] = frozenset()

    def without(self, package_set: PackageSet, extra: str) -> Extras:
        """The same without one package of a set."""
        rest = tuple(one for one in self.of(package_set) if one != extra)
        return replace(self, pip=rest) if package_set is PackageSet.PIP else replace(self, conda=rest)

    def only(self, package_set: PackageSet, extra: str) -> Extras:
        """One package of a set, and nothing else."""
        is_pip = package_set is PackageSet.PIP
        return replace(self, pip=(extra,) if is_pip else (), conda=() if is_pip else (extra,))

    def of(self, package_set: PackageSet) -> tuple[str, ...]:
        """The extra packages of one set."""
        return self.pip if package_set is PackageSet.PIP else self.conda


def read_extras(texts: Sequence[str]) -> Extras:
    """Read the values of `--with`, in any order. `pip:` or `conda:` in front binds a package to one set.

    Raises: UsageError for what is no plain requirement, names torch itself, or has no conda spelling.
    """
    pip: set[str] = set()
    conda: set[str] = set()
    for_both: set[str] = set()
    for text in texts:
        package_set, name = _bound(text)
        if package_set is not PackageSet.CONDA:
            pip.add(_requirement(name))
        if package_set is not PackageSet.PIP:
            conda.add(_match_spec(name))
        if package_set is None:
            for_both.add(name_of(_match_spec(name)))
    return Extras(pip=tuple(sorted(pip)), conda=tuple(sorted(conda)), for_both=frozenset(for_both))


def normalised(texts: Sequence[str]) -> tuple[str, ...]:
    """The values of `--with` that ask for the same, in one order and spelling."""
    found = set()
    for text in texts:
        package_set, name = _bound(text)
        found.add(f"{package_set}:{_requirement(name)}" if package_set else _requirement(name))
    return tuple(sorted(found))


def _bound(text: str) -> tuple[PackageSet | None, str]:
    prefix, colon, rest = text.partition(":")
    package_set = next((one for one in PackageSet if colon and prefix.strip().lower() == one), None)
    return package_set, rest if package_set else text


def _requirement(text: str) -> str:
    from envgen.solve.pip.query import plain_requirement

    return plain_requirement(text)


def _match_spec(text: str) -> str:
    """A requirement as conda writes it: the name in lower case, `==1.2` and `>=1,<2` as they are.

    Raises: UsageError for extras, markers, `~=` and `===`, which conda does not know.
    """
    from packaging.requirements import Requirement

    requirement = Requirement(_requirement(text))
    operators = {specifier.operator for specifier in requirement.specifier}
    if requirement.extras or requirement.marker or operators & {"~=", "==="}:
        fact = "conda knows no extras, markers, ~= or ==="
        raise UsageError(f"{show(text)} has no conda spelling (from --with)", fact=fact, hint=_HINT)
    return f"{requirement.name.lower()}{requirement.specifier}"


def conda_name_of(project: str) -> str:
    """What conda-forge calls a project of PyPI that it has under another name, or an empty string."""
    from envgen.core.wheel_names import normalise_project
    from envgen.facts.tables import read_table

    names = {row["pypi"]: row["conda"] for row in read_table("conda_names")}
    return names.get(normalise_project(project), "")
