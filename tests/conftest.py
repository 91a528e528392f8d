"""What every test shares: no test fails because the machine is busy."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Whole folders as envgen writes them: their smoke_test.py is a program, not a test of ours.
collect_ignore_glob = ["golden/*", "files/legacy/*"]

settings.register_profile("envgen", deadline=None)
settings.load_profile("envgen")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the folders of tests/golden anew")
