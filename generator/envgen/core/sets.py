"""The two sets of files that an environment is written as, and how a build of each is named."""

from __future__ import annotations

from enum import StrEnum

from envgen.core.releases import CPU


class PackageSet(StrEnum):
    """One half of an environment's files: the one that pip and uv install, or the one that conda installs."""

    PIP = "pip"
    CONDA = "conda"

    def short_label(self, torch: str, cuda_tag: str) -> str:
        """How a build of this set is named in a lock: `2.14.1+cu126`, `2.13.0 cuda128`, `2.13.0 cpu`."""
        if self is PackageSet.PIP:
            return f"{torch}+{cuda_tag}"
        return f"{torch} {conda_tag(cuda_tag)}"


def conda_tag(cuda_tag: str) -> str:
    """A CUDA tag as conda's build strings begin with it: `cuda128` of `cu128`, and `cpu`."""
    return cuda_tag if cuda_tag == CPU else f"cuda{cuda_tag.removeprefix('cu')}"
