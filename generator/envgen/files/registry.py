"""Every file format of envgen's: what plan, lock, verify and ci ask to learn what a file is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.core.locks import CondaLock, PipLock
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.format import FileFormat, Use
from envgen.files.formats.conda_lock_v1 import CONDA_LOCK
from envgen.files.formats.environment_yml import ENVIRONMENT_YML
from envgen.files.formats.explicit import EXPLICIT
from envgen.files.formats.pylock import PYLOCK
from envgen.files.formats.requirements import REQUIREMENTS
from envgen.files.formats.smoke import SMOKE_TEST
from envgen.files.formats.virtual_packages import VIRTUAL_PACKAGES

__all__ = ["CONDA_LOCK", "ENVIRONMENT_YML", "EXPLICIT", "PYLOCK", "REQUIREMENTS", "SMOKE_TEST", "VIRTUAL_PACKAGES"]

# In the order in which they are written: a format that is made from another one comes after it.
CONDA_FORMATS: tuple[FileFormat[CondaLock, Any], ...] = (VIRTUAL_PACKAGES, EXPLICIT, ENVIRONMENT_YML, CONDA_LOCK)
PIP_FORMATS: tuple[FileFormat[PipLock, Any], ...] = (REQUIREMENTS, PYLOCK)
FORMATS: tuple[FileFormat[Any, Any], ...] = (*CONDA_FORMATS, *PIP_FORMATS, SMOKE_TEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class OurFile:
    """A file name of ours taken apart; `subdir` is None when the name carries none."""

    name: str
    format: FileFormat[Any, Any]
    subdir: Subdir | None


@cache
def our_file(name: str) -> OurFile | None:
    """What a file name of ours means; None when envgen writes no file of that name."""
    for found in FORMATS:
        if found.matches(name):
            return OurFile(name=name, format=found, subdir=found.subdir_of(name))
    return None


def is_ours(name: str) -> bool:
    """True for a file name that envgen writes."""
    return our_file(name) is not None


def name_globs() -> Iterator[str]:
    """Yield glob patterns of all names, with and without a platform."""
    for one in FORMATS:
        name = one.name(Subdir.LINUX_64, many=True)
        before, subdir, after = name.partition(Subdir.LINUX_64.value)
        yield f"{before.rstrip('-.')}*{after if before else after.lstrip('.')}" if subdir else name


def input_option(name: str) -> str:
    """The option that reads a person's own file of that name, or an empty string."""
    found = our_file(name)
    return found.format.input_option if found is not None else ""


def set_of(name: str) -> PackageSet | None:
    """The set that a file belongs to; None when it goes with both, or is not ours."""
    found = our_file(name)
    return found.format.set if found is not None else None


def formats_of(package_set: PackageSet) -> Sequence[FileFormat[Any, Any]]:
    """The formats of a set, in the order in which they are written."""
    return PIP_FORMATS if package_set is PackageSet.PIP else CONDA_FORMATS


def installed_file(package_set: PackageSet, subdir: Subdir, *, many: bool) -> str:
    """The file of a set that an installer is given for one of `many` platforms, or the only one."""
    return (REQUIREMENTS if package_set is PackageSet.PIP else EXPLICIT).name(subdir, many=many)


def whole_set(package_set: PackageSet, subdir: Subdir, names: Collection[str]) -> tuple[str, ...]:
    """The files of a set for one platform that are among `names`, none when one that is required is not.

    Files of its own go before those that it shares with other platforms.
    """
    for many in (True, False):
        wanted = {one.name(subdir, many=many): one for one in formats_of(package_set)}
        if all(name in names for name, one in wanted.items() if one.required):
            return tuple(name for name in wanted if name in names)
    return ()


def missing_beside(name: str, names: Collection[str]) -> Iterator[str]:
    """The files without which a file of ours is never written, and that are not among `names`.

    Which explicit locks there must be, only conda-lock.yml tells. A file whose name always or never carries a subdir
    does not tell which form the names of the others have: where one of them is there, that one is asked.
    """
    file = our_file(name)
    if file is None or file.format.set is None:
        return
    formats = (other for other in formats_of(file.format.set) if other.required)
    others = [other for other in formats if other is not file.format and other.one]
    tells_form = file.format.has_two_forms
    if not tells_form and any(other.has_two_forms and other.matches(there) for other in others for there in names):
        return
    for other in others:
        wanted = other.name(file.subdir if tells_form else None, many=True)
        if wanted not in names:
            yield wanted


def environment_beside(lock: str) -> str:
    """The environment file that a conda-lock.yml was locked from."""
    return ENVIRONMENT_YML.name(CONDA_LOCK.subdir_of(lock), many=True)


def use_lines(use: Use) -> Iterator[str]:
    """What a person does with a file, a line each."""
    file = our_file(use.file)
    if file is not None:
        yield from file.format.use(use)
