"""`--with`: extra packages, read once and handed to pip and conda in their own spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, show
from envgen.core.platforms import Subdir
from envgen.core.requirements import applies, marker_environment, parsed
from envgen.core.sets import PackageSet
from envgen.solve.conda.specs import name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An extra package that conda's channels don't have; `conda_name` is what they call it, empty when unknown."""

    name: str
    conda_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Extra packages for pip and for conda, sorted: PEP 508 requirements as packaging writes them.

    `for_both` are the names of conda's that were asked for without a prefix: its channels may not have them.
    `constraints` bind versions of the pip set without asking for the package.
    """

    pip: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    for_both: frozenset[str] = frozenset()
    constraints: tuple[str, ...] = ()

    def match_specs(self, subdir: Subdir, python: str) -> tuple[str, ...]:
        """What conda is asked for on a platform, in its own spelling: it knows no extras, markers, ~= or ===."""
        environment = environment_of(subdir, python)
        return tuple(spec for text in self.conda if (spec := _match_spec(text, environment)))

    def constraints_for(self, subdir: Subdir, python: str) -> tuple[str, ...]:
        """The constraints that hold on a platform, without their markers."""
        if not self.constraints:
            return ()
        environment = environment_of(subdir, python)
        return tuple(
            f"{one.name}{one.specifier}" for one in parsed(self.constraints) if applies(one, ("",), environment)
        )

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


def read_extras(texts: Sequence[str], constraints: Sequence[str] = ()) -> Extras:
    """Read the values of `--with`, in any order. `pip:` or `conda:` in front binds a package to one set.

    Raises: UsageError for what is no plain requirement, or names torch itself.
    """
    pip: set[str] = set()
    conda: set[str] = set()
    for_both: set[str] = set()
    for text in texts:
        package_set, name = _bound(text)
        check_is_package(name)
        if package_set is not PackageSet.CONDA:
            pip.add(_requirement(name))
        if package_set is not PackageSet.PIP:
            conda.add(_requirement(name))
        if package_set is None:
            for_both.add(name_of(_requirement(name)))
    bounds = tuple(sorted(set(constraints)))
    return Extras(pip=tuple(sorted(pip)), conda=tuple(sorted(conda)), for_both=frozenset(for_both), constraints=bounds)


def normalised(texts: Sequence[str]) -> tuple[str, ...]:
    """The values of `--with` that ask for the same, in one order and spelling."""
    found = set()
    for text in texts:
        package_set, name = _bound(text)
        found.add(f"{package_set}:{_requirement(name)}" if package_set else _requirement(name))
    return tuple(sorted(found))


def check_is_package(text: str) -> None:
    """Raise UsageError for a value of `--with` that is the name of a file."""
    if text.lower().endswith((".txt", ".in", ".toml")):
        raise UsageError(f"{show(text)} is a file (from --with)", hint=f"pass --requirements {text}")


def _bound(text: str) -> tuple[PackageSet | None, str]:
    prefix, colon, rest = text.partition(":")
    package_set = next((one for one in PackageSet if colon and prefix.strip().lower() == one), None)
    return package_set, rest if package_set else text


def _requirement(text: str) -> str:
    from envgen.solve.pip.query import plain_requirement

    return plain_requirement(text)


def environment_of(subdir: Subdir, python: str) -> dict[str, str]:
    """The values of PEP 508 markers on a platform for a Python X.Y."""
    machine = "aarch64" if subdir is Subdir.LINUX_AARCH64 else "AMD64" if subdir.is_windows else "x86_64"
    return marker_environment(system="windows" if subdir.is_windows else "linux", machine=machine, python=f"{python}.0")


def _match_spec(text: str, environment: Mapping[str, str]) -> str:
    """A requirement as a match spec, or an empty string when its marker is false there."""
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": ""}):
        return ""
    parts = (part for one in requirement.specifier for part in _conda_parts(one.operator, one.version))
    return requirement.name.lower() + ",".join(sorted(parts))


def _conda_parts(operator: str, version: str) -> tuple[str, ...]:
    """`~=1.4.2` is `>=1.4.2,<1.5` (PEP 440), `===` is `==`; the others mean the same to conda."""
    if operator != "~=":
        return (f"{'==' if operator == '===' else operator}{version}",)
    numbers = [int(number) for number in version.split(".")[:-1] if number.isdecimal()]
    return f">={version}", f"<{'.'.join(str(number) for number in (*numbers[:-1], numbers[-1] + 1))}"


def conda_name_of(project: str) -> str:
    """What conda-forge calls a project of PyPI that it has under another name, or an empty string."""
    from envgen.core.wheel_names import normalise_project
    from envgen.facts.tables import read_table

    names = {row["pypi"]: row["conda"] for row in read_table("conda_names")}
    return names.get(normalise_project(project), "")
