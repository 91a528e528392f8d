"""The indexes that files name: PyPI and PyTorch's own."""

from __future__ import annotations

PYPI = "https://pypi.org/simple"
TORCH = "https://download.pytorch.org/whl"
