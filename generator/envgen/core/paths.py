"""Finds the trees that travel beside the code: templates and shipped locks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from envgen.core.errors import DataError

Tree = Literal["templates", "lockfiles"]


class TreeMissingError(DataError):
    """A tree is neither in the installed package nor in a checkout."""

    code = "tree-missing"

    def __init__(self, name: str, looked: tuple[str, ...]) -> None:
        super().__init__(
            f"the folder {name} of envgen was not found",
            *(f"looked for {place}" for place in looked),
            hint="install envgen again: pip install --force-reinstall cuda-envgen",
        )


def tree(name: Tree) -> Path:
    """Return the folder inside the package if it is there, else the one at the root of the checkout.

    Raises: TreeMissingError naming both places.
    """
    package = Path(__file__).resolve().parent.parent
    installed = package / name
    if installed.is_dir():
        return installed
    root = package.parent.parent
    if (root / "pyproject.toml").is_file() and (root / name).is_dir():
        return root / name
    raise TreeMissingError(name, (installed.as_posix(), (root / name).as_posix()))
