"""The platforms that envgen writes for, in conda's spelling, and their names in other tools."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class Subdir(StrEnum):
    """A conda subdir that PyTorch publishes builds for; CUDA builds exist for `CUDA_SUBDIRS`."""

    LINUX_64 = "linux-64"
    WIN_64 = "win-64"
    LINUX_AARCH64 = "linux-aarch64"
    OSX_ARM64 = "osx-arm64"

    @property
    def is_windows(self) -> bool:
        return self is Subdir.WIN_64

    @property
    def is_macos(self) -> bool:
        return self is Subdir.OSX_ARM64

    @property
    def is_linux(self) -> bool:
        return not (self.is_windows or self.is_macos)

    @property
    def system(self) -> str:
        """`windows`, `macos` or `linux`."""
        return "windows" if self.is_windows else "macos" if self.is_macos else "linux"

    @property
    def machine(self) -> str:
        """What Python's `platform.machine()` says there."""
        match self:
            case Subdir.LINUX_64:
                return "x86_64"
            case Subdir.LINUX_AARCH64:
                return "aarch64"
            case Subdir.WIN_64:
                return "AMD64"
            case Subdir.OSX_ARM64:
                return "arm64"
            case _:
                assert_never(self)

    @property
    def uv_platform(self) -> str:
        """uv's `--python-platform` without the glibc part."""
        match self:
            case Subdir.LINUX_64:
                return "x86_64"
            case Subdir.LINUX_AARCH64:
                return "aarch64"
            case Subdir.WIN_64:
                return "x86_64-pc-windows-msvc"
            case Subdir.OSX_ARM64:
                return "aarch64-apple-darwin"
            case _:
                assert_never(self)


CUDA_SUBDIRS = (Subdir.LINUX_64, Subdir.WIN_64, Subdir.LINUX_AARCH64)
# The macOS that locks are made for, as pip and uv need one: the oldest that every wheel of torch (2.12.0 and newer),
# torchvision (0.27.0 and newer) and torchaudio installs on (macosx_14_0_arm64 in their file names on PyPI).
MACOS = "14.0"
