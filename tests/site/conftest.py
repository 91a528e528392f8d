"""A small site: a few capabilities, decided for real, and the names of their GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from envgen.core.gpus import Gpu
from envgen.core.paths import tree
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.lock.shipped import ShippedLocks
from envgen.site.decisions import Table, decision_table
from envgen.site.names import NameTables, name_tables
from envgen.site.page_data import page_data
from equipment.site_page import run_page

CAPABILITIES = ("3.7", "6.1", "7.5", "8.7", "12.0")


class SomeGpus(GpuCatalog):
    """The real look-up; the page lists the GPUs of a few capabilities only."""

    def all(self) -> Iterator[Gpu]:
        return (gpu for gpu in super().all() if str(gpu.capability) in CAPABILITIES)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    whole = Catalog.load()
    rows = [row for row in whole.rows("capabilities") if row["capability"] in CAPABILITIES]
    return whole.replaced("capabilities", rows)


@pytest.fixture(scope="session")
def shipped() -> tuple[Shipped, ...]:
    return ShippedLocks.read(tree("lockfiles")).locks


@pytest.fixture(scope="session")
def table(catalog: Catalog, shipped: tuple[Shipped, ...]) -> Table:
    return decision_table(catalog, shipped, pythons=("3.12",))


@pytest.fixture(scope="session")
def names() -> NameTables:
    return name_tables(SomeGpus.load(suggests=False))


@pytest.fixture(scope="session")
def data(table: Table, names: NameTables) -> dict[str, Any]:
    return page_data(table, names, {}, "revision")


@pytest.fixture(scope="session")
def page(data: dict[str, Any]) -> Callable[..., list[Any]]:
    """Call functions of the page's script: `page(["find", text], …)` returns what each returns."""
    return lambda *calls: run_page(data, *calls)
