"""The Python of a request: builds and interpreters that PyTorch's wheels for CPython are not for."""

from __future__ import annotations

import pytest

from envgen.core.errors import UsageError
from envgen.facts.catalog import Catalog
from envgen.request.python import python_of


@pytest.fixture(scope="module")
def builds() -> Catalog:
    return Catalog.load()


# File lists of pypi.org/simple/torch: cp313t from 2.6.0 (2025-01-29) to 2.12.0, cp314t from 2.9.0 on.
@pytest.mark.parametrize(
    ("text", "fact", "hint"),
    [
        ("3.13t", "wheels of torch for it (cp313t) exist from 2.6.0 to 2.12.0", "--python 3.13,"),
        ("cp314t", "wheels of torch for it (cp314t) exist from 2.9.0", "--python 3.14,"),
        ("python3.14t", "wheels of torch for it (cp314t) exist from 2.9.0", "--python 3.14,"),
        ("3.13 free-threaded", "(cp313t)", "--python 3.13,"),
        ("3.12t", "since 3.13", "--python 3.12,"),
    ],
)
def test_the_free_threaded_build_is_refused_with_what_exists(builds: Catalog, text: str, fact: str, hint: str) -> None:
    with pytest.raises(UsageError, match="free-threaded build") as caught:
        python_of(text, builds)
    assert fact in caught.value.facts()[0]
    assert hint in caught.value.hint()


@pytest.mark.parametrize("text", ["pypy", "pypy3.10", "PyPy 3.11", "pp310", "graalpy", "GraalPy 24.1"])
def test_another_interpreter_is_refused(builds: Catalog, text: str) -> None:
    with pytest.raises(UsageError, match="not CPython") as caught:
        python_of(text, builds)
    assert "--python 3.12" in caught.value.hint()


def test_cpython_is_taken(builds: Catalog) -> None:
    assert python_of("3.12.4", builds) == "3.12"
