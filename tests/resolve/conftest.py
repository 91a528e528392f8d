"""The catalog of builds, read once."""

from __future__ import annotations

import pytest

from envgen.facts.catalog import BuildCatalog


@pytest.fixture(scope="session")
def builds() -> BuildCatalog:
    return BuildCatalog()
