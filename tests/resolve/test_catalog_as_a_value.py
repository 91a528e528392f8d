"""The catalog is a value: a decision opens no file, and a catalog of other rows gives another decision."""

from __future__ import annotations

import builtins
import io
import os
from pathlib import Path
from typing import NoReturn

import pytest

from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import TABLES, Catalog
from envgen.resolve import resolve
from envgen.resolve.shipped import newest
from envgen.resolve.why_not import explain
from equipment.requests import ask


def refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a file was opened")


def test_a_decision_opens_no_file(builds: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(builds, ask("7.5", torch="<2.9"))  # packaging is imported with the first specifier
    fresh = Catalog({name: builds.rows(name) for name in TABLES})
    for owner, name in ((builtins, "open"), (io, "open"), (os, "open"), (Path, "open")):
        monkeypatch.setattr(owner, name, refuse)
    for subdir in ("linux-64", "win-64", "linux-aarch64"):
        request = ask("7.5", subdir, torch="<2.9")
        assert resolve(fresh, request).notices
        assert explain(fresh, request, torch="", cuda_tag="cu130")
        shipped = Shipped(
            package_set=PackageSet.PIP, subdir=request.subdir, python="3.12", torch="2.8.0", cuda_tag="cu126"
        )
        newest(PackageSet.PIP, [shipped], request, fresh)


def test_a_catalog_of_other_rows_gives_another_decision(builds: Catalog) -> None:
    request = ask("7.5", "win-64")
    newest_release = resolve(builds, request).pairing(PackageSet.PIP)
    assert newest_release is not None
    older = [row for row in builds.rows("torch_builds") if row["torch"] != newest_release.build.torch]
    found = resolve(builds.replaced("torch_builds", older), request).pairing(PackageSet.PIP)
    assert found is not None
    assert found.build.torch != newest_release.build.torch


def test_a_catalog_without_rows_has_no_pairing() -> None:
    empty = resolve(Catalog({"driver_branches": Catalog.load().rows("driver_branches")}), ask("7.5"))
    assert (empty.pip, empty.conda, tuple(empty.rejected)) == (None, None, ())
