"""The two sets of files that an environment is written as."""

from __future__ import annotations

from enum import StrEnum


class PackageSet(StrEnum):
    """One half of an environment's files, and the packages that it installs."""

    PIP = "pip"
    CONDA = "conda"
