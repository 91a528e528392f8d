"""The platforms that envgen writes for, in conda's spelling, and their names in other tools."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class Subdir(StrEnum):
    """A conda subdir that PyTorch publishes CUDA builds for."""

    LINUX_64 = "linux-64"
    WIN_64 = "win-64"
    LINUX_AARCH64 = "linux-aarch64"

    @property
    def is_windows(self) -> bool:
        return self is Subdir.WIN_64

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
            case _:
                assert_never(self)
