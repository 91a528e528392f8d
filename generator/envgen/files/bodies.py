"""The bodies of a whole set from its locks, and the locks from the bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from envgen.core.locks import CondaLock, PipLock
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat
from envgen.files.formats.environment_yml import pinned_specs
from envgen.files.registry import (
    CONDA_FORMATS,
    CONDA_LOCK,
    ENVIRONMENT_YML,
    PIP_FORMATS,
    VIRTUAL_PACKAGES,
    environment_beside,
)
from envgen.files.templates import load_template
from envgen.records.request import RequestRecord


def load_pip_writers() -> None:
    """Load what writes the files of the pip set, for who waits for a solver."""
    for one in PIP_FORMATS:
        load_template(f"{one.one}.j2")


def load_conda_writers() -> None:
    """Load what writes the files of the conda set, for who waits for a solver."""
    import jinja2
    import yaml

    del jinja2, yaml


def pip_bodies(lock: PipLock, *, multi: bool, request: RequestRecord | None = None) -> dict[str, str]:
    """Return file name -> text without a header; with `multi` the names carry the subdir. A shipped lock has no request
    in it.

    Raises: LockFormatError when a value of the lock would mean something else in one of the formats.
    """
    beside = Beside(request=request)
    return {one.name(lock.subdir, many=multi): one.write([lock], beside) for one in PIP_FORMATS}


def conda_bodies(locks: Sequence[CondaLock]) -> dict[str, str]:
    """Return file name -> body (no header) of everything that is written for `locks`, at most one lock a subdir.

    One environment.yml and conda-lock.yml while all subdirs have the same channels and specs, with the versions found;
    else one of each a subdir: conda-lock given two environment files would apply the specs of both to both.

    Raises: LockFormatError when a package cannot be written.
    """
    locks = sorted(locks, key=lambda lock: lock.subdir)
    differ = len({(lock.channels, pinned_specs(lock)) for lock in locks}) > 1
    bodies: dict[str, str] = {}
    for one in CONDA_FORMATS:
        for group in _groups(one, locks, differ=differ):
            bodies[one.name(group[0].subdir, many=differ)] = one.write(group, Beside(bodies=bodies))
    return bodies


def _groups(one: FileFormat[Any, Any], locks: list[CondaLock], *, differ: bool) -> list[list[CondaLock]]:
    """The locks that share a file of a format."""
    shares = not one.each or (one.one and not differ)
    return [locks] if shares else [[lock] for lock in locks]


def read_conda(files: Mapping[str, str]) -> list[CondaLock]:
    """Return the locks that a set of files holds, sorted by subdir; headers may still be on. Inverse of `conda_bodies`.

    What conda-lock.yml does not hold comes from its environment file (specs) and virtual-packages.yml; `constrains` and
    the build strings in `depends` are gone. The bodies made from the result are the same again.

    Raises: LockFormatError.
    """
    claims_file = VIRTUAL_PACKAGES.one
    locks = []
    for name in sorted(filter(CONDA_LOCK.matches, files)):
        environment = environment_beside(name)
        for needed in (environment, claims_file):
            if needed not in files:
                raise LockFormatError(origin=name, reason=f"{needed} is not beside it")
        specs = ENVIRONMENT_YML.read(files[environment], environment)
        claims = VIRTUAL_PACKAGES.read(files[claims_file], claims_file)
        for lock in CONDA_LOCK.read(files[name], name):
            if lock.subdir.value not in claims:
                raise LockFormatError(origin=claims_file, reason=f"it says nothing of {lock.subdir}")
            locks.append(replace(lock, specs=specs, virtual_packages=claims[lock.subdir.value]))
    return sorted(locks, key=lambda lock: lock.subdir)
