"""Files that equal those of a shipped lock, byte for byte: all that they hold was made and checked for the release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.reading import split
from envgen.files.registry import CONDA_LOCK, set_of
from envgen.files.variants import variant_like


def is_as_shipped(bodies: Mapping[str, str], subdir: Subdir, python: str, root: Path) -> bool:
    """True when the conda files among some bodies are those of one shipped lock, but for the environment's name."""
    here = {name: body for name, body in bodies.items() if set_of(name) is PackageSet.CONDA}
    lock_file = CONDA_LOCK.one
    places = (root / subdir.value / f"py{python}").glob(f"*/{lock_file}")
    return lock_file in here and any(
        _body(place) == here[lock_file] and _is_like(here, place.parent) for place in sorted(places)
    )


def _is_like(here: Mapping[str, str], folder: Path) -> bool:
    shipped = {path.name: _body(path) for path in folder.iterdir() if set_of(path.name) is PackageSet.CONDA}
    return {name: variant_like(body, here.get(name, ""), name) for name, body in shipped.items()} == here


def _body(path: Path) -> str:
    return split(path.read_text(encoding="utf-8"))[1]
