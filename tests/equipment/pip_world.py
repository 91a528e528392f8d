"""A small world: PyTorch's index without its dependencies, and another index that stands for PyPI."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from envgen.core.locks import PipLock
from envgen.core.platforms import Subdir
from envgen.net.deadline import Retry
from envgen.solve.pip.query import PipQuery
from equipment.wheel_index import ServedWheel, make_wheel

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"
PLATFORMS = {
    Subdir.LINUX_64: "manylinux_2_28_x86_64",
    Subdir.LINUX_AARCH64: "manylinux_2_28_aarch64",
    Subdir.WIN_64: "win_amd64",
}
LINUX = 'platform_system == "Linux"'
QUICK = Retry(attempts=1, pause_s=0.0, silence_s=5.0)

# Releases that PyTorch never made, so that no known hash is about them.
TORCH, TORCHVISION, TAG = "2.99.0", "0.99.0", "cu126"


def torch_wheels(*requires: str) -> list[ServedWheel]:
    """Torch and torchvision for every subdir, this test's Python, and the release before."""
    needs = requires or ("filelock", "sympy>=1.13", f"nvidia-cudnn-cu12; {LINUX}", f"triton~=3.8.0; {LINUX}")
    wheels = []
    for platform in PLATFORMS.values():
        tag = f"{CP}-{CP}-{platform}"
        wheels += [
            make_wheel(f"torch-2.98.0+{TAG}-{tag}.whl", needs),
            make_wheel(f"torch-{TORCH}+{TAG}-{tag}.whl", needs),
            make_wheel(f"torchvision-{TORCHVISION}+{TAG}-{tag}.whl", ("numpy", f"torch>={TORCH}")),
            make_wheel(f"torchvision-0.98.0+{TAG}-{tag}.whl", ("numpy", "torch==2.98.0")),
        ]
    return wheels


def pypi_wheels() -> list[ServedWheel]:
    """What torch needs, PyPI's own newer torch, and two releases of cuDNN."""
    linux = "manylinux_2_27_x86_64"
    return [
        make_wheel("filelock-3.20.0-py3-none-any.whl"),
        make_wheel("mpmath-1.3.0-py3-none-any.whl"),
        make_wheel("numpy-2.3.0-py3-none-any.whl"),
        make_wheel(f"nvidia_cudnn_cu12-9.10.2.21-py3-none-{linux}.whl"),
        make_wheel(f"nvidia_cudnn_cu12-9.15.0.57-py3-none-{linux}.whl"),
        make_wheel("sympy-1.14.0-py3-none-any.whl", ("mpmath<1.4",)),
        make_wheel(f"torch-2.100.0-{CP}-{CP}-manylinux_2_28_x86_64.whl", ("filelock",)),
        make_wheel(f"torchvision-0.100.0-{CP}-{CP}-manylinux_2_28_x86_64.whl", ("numpy", "torch==2.100.0")),
        make_wheel(f"triton-3.8.0-{CP}-{CP}-{linux}.manylinux_2_28_x86_64.whl"),
        make_wheel("timm-1.0.0-py3-none-any.whl", ("torch", "torchvision")),
    ]


def query(subdir: Subdir = Subdir.LINUX_64, **changes: Any) -> PipQuery:
    """The usual query, with changes."""
    values: dict[str, Any] = {
        "subdir": subdir,
        "python": PYTHON,
        "glibc": "" if subdir.is_windows else "2.28",
        "torch": TORCH,
        "cuda_tag": TAG,
        "torchvision": TORCHVISION,
        **changes,
    }
    return PipQuery(**values)


Solve = Callable[..., PipLock]
