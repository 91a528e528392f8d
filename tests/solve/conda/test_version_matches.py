"""Version constraints: py-rattler reads them as conda does, and what conda would take for an expression is refused."""

from __future__ import annotations

import itertools

import pytest

from envgen.core.errors import ValueFormatError
from envgen.solve.conda.specs import version_matches

CONSTRAINTS = (
    "1.2", "=1.2", "==1.2", "1.2.*", "!=1.2", "!=1.2.*", ">=1.2,<2.0a0", "~=1.2", "1.2|1.3", ">1.2", "<1.2.0a0", "*",
    ">=1.2,<1.3.0a0|>=2", ">=3.12,<3.13.0a0", ">=2025",
)  # fmt: skip
VERSIONS = ("1.2", "1.2.0", "1.2.1", "1.3", "1.20", "1.2a0", "1.2.0rc1", "1.2.post1", "2", "2.0a0", "3.12.9", "1!1.2")


@pytest.mark.interop
@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.filterwarnings("ignore")
def test_it_agrees_with_conda(constraint: str) -> None:
    """conda's own rule, of the copy that conda-lock brings."""
    from conda_lock.interfaces.vendored_conda import MatchSpec

    matcher = MatchSpec(f"x {constraint}").version
    for version in VERSIONS:
        expected = matcher is None or bool(matcher.match(version))
        assert version_matches(constraint, version) == expected, version


@pytest.mark.parametrize(
    ("constraint", "version"),
    [("^1.*$", "1.2"), ("^(a+)+$", "a"), (">=1;", "1"), ("<>1", "1"), (">=1", "1..2"), (">=1", "")],
)
def test_what_conda_could_not_read_is_refused(constraint: str, version: str) -> None:
    with pytest.raises(ValueFormatError):
        version_matches(constraint, version)


def test_no_constraint_is_met_by_anything() -> None:
    assert all(version_matches(*pair) for pair in itertools.product(("", "*"), VERSIONS))
