"""What every test shares: no test fails because the machine is busy, or on one day and not on the next."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from envgen.facts.catalog import Catalog
from equipment.catalogs import known_catalog, whole_catalog

# Whole folders as envgen writes them: their smoke_test.py is a program, not a test of ours.
collect_ignore_glob = ["golden/*", "files/legacy/*"]

# The default run tries the same examples each time, `poe proofs` more of them; `poe search` looks for new ones, and a
# found one becomes a test.
settings.register_profile("envgen", deadline=None, derandomize=True, max_examples=30)
settings.register_profile("proofs", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("search", deadline=None, derandomize=False, max_examples=100)
settings.load_profile("envgen")

# Tests know no release that is newer than those that they state answers for: a new one is data, and fails none.
pytest.MonkeyPatch().setattr(Catalog, "load", staticmethod(known_catalog))

# Tests start some thousand programs. Where no bytecode may be beside the sources, each would compile them again.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir(), "envgen-tests-bytecode")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the folders of tests/golden anew")


@pytest.fixture
def of_all_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the whole program know every release of the tables, as the README's do."""
    monkeypatch.setattr(Catalog, "load", staticmethod(whole_catalog))


@pytest.fixture
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is asked twice, at once, where a run asks four times in 3.5 s: for tests of what comes after that."""
    from envgen.net.deadline import Retry
    from envgen.solve.conda import solve

    Retry()  # its constructor is made with the first one
    assert Retry.__init__.__kwdefaults__
    for name, value in {"attempts": 2, "pause_s": 0.02}.items():
        monkeypatch.setitem(Retry.__init__.__kwdefaults__, name, value)
    monkeypatch.setattr(solve, "_retries_within", lambda seconds: 1)
