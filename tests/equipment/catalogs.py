"""The catalog as it was on a day, so that a release that is new changes no test of a rule."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from envgen.core.releases import release_key
from envgen.facts.catalog import Catalog

# The newest releases of PyPI and of conda-forge that the tests state answers for.
NEWEST = {"torch_builds": "2.15.0", "companions": "2.15.0", "conda_builds": "2.13.0"}
_load = Catalog.load


@cache
def known_catalog(folder: Path | None = None) -> Catalog:
    """The catalog without the releases that came later; everything else is as it is now."""
    catalog = _load(folder)
    for table, newest in NEWEST.items():
        column = "pytorch" if table == "conda_builds" else "torch"
        rows = [row for row in catalog.rows(table) if release_key(row[column]) <= release_key(newest)]
        catalog = catalog.replaced(table, rows)
    return catalog
