"""Package lists: pip list, freeze and show, conda list and its plans, and the lists at the end of collect_env."""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass
from envgen.core.requirements import normalise_project
from envgen.environments.inspected import CondaRecord

_PIP = re.compile(r"^\s*(?:\[pip3?\]\s+)?(?P<name>[A-Za-z][\w.-]*)==(?P<version>\d[\w.+!]*)\s*$")
_LISTED = re.compile(r"^\s*(?P<name>[A-Za-z][\w.-]*)\s{2,}(?P<version>\d[\w.+!]*)(?P<rest>(?:\s+\S+)*)\s*$")
_CONDA_LINE = re.compile(
    r"^\s*\[conda\]\s+(?P<name>\S+)\s+(?P<version>\d\S*)(?:\s+(?P<build>\S+))?(?:\s+(?P<channel>\S+))?\s*$"
)
_PLANNED = re.compile(r"\s(?:(?P<channel>[\w./:-]+)::)(?P<name>[\w.-]+)-(?P<version>\d[\w.]*)-(?P<build>\w[\w.]*)\s*$")
_SHOWN = re.compile(r"^\s*(Name|Version):\s*(\S+)\s*$")
_RELEVANT = re.compile(
    r"torch|torchvision|torchaudio|pytorch.*|triton|nvidia-.*|cuda-.*|numpy|cudatoolkit|cpuonly|libtorch"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The packages that bear on torch. `is_full` is True for a list of all packages, in which absence says something.

    `by_conda` says that pip's torch lies in a conda environment.
    """

    pip: tuple[tuple[str, str], ...] = ()
    conda: tuple[CondaRecord, ...] = ()
    is_full: bool = False
    by_conda: bool = False

    def version(self, name: str) -> str:
        """The version that pip lists of a package, or an empty text."""
        return next((version for listed, version in self.pip if listed == name), "")


def read_packages(lines: list[str]) -> Packages | None:
    """Return the packages that a text lists, or None when it lists none."""
    pip: dict[str, str] = {}
    conda: dict[str, CondaRecord] = {}
    listed, shown, by_conda = 0, "", False
    for line in lines:
        if found := _PIP.match(line):
            pip.setdefault(normalise_project(found["name"]), found["version"])
        elif found := _CONDA_LINE.match(line) or _PLANNED.search(line):
            by_conda = True
            _add(found["name"], found["version"], (found["build"] or "", found["channel"] or ""), pip, conda)
        elif found := _LISTED.match(line):
            listed += 1
            rest = found["rest"].split()
            is_conda = len(rest) >= 1 and bool(re.search(r"_\d+$|^\d+$|^pypi_0$", rest[0]))
            by_conda = by_conda or is_conda
            build = (rest[0], rest[1] if len(rest) > 1 else "") if is_conda else ("pypi_0", "pypi")
            _add(found["name"], found["version"], build, pip, conda)
        elif found := _SHOWN.match(line):
            if found[1] == "Version" and shown:
                pip.setdefault(normalise_project(shown), found[2])
            shown = found[2] if found[1] == "Name" else ""
    relevant = tuple((name, version) for name, version in pip.items() if _RELEVANT.fullmatch(name))
    if not relevant and not conda:
        return None
    return Packages(pip=relevant, conda=tuple(conda.values()), is_full=listed >= 15, by_conda=by_conda)


def _add(name: str, version: str, build: tuple[str, str], pip: dict[str, str], conda: dict[str, CondaRecord]) -> None:
    """File a row of a conda list: under pip's packages where pip brought it, which conda calls `pypi_0`."""
    if build[0] == "pypi_0" or not build[0]:
        pip.setdefault(normalise_project(name), version)
    elif _RELEVANT.fullmatch(name):
        conda.setdefault(name, CondaRecord(name=name, version=version, build=build[0], channel=build[1]))
