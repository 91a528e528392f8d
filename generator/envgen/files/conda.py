"""The files of a conda lock: environment.yml, conda-lock.yml, explicit locks and virtual-packages.yml; and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.locks import CondaLock, CondaPackage
from envgen.files.conda_lock_v1 import dump_conda_lock, load_conda_lock
from envgen.files.errors import LockFormatError
from envgen.files.templates import render
from envgen.files.yaml_reader import read_yaml
from envgen.solve.conda.specs import is_bare, name_of

VIRTUAL_PACKAGES_FILE = "virtual-packages.yml"
_CUDA_IN_BUILD = re.compile(r"cuda(\d+)\.?(\d*)")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/%!+,=@-]+")
# `version` or `version build`, as CEP 26 writes both.
_CLAIMED = re.compile(r"__[a-z0-9_]+")
_CLAIM = re.compile(r"[0-9][0-9A-Za-z._]*(?: [0-9A-Za-z._]+)?")


def conda_bodies(locks: Sequence[CondaLock]) -> dict[str, str]:
    """Return file name -> body (no header) of everything that is written for `locks`, at most one lock a subdir.

    One environment.yml and conda-lock.yml while all subdirs have the same channels and specs, with the versions found;
    else one of each a subdir: conda-lock given two environment files would apply the specs of both to both.

    Raises: LockFormatError when a package cannot be written.
    """
    locks = sorted(locks, key=lambda lock: lock.subdir)
    claims = render("virtual-packages.yml.j2", subdirs={lock.subdir.value: lock.virtual_packages for lock in locks})
    bodies = {VIRTUAL_PACKAGES_FILE: claims}
    bodies |= {f"conda-{lock.subdir}.lock": explicit_body(lock) for lock in locks}
    if len({(lock.channels, pinned_specs(lock)) for lock in locks}) == 1:
        return bodies | _pair(locks, "environment.yml", "conda-lock.yml", claims)
    for lock in locks:
        bodies |= _pair([lock], f"environment-{lock.subdir}.yml", f"{lock.subdir}.conda-lock.yml", claims)
    return bodies


def _pair(locks: Sequence[CondaLock], environment_file: str, lock_file: str, claims: str) -> dict[str, str]:
    environment = environment_body(locks)
    return {
        environment_file: environment,
        lock_file: dump_conda_lock(locks, environment, claims, source=environment_file),
    }


def environment_body(locks: Sequence[CondaLock]) -> str:
    """Return the text of environment.yml for locks with the same channels and specs."""
    first = locks[0]
    return render(
        "environment.yml.j2",
        name=environment_name(first),
        channels=first.channels,
        platforms=[lock.subdir.value for lock in locks],
        specs=pinned_specs(first),
    )


def explicit_body(lock: CondaLock) -> str:
    """Return the text of an explicit lock (CEP 23): conda and mamba install these files without a solve."""
    for package in lock.packages:
        _check(package)
    return render("conda-explicit.lock.j2", subdir=lock.subdir.value, packages=lock.packages)


def pinned_specs(lock: CondaLock) -> tuple[str, ...]:
    """The specs of a lock with the version found for each that is a name alone, in their order."""
    return tuple(_pinned(spec, lock) for spec in lock.specs)


def _pinned(spec: str, lock: CondaLock) -> str:
    package = lock.find(name_of(spec))
    if package is None:
        raise LockFormatError(origin=f"the conda lock for {lock.subdir}", reason=f"it lacks {spec}")
    return f"{package.name}={package.version}" if is_bare(spec) else spec


def environment_name(lock: CondaLock) -> str:
    """The name of an environment: `pytorch-2.10.0-cuda128`, from the packages alone."""
    torch = lock.find("pytorch")
    if torch is None:
        raise LockFormatError(origin=f"the conda lock for {lock.subdir}", reason="it holds no pytorch")
    cuda = _CUDA_IN_BUILD.search(torch.build)
    return f"pytorch-{torch.version}" + (f"-cuda{cuda[1]}{cuda[2]}" if cuda else "")


def _check(package: CondaPackage) -> None:
    """An explicit lock is lines of text: nothing in a line may start another one or another field."""
    for kind, value, form in (("URL", package.url, _URL), ("md5", package.md5, re.compile("[0-9a-f]{32}"))):
        if not form.fullmatch(value):
            raise LockFormatError(origin=f"the conda lock of {package.name}", reason=f"its {kind} is {value!r}")


def load_conda_files(files: Mapping[str, str]) -> list[CondaLock]:
    """Return the locks that a set of files holds, sorted by subdir; headers may still be on. Inverse of `conda_bodies`.

    What conda-lock.yml does not hold comes from its environment file (specs) and virtual-packages.yml; `constrains` and
    the build strings in `depends` are gone. The bodies made from the result are the same again.

    Raises: LockFormatError.
    """
    locks = []
    for name in sorted(files):
        if name == "conda-lock.yml":
            environment = "environment.yml"
        elif name.endswith(".conda-lock.yml"):
            environment = f"environment-{name.removesuffix('.conda-lock.yml')}.yml"
        else:
            continue
        for needed in (environment, VIRTUAL_PACKAGES_FILE):
            if needed not in files:
                raise LockFormatError(origin=name, reason=f"{needed} is not beside it")
        specs = _specs(files[environment], environment)
        claims = _claims(files[VIRTUAL_PACKAGES_FILE])
        for lock in load_conda_lock(files[name], origin=name):
            if lock.subdir.value not in claims:
                raise LockFormatError(origin=VIRTUAL_PACKAGES_FILE, reason=f"it says nothing of {lock.subdir}")
            locks.append(replace(lock, specs=specs, virtual_packages=claims[lock.subdir.value]))
    return sorted(locks, key=lambda lock: lock.subdir)


def _specs(text: str, origin: str) -> tuple[str, ...]:
    import yaml

    try:
        dependencies = read_yaml(text)["dependencies"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LockFormatError(origin=origin, reason=f"it is not an environment file ({error})") from error
    if not isinstance(dependencies, list) or not all(isinstance(spec, str) for spec in dependencies):
        raise LockFormatError(origin=origin, reason="its dependencies are not a list of match specs")
    return tuple(dependencies)


def _claims(text: str) -> dict[str, dict[str, str]]:
    import yaml

    try:
        subdirs = read_yaml(text)["subdirs"]
        return {
            subdir: {_claimed(n): _claim(v) for n, v in entry["packages"].items()} for subdir, entry in subdirs.items()
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it is not a list of virtual packages ({error})"
        raise LockFormatError(origin=VIRTUAL_PACKAGES_FILE, reason=reason) from error


def _claimed(name: object) -> str:
    if not isinstance(name, str) or not _CLAIMED.fullmatch(name):
        raise ValueError(f"{str(name)[:40]!r} is no virtual package")
    return name


def _claim(value: object) -> str:
    text = str(value) if isinstance(value, str | int | float) else ""
    if not _CLAIM.fullmatch(text):
        raise ValueError(f"a virtual package is {str(value)[:40]!r}")
    return text
