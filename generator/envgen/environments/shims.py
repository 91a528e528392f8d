"""Whether a shim of pyenv's runs, read from where pyenv looks: calling one takes half a second of bash."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def runs_by_pyenv(shim: Path, folder: Path, environ: Mapping[str, str]) -> bool | None:
    """True when a Python that pyenv chooses in a folder has the shim's program, None when only a call tells.

    That is so for shims of other programs, and where a version isn't named as its folder is (`3.12`, `system`).
    The choice: PYENV_VERSION, else the nearest .python-version, else the file `version` of pyenv
    (pyenv, README, "Understanding Python version selection").
    """
    root = shim.parent.parent
    if not (root / "versions").is_dir() or "PYENV_DIR" in environ:
        return None
    try:
        names = (environ.get("PYENV_VERSION") or _chosen(root, folder)).replace(":", " ").split()
    except (OSError, UnicodeDecodeError):
        return None
    for name in names:
        if Path(name).name != name or not (root / "versions" / name).is_dir():
            return None
        if os.access(root / "versions" / name / "bin" / shim.name, os.X_OK):
            return True
    return False if names else None


def _chosen(root: Path, folder: Path) -> str:
    """The text of the file that names the versions."""
    files = (parent / ".python-version" for parent in (folder, *folder.parents))
    return next((file for file in files if file.exists()), root / "version").read_text("utf-8")
