"""The indexes that files name, PyPI and PyTorch's own, and the mirrors that stand for them."""

from __future__ import annotations

from envgen.core.dataclass import dataclass

PYPI = "https://pypi.org/simple"
TORCH = "https://download.pytorch.org/whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Where the traffic goes: `wheels` stands for PyTorch's indexes, empty ones for the sites themselves.

    With `written` the files name the mirrors' URLs.
    """

    conda: str = ""
    wheels: str = ""
    pypi: str = ""
    written: bool = False
