"""What uv's log says of the bounds that one package sets on another."""

from __future__ import annotations

import pytest

from envgen.solve.pip.resolver_log import dependants, readable_bounds


# Each as uv 0.13.9 logs it for the requirement that it stands for.
@pytest.mark.parametrize(
    ("logged", "bounds"),
    [
        pytest.param(">=2.14.0, <2.14.0+", "==2.14.0", id="=="),
        pytest.param(">=2.2.0, <=2.5.1+", ">=2.2.0, <=2.5.1", id="<="),
        pytest.param("<2.7.1 | >=2.7.1+", "!=2.7.1", id="!="),
        pytest.param(">1.20, <1.26.0 | >=1.26.0+, <=1.26.4+", ">1.20, !=1.26.0, <=1.26.4", id="all of them"),
        pytest.param(">=1.22.4, <1.29.0", ">=1.22.4, <1.29.0", id="as written"),
    ],
)
def test_bounds_are_read_as_a_requirement_has_them(logged: str, bounds: str) -> None:
    assert readable_bounds(logged) == bounds


def test_who_holds_torch_back_is_known_by_an_upper_bound() -> None:
    """colossalai 0.5.0 of PyPI asks for torch<=2.5.1,>=2.2.0."""
    log = "DEBUG Adding transitive dependency for colossalai==0.5.0: torch>=2.2.0, <=2.5.1+\n"
    found = dependants(log, {"colossalai": "0.5.0", "torch": "2.5.1"}, "project")
    assert found["torch"] == {"colossalai": ">=2.2.0, <=2.5.1"}
