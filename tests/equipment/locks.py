"""Small pip locks in files of ours, for tests that need one that can be read."""

from __future__ import annotations

from pathlib import Path

from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.files.bodies import pip_bodies

INDEX = "https://download.pytorch.org/whl"


def pip_lock(subdir: str, python: str, *, tag: str = "cu126", **versions: str) -> PipLock:
    """A lock of these releases, with a local version of the tag and a made-up hash each."""
    packages = (
        PipPackage(
            name=name,
            version=f"{version}+{tag}",
            index=f"{INDEX}/{tag}",
            url=f"{INDEX}/{tag}/{name}-{version}%2B{tag}-cp312-cp312-{subdir.replace('-', '_')}.whl",
            sha256="0" * 64,
        )
        for name, version in versions.items()
    )
    glibc = "" if subdir.startswith("win") else "2.28"
    return PipLock(subdir=Subdir(subdir), python=python, glibc=glibc, packages=tuple(packages))


def write_pip(folder: Path, lock: PipLock, *, many: bool = False) -> None:
    """The files of the pip set, without headers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in pip_bodies(lock, multi=many).items():
        (folder / name).write_text(body, encoding="utf-8", newline="\n")
