"""Shipped locks: what a folder of `lockfiles/` is, by its name."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Self

from envgen.core.builds import Build, BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet, conda_tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """One shipped lock: a build of one set, for a subdir and a Python."""

    package_set: PackageSet
    subdir: Subdir
    python: str
    torch: str
    cuda_tag: str

    @classmethod
    def of(cls, build: Build, python: str) -> Self:
        """The lock of a build for a Python."""
        package_set, torch, tag = build.key
        return cls(package_set=package_set, subdir=build.subdir, python=python, torch=torch, cuda_tag=tag)

    @property
    def folder(self) -> PurePosixPath:
        """The folder of the lock, relative to `lockfiles/`."""
        if self.package_set is PackageSet.PIP:
            name = f"pip-torch-{self.torch}-{self.cuda_tag}"
        else:
            name = f"conda-pytorch-{self.torch}-{conda_tag(self.cuda_tag)}"
        return PurePosixPath(self.subdir.value, f"py{self.python}", name)

    @property
    def key(self) -> BuildKey:
        """How decisions name its build."""
        return self.package_set, self.torch, self.cuda_tag

    @property
    def label(self) -> str:
        """How the lock is named to people: `2.14.1+cu126`, or `2.10.0 cuda128`."""
        return self.package_set.short_label(self.torch, self.cuda_tag)


_FOLDER = Pattern(
    r"(?P<subdir>[a-z0-9-]+)/py(?P<python>3\.\d+)/"
    r"(?:pip-torch-(?P<pip>[\d.]+)-(?P<tag>cu\d+)|conda-pytorch-(?P<conda>[\d.]+)-cuda(?P<cuda>\d+))"
)


def parse_shipped(folder: PurePosixPath) -> Shipped | None:
    """Return the shipped lock that a folder name (relative to `lockfiles/`) names, or None."""
    found = _FOLDER.fullmatch(folder.as_posix())
    if found is None or found["subdir"] not in {subdir.value for subdir in Subdir}:
        return None
    package_set = PackageSet.PIP if found["pip"] else PackageSet.CONDA
    return Shipped(
        package_set=package_set,
        subdir=Subdir(found["subdir"]),
        python=found["python"],
        torch=found["pip"] or found["conda"],
        cuda_tag=found["tag"] or f"cu{found['cuda']}",
    )
