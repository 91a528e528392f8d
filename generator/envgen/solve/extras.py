"""`--with`: extra packages, read once and handed to pip and conda in their own spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.requirements import applies, marker_environment, normalise_project, parsed, read_specifiers
from envgen.core.sets import PackageSet
from envgen.solve.conda.channels import further_channels, read_channel
from envgen.solve.conda.source import FORGE
from envgen.solve.conda.specs import as_requirement, name_of, split_channel

# `name=1.2`, `name==1.2`, `name=1.2=build`, `name 1.2`, `name 1.2 build`: conda's own spellings.
_CONDA_SPEC = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]+)(?P<rest>\s*==?(?!=)\s*[0-9A-Za-z._+!*=-]+|\s+[0-9*][0-9A-Za-z._+!* -]*)"
)
# What conda-forge and PyTorch's own channel say a build's CUDA with.
OF_THE_BUILD = frozenset(
    {"pytorch-cuda", "pytorch-gpu", "pytorch-cpu", "pytorch-mutex", "cudatoolkit", "cuda-version", "cpuonly"}
)
# What is kept as a match spec; a requirement never has a single `=`.
_KEPT_SPEC = re.compile(r"[^=<>!~ ]+=[^=].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An extra package that conda's channels don't have; `conda_name` is what they call it, empty when unknown."""

    name: str
    conda_name: str = ""
    channels: tuple[str, ...] = (FORGE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Extra packages for pip and for conda, sorted: PEP 508 requirements as packaging writes them.

    Those of conda may have a channel in front (`bioconda::hmmer`), and are match specs where PEP 440 has no words for
    them (`jpeg=9e`). `for_both` are the names of conda's that were asked for without a prefix: its channels may not
    have them. `constraints` bind versions of the pip set without asking for the package, `sources` are names that
    may be locked as a source distribution. `channels` are further ones, as `further_channels` orders them.
    """

    pip: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    for_both: frozenset[str] = frozenset()
    constraints: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def match_specs(self, subdir: Subdir, python: str) -> tuple[str, ...]:
        """What conda is asked for on a platform, in its own spelling: it knows no extras, markers, ~= or ===."""
        return tuple(spec for spec in self._specs(subdir, python) if not self._is_other(name_of(spec)))

    def named_otherwise(self, subdir: Subdir, python: str) -> tuple[str, ...]:
        """Names without a prefix that conda-forge has for something else, or not: it calls the project another way."""
        names = sorted({name_of(spec) for spec in self._specs(subdir, python)})
        return tuple(name for name in names if self._is_other(name))

    def left_out(self, names: Iterable[str], channels: Sequence[str], subdir: Subdir, python: str) -> Iterator[LeftOut]:
        """What of the names that `channels` don't have is missed: not one that is asked for as conda calls it, too."""
        asked = {normalise_project(name_of(spec)) for spec in self._specs(subdir, python)}
        for name in sorted({*names}):
            own = conda_name_of(name)
            if not (own and self._is_other(name) and normalise_project(own) in asked):
                yield LeftOut(name=name, conda_name=own, channels=tuple(channels))

    def _is_other(self, name: str) -> bool:
        return name in self.for_both and normalise_project(conda_name_of(name) or name) != normalise_project(name)

    def _specs(self, subdir: Subdir, python: str) -> tuple[str, ...]:
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


def read_extras(texts: Sequence[str], constraints: Sequence[str] = (), channels: Sequence[str] = ()) -> Extras:
    """Read the values of `--with`, in any order. `pip:` or `conda:` in front binds a package to one set.

    A channel that a package names is read, too, after those that were given.

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
            conda.add(conda_requirement(name))
        if package_set is None:
            for_both.add(name_of(_requirement(name)))
    named = sorted({split_channel(one)[0] for one in conda} - {""})
    return Extras(
        pip=tuple(sorted(pip)),
        conda=tuple(sorted(conda)),
        for_both=frozenset(for_both),
        constraints=tuple(sorted(set(constraints))),
        channels=further_channels((*channels, *(one for one in named if one != FORGE))),
    )


def normalised(texts: Sequence[str]) -> tuple[str, ...]:
    """The values of `--with` that ask for the same, in one order and spelling."""
    found = set()
    for text in texts:
        package_set, name = _bound(text)
        spelt = conda_requirement(name) if package_set is PackageSet.CONDA else _requirement(name)
        found.add(f"{package_set}:{spelt}" if package_set else spelt)
    return tuple(sorted(found))


def conda_requirement(text: str) -> str:
    """Return a package of conda's in one spelling: `numpy=1.26` and `numpy==1.26.*` are the same.

    Raises: UsageError when it is neither a requirement nor a match spec, or names torch itself.
    """
    channel, rest = split_channel(text)
    prefix = f"{read_channel(channel, '--with')}::" if channel else ""
    if name_of(rest) in OF_THE_BUILD:
        hint = "--cuda chooses the build, and it brings its CUDA along"
        raise UsageError(f"{name_of(rest)} is not an extra: it says which build of torch is meant", hint=hint)
    spec = _CONDA_SPEC.fullmatch(rest)
    if spec is None:
        return prefix + _requirement(rest)
    bounds, build = as_requirement(spec["rest"])
    if not build and read_specifiers(bounds) is not None:  # PEP 440 has no words for `9e` and `2025b`
        return prefix + _requirement(spec["name"] + bounds)
    version = bounds.removeprefix("==").removesuffix(".*")
    return "=".join(filter(None, (prefix + _requirement(spec["name"]).lower(), version, build)))


def check_is_package(text: str) -> None:
    """Raise UsageError for a value of `--with` that is the name of a file."""
    if text.lower().endswith((".txt", ".in", ".toml")):
        raise UsageError(f"{quoted(text)} is a file (from --with)", hint=f"pass --requirements {text}")


def _bound(text: str) -> tuple[PackageSet | None, str]:
    """The set that a value of `--with` is for, and the rest of it; only conda has channels."""
    prefix, colon, rest = text.partition(":")
    package_set = next((one for one in PackageSet if colon and prefix.strip().lower() == one), None)
    if package_set is None and split_channel(text)[0] and " @ " not in text:
        return PackageSet.CONDA, text
    return package_set, rest if package_set else text


def _requirement(text: str) -> str:
    from envgen.solve.pip.query import plain_requirement

    return plain_requirement(text)


def environment_of(subdir: Subdir, python: str) -> dict[str, str]:
    """The values of PEP 508 markers on a platform for a Python X.Y."""
    return marker_environment(system=subdir.system, machine=subdir.machine, python=f"{python}.0")


def _match_spec(text: str, environment: Mapping[str, str]) -> str:
    """A requirement as a match spec, or an empty string when its marker is false there."""
    from packaging.requirements import Requirement

    channel, rest = split_channel(text)
    prefix = f"{channel}::" if channel else ""
    if _KEPT_SPEC.fullmatch(rest):
        return text
    requirement = Requirement(rest)
    if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": ""}):
        return ""
    parts = (part for one in requirement.specifier for part in _conda_parts(one.operator, one.version))
    return prefix + requirement.name.lower() + ",".join(sorted(parts))


def _conda_parts(operator: str, version: str) -> tuple[str, ...]:
    """`~=1.4.2` is `>=1.4.2,<1.5` (PEP 440), `===` is `==`; the others mean the same to conda."""
    if operator != "~=":
        return (f"{'==' if operator == '===' else operator}{version}",)
    numbers = [int(number) for number in version.split(".")[:-1] if number.isdecimal()]
    return f">={version}", f"<{'.'.join(str(number) for number in (*numbers[:-1], numbers[-1] + 1))}"


def conda_name_of(project: str) -> str:
    """What conda-forge calls a project of PyPI that it has under another name, or an empty string."""
    from envgen.facts.tables import read_table

    names = {row["pypi"]: row["conda"] for row in read_table("conda_names")}
    return names.get(normalise_project(project), "")
