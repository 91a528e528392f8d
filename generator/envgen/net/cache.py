"""Where downloaded channel data is kept between runs."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder for envgen (not created): `ENVGEN_CACHE_DIR`, else what the system prescribes."""
    if given := os.environ.get("ENVGEN_CACHE_DIR"):
        return Path(given)
    from platformdirs import user_cache_path

    with suppress(RuntimeError):  # no home: a container run under a user id that has no name
        folder = user_cache_path("envgen", appauthor=False)
        if folder.is_absolute():  # earlier releases (4.2) leave the ~ of that home as it is
            return folder
    return Path(tempfile.gettempdir()) / "envgen-cache"


def keep_file(place: Path, text: str) -> None:
    """Keep a text for the next run, whole or not at all; where nothing can be written nothing is kept."""
    aside = place.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(place)
