"""The names of the files that a run writes: a format that is added is among them wherever a test compares folders.

Which they are for a person is stated once, in tests/cli/test_generate.py.
"""

from __future__ import annotations

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.registry import SMOKE_TEST, formats_of

SMOKE = SMOKE_TEST.one


def names_of(package_set: PackageSet, subdir: Subdir = Subdir.LINUX_64, *, many: bool = False) -> set[str]:
    """The files of a set for one platform, or for one of many."""
    return {one.name(subdir, many=many) for one in formats_of(package_set)}


def all_names(subdir: Subdir = Subdir.LINUX_64) -> set[str]:
    """The files of both sets for one platform, and the smoke test."""
    return {*names_of(PackageSet.PIP, subdir), *names_of(PackageSet.CONDA, subdir), SMOKE}
