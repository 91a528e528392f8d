"""virtual-packages.yml: what a conda lock was solved to expect of the host. conda-lock picks it up by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envgen.core.locks import CondaLock
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat
from envgen.files.templates import render
from envgen.files.yaml_reader import read_yaml

# `version` or `version build`, as CEP 26 writes both.
_NAME = re.compile(r"__[a-z0-9_]+")
_VALUE = re.compile(r"[0-9][0-9A-Za-z._]*(?: [0-9A-Za-z._]+)?")
_GLIBC = re.compile(r'__glibc: "([0-9]+\.[0-9]+)"')


def _write(locks: Sequence[CondaLock], beside: Beside) -> str:
    del beside
    return render("virtual-packages.yml.j2", subdirs={lock.subdir.value: lock.virtual_packages for lock in locks})


def _read(text: str, origin: str) -> dict[str, dict[str, str]]:
    """Subdir -> name -> value of the virtual packages.

    Raises: LockFormatError.
    """
    import yaml

    try:
        subdirs = read_yaml(text)["subdirs"]
        return {
            Subdir(subdir).value: {_name(n): _value(v) for n, v in entry["packages"].items()}
            for subdir, entry in subdirs.items()
        }
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise LockFormatError(origin=origin, reason=f"it is not a list of virtual packages ({error})") from error


def _name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{str(name)[:40]!r} is no virtual package")
    return name


def _value(value: object) -> str:
    text = str(value) if isinstance(value, str | int | float) else ""
    if not _VALUE.fullmatch(text):
        raise ValueError(f"a virtual package is {str(value)[:40]!r}")
    return text


def glibc_of(text: str, subdir: str) -> str:
    """The glibc that a text of ours states for a subdir, or an empty string; read without a YAML parser."""
    section = text.partition(f'"{subdir}":')[2].partition('\n  "')[0]
    found = _GLIBC.search(section)
    return found[1] if found is not None else ""


VIRTUAL_PACKAGES = FileFormat(set=PackageSet.CONDA, required=True, one="virtual-packages.yml", write=_write, read=_read)
