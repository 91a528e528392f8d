"""Wheels of torch in small: the members that are read, in the form that real ones have, around some ballast."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

# torch/version.py of the PyPI wheel of 2.15.0 for x86_64, cp312.
VERSION_PY = """from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'rocm', 'xpu']
__version__ = '2.15.0+cu132'
debug = False
cuda: Optional[str] = '13.2'
git_version = 'd0f2af8b66b20da4baa50644c0cd3f887a2eae2e'
hip: Optional[str] = None
rocm: Optional[str] = None
xpu: Optional[str] = None
"""
# Of the PyPI wheel of 1.13.1, before the annotations.
OLD_VERSION_PY = """__version__ = '1.13.1+cu117'
debug = False
cuda = '11.7'
git_version = '49444c3e546bf240bed24a101e747422d1f8a0ee'
hip = None
"""
# An excerpt of torch/cuda/__init__.py of 2.15.0.
CUDA_INIT = '''r"""This package adds support for CUDA tensor types."""
import platform

PYTORCH_RELEASES_CODE_CC: dict[str, dict[str, set[int]]] = {
    "13.0": {
        "x86_64": {75, 80, 86, 90, 100, 120},
        "aarch64": {80, 90, 100, 110, 120},
    },
}


def _host_arch_key() -> str:
    return platform.machine().lower()
'''
METADATA = """Metadata-Version: 2.4
Name: torch
Version: 2.15.0
Requires-Python: >=3.11
Requires-Dist: filelock
Requires-Dist: cuda-toolkit[cublas,cudart]==13.2.2; platform_system == "Linux"
Requires-Dist: nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"
Requires-Dist: optree>=0.13.0; extra == "optree"

Requires-Dist: a line of the description
"""
ARCHS = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def library(*strings: str) -> bytes:
    """A shared library as far as a string scan goes: C strings among other bytes, ELF's head at its front."""
    noise = [b"\x7fELF\x02\x01\x01", b"sm_", b"nvcc -arch=sm_90 sm_100", b"compute_%d", b"\xff\xfe sm_75 sm_80\xff"]
    return b"\0".join([*noise, *(text.encode() for text in strings), b"get_arch_list", b""])


def torch_files(**changed: bytes | str | None) -> dict[str, bytes]:
    """Path -> bytes of a wheel of 2.15.0; `version_py`, `cuda_init`, `library`, `metadata` replace, None drops."""
    parts: dict[str, bytes | str | None] = {
        "version_py": VERSION_PY,
        "cuda_init": CUDA_INIT,
        "library": library(ARCHS),
        "metadata": METADATA,
    }
    paths = {
        "version_py": "torch/version.py",
        "cuda_init": "torch/cuda/__init__.py",
        "library": "torch/lib/libtorch_python.so",
        "metadata": "torch-2.15.0.dist-info/METADATA",
    }
    found = {paths[name]: content for name, content in (parts | changed).items() if content is not None}
    return {path: content.encode() if isinstance(content, str) else content for path, content in found.items()}


def wheel_bytes(files: Mapping[str, bytes], *, ballast: int = 0) -> bytes:
    """A wheel with those members, behind `ballast` bytes of a library that nobody needs to read."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("torch/lib/libtorch_cuda.so"), bytes(ballast), zipfile.ZIP_STORED)
        for path, content in files.items():
            archive.writestr(path, content)
    return stream.getvalue()
