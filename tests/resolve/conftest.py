"""The catalog of builds, read once."""

from __future__ import annotations

import pytest

from envgen.facts.catalog import Catalog


@pytest.fixture(scope="session")
def builds() -> Catalog:
    return Catalog.load()
