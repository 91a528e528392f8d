"""The catalog of builds as of the releases that the tests state answers for, read once."""

from __future__ import annotations

import pytest

from envgen.facts.catalog import Catalog
from equipment.catalogs import known_catalog


@pytest.fixture(scope="session")
def builds() -> Catalog:
    return known_catalog()
