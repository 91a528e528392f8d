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
