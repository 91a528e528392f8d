"""environment.yml: the pinned specs of a conda environment, which conda, mamba and conda-lock solve again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envgen.core.locks import CondaLock
from envgen.core.releases import CPU
from envgen.core.sets import PackageSet
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat, Use
from envgen.files.templates import render
from envgen.files.yaml_reader import read_yaml
from envgen.solve.conda.specs import is_bare, name_of, split_channel

_CUDA_IN_BUILD = re.compile(r"cuda(\d+)\.?(\d*)")


def _write(locks: Sequence[CondaLock], beside: Beside) -> str:
    """The text for locks with the same channels and specs."""
    del beside
    first = locks[0]
    return render(
        "environment.yml.j2",
        name=environment_name(first),
        channels=first.channels,
        platforms=[lock.subdir.value for lock in locks],
        specs=pinned_specs(first),
    )


def pinned_specs(lock: CondaLock) -> tuple[str, ...]:
    """The specs of a lock with the version found for each that is a name alone, in their order."""
    return tuple(pinned_spec(spec, lock) for spec in lock.specs)


def pinned_spec(spec: str, lock: CondaLock) -> str:
    """A spec of a lock as the file has it.

    Raises: LockFormatError when the lock has no package of that name.
    """
    package = lock.find(name_of(spec))
    if package is None:
        raise LockFormatError(origin=f"the conda lock for {lock.subdir}", reason=f"it lacks {spec}")
    channel, rest = split_channel(spec)
    prefix = f"{channel}::" if channel else ""
    return f"{prefix}{package.name}={package.version}" if is_bare(rest) else spec


def environment_name(lock: CondaLock) -> str:
    """The name of an environment: `pytorch-2.10.0-cuda128`, from the packages alone."""
    torch = lock.find("pytorch")
    if torch is None:
        raise LockFormatError(origin=f"the conda lock for {lock.subdir}", reason="it holds no pytorch")
    cuda = _CUDA_IN_BUILD.search(torch.build)
    return f"pytorch-{torch.version}-" + (f"cuda{cuda[1]}{cuda[2]}" if cuda else CPU)


def _read(text: str, origin: str) -> tuple[str, ...]:
    """The match specs of an environment file.

    Raises: LockFormatError.
    """
    import yaml

    try:
        dependencies = read_yaml(text)["dependencies"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LockFormatError(origin=origin, reason=f"it is not an environment file ({error})") from error
    if not isinstance(dependencies, list) or not all(isinstance(spec, str) for spec in dependencies):
        raise LockFormatError(origin=origin, reason="its dependencies are not a list of match specs")
    return tuple(dependencies)


def _use(use: Use) -> Iterator[str]:
    create = f"conda env create -f {use.file}"
    yield f"use: {create}"
    if not use.cuda:
        return
    yield "On a host without an NVIDIA driver conda must be told the CUDA version of the target's driver:"
    if use.subdir.is_windows:
        yield f"  cmd: set CONDA_OVERRIDE_CUDA={use.cuda}&& {create}"
        yield f'  PowerShell: $env:CONDA_OVERRIDE_CUDA="{use.cuda}"; {create}'
    else:
        yield f"  CONDA_OVERRIDE_CUDA={use.cuda} {create}"


ENVIRONMENT_YML = FileFormat(
    set=PackageSet.CONDA,
    required=True,
    input_option="--environment",
    one="environment.yml",
    each="environment-{subdir}.yml",
    write=_write,
    read=_read,
    use=_use,
)
