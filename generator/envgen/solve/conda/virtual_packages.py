"""The virtual packages that a conda lock is solved with: what is claimed about the machine that will run it."""

from __future__ import annotations

from envgen.core.platforms import MACOS, Subdir

# conda-lock's own assumption (default-virtual-packages.yaml of 4.0.3); no CUDA build of pytorch asks for more.
_LINUX_KERNEL = "5.10"
_ARCHSPEC = {
    Subdir.LINUX_64: "x86_64",
    Subdir.WIN_64: "x86_64",
    Subdir.LINUX_AARCH64: "aarch64",
    Subdir.OSX_ARM64: "arm64",
}


def virtual_packages(subdir: Subdir, *, cuda: str, glibc: str) -> dict[str, str]:
    """Return name -> `version` or `version build` of every virtual package, in the order in which they are written.

    `cuda` is the newest CUDA version that the target's driver serves (X.Y; empty: no `__cuda`), `glibc` that of a Linux
    target. Nothing is read from the host.
    """
    system = {"__unix": "0", "__linux": _LINUX_KERNEL, "__glibc": glibc}
    if subdir.is_windows:
        system = {"__win": "0"}
    elif subdir.is_macos:
        system = {"__unix": "0", "__osx": MACOS}
    return system | {"__archspec": f"1 {_ARCHSPEC[subdir]}"} | ({"__cuda": cuda} if cuda else {})
