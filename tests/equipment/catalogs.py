"""The catalog as it was on a day, so that a release that is new changes no test of a rule.

The whole suite runs with it (tests/conftest.py); `whole_catalog` is for tests of the tables themselves.
"""

from __future__ import annotations

from functools import cache

from envgen.core.releases import release_key
from envgen.facts.catalog import Catalog

# The newest releases of PyPI and of conda-forge that the tests state answers for.
NEWEST = {"torch_builds": "2.15.0", "companions": "2.15.0", "cpu_builds": "2.15.0", "conda_builds": "2.13.0"}
whole_catalog = Catalog.load


@cache
def known_catalog() -> Catalog:
    """The catalog without the releases that came later, else as it is now."""
    catalog = whole_catalog()
    for table, newest in NEWEST.items():
        column = "pytorch" if table == "conda_builds" else "torch"
        rows = [row for row in catalog.rows(table) if release_key(row[column]) <= release_key(newest)]
        catalog = catalog.replaced(table, rows)
    return catalog
