"""Where downloaded channel data is kept between runs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] | None = None, system: str | None = None) -> Path:
    """Return the user's cache folder for envgen (not created): `ENVGEN_CACHE_DIR`, else what the system prescribes."""
    environ = os.environ if environ is None else environ
    system = sys.platform if system is None else system
    if given := environ.get("ENVGEN_CACHE_DIR"):
        return Path(given)
    if system == "win32" and (local := environ.get("LOCALAPPDATA")):
        return Path(local) / "envgen" / "cache"
    if given := environ.get("XDG_CACHE_HOME"):
        return Path(given) / "envgen"
    try:
        home = Path.home()
    except RuntimeError:  # no home: a container run under a user id that has no name
        return Path(tempfile.gettempdir()) / "envgen-cache"
    return home / ("Library/Caches" if system == "darwin" else ".cache") / "envgen"
