"""What is written without conda-lock is what conda-lock makes of the same: every usual form, and no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from envgen.core.paths import tree
from envgen.files.formats import conda_lock_v1
from envgen.files.formats.conda_lock_hash import plain_constraints, plain_hashes
from envgen.files.formats.conda_lock_v1 import constraints_of, content_hashes, load_conda_lock_package, stated_hashes
from envgen.files.formats.virtual_packages import VIRTUAL_PACKAGES
from envgen.files.reading import split
from envgen.files.templates import render

CLAIMS = {
    "linux-64": {"__glibc": "2.28", "__cuda": "12.0", "__archspec": "1 x86_64", "__unix": "0", "__linux": "5.10"},
    "win-64": {"__win": "0", "__archspec": "1 x86_64", "__cuda": "12.0"},
}


@pytest.fixture
def by_conda_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """conda-lock itself is asked, whatever the form."""
    load_conda_lock_package()
    monkeypatch.setattr(conda_lock_v1, "plain_hashes", lambda *_: None)
    monkeypatch.setattr(conda_lock_v1, "plain_constraints", lambda _: None)


def environment(specs: Sequence[str], channels: Sequence[str] = ("conda-forge",)) -> str:
    return render("environment.yml.j2", name="env", channels=channels, platforms=list(CLAIMS), specs=specs)


@pytest.mark.usefixtures("by_conda_lock")
@pytest.mark.parametrize(
    "depends",
    [
        "python",
        "python *",
        "python >=3.12,<3.13.0a0",
        "python >=3.12,<3.13.0a0 *_cp312",
        "libtorch 2.10.0 cuda129_mkl_h1_301",
        "libmamba ==2.5.0 hc712cdd_0",
        "h3 ==4.4.1",
        "numpy 2.*",
        "pytorch * cuda*",
        "tzdata 2025b",
        "a >=1.2|<1,!=1.1.*",
        "__glibc >=2.17,<3.0.a0",
    ],
)
def test_a_usual_dependency_is_what_conda_lock_makes_of_it(depends: str) -> None:
    assert plain_constraints([depends]) == constraints_of([depends])


@pytest.mark.parametrize(
    "depends", ["a =1.2", "a=1.2", "a ~=1.2", "a>=1", "A", "a[version=1]", "a >=1, <2", "c::a", "a 1..2"]
)
def test_an_unusual_dependency_is_left_to_conda_lock(depends: str) -> None:
    assert plain_constraints([depends]) is None


@pytest.mark.usefixtures("by_conda_lock")
@pytest.mark.parametrize(
    "depends",
    [
        ["pytorch 2.10.*", "pytorch * cuda*"],
        ["libmamba ==2.5.0 hc712cdd_0", "libmamba >=2.5.0,<2.6.0a0"],
        ["python >=3.12,<3.13.0a0", "python"],
        ["a >=1", "b", "a >=1"],
        ["numpy <2.7", "numpy >=1.23,<3", "numpy >=2.0.0"],
        ["numpy >=2.0.0", "numpy >=1.23,<3", "numpy <2.7", "numpy !=2.1"],
    ],
)
def test_constraints_of_one_package_are_joined_as_conda_does(depends: Sequence[str]) -> None:
    assert plain_constraints(depends) == constraints_of(depends)


@pytest.mark.parametrize(
    "depends", [["a >=1", "a <2", "a"], ["a >=1", "a <2", "a 1.*"], ["a 1|2", "a <2"], ["a 1 b_0", "a * c_1"]]
)
def test_other_constraints_of_one_package_are_left_to_conda_lock(depends: Sequence[str]) -> None:
    assert plain_constraints(depends) is None


@pytest.mark.usefixtures("by_conda_lock")
@pytest.mark.parametrize(
    ("specs", "channels"),
    [
        pytest.param(
            ["python=3.12", "pytorch=2.10.0=cuda129*", "cuda-version=12.9"], ["conda-forge"], id="torch alone"
        ),
        pytest.param(["zlib", "einops>=0.8", "numpy>=2,<3", "a!=1.5", "tzdata=2025b"], ["conda-forge"], id="bounds"),
        pytest.param(["python=3.12"], ["pytorch", "nvidia", "conda-forge/label/rc"], id="channels"),
    ],
)
def test_the_hash_of_our_own_form_is_conda_locks(specs: Sequence[str], channels: Sequence[str]) -> None:
    text = environment(specs, channels)
    made = plain_hashes(text, CLAIMS)
    assert made == content_hashes(text, render("virtual-packages.yml.j2", subdirs=CLAIMS))
    only = {"linux-64": CLAIMS["linux-64"]}
    assert plain_hashes(text, only) == content_hashes(text, render("virtual-packages.yml.j2", subdirs=only))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(environment(["a==1.2"]), id="two equal signs"),
        pytest.param(environment(["conda-forge::a=1"]), id="a channel of a package"),
        pytest.param(environment(["a=1", "a>=0"]), id="a package twice"),
        pytest.param(environment(["a=1"], ["https://host.example/channel"]), id="an address"),
        pytest.param(environment(["a=1"]).replace('"a=1"', '"a=1" # [win]'), id="a selector"),
        pytest.param(environment(["a=1"]) + "  - pip:\n    - b\n", id="a pip section"),
        pytest.param(environment(["a=1"]) + "category: dev\n", id="a category"),
        pytest.param(environment(["a=1"]).replace('"a=1"', "a=1"), id="another spelling"),
    ],
)
def test_another_form_is_left_to_conda_lock(text: str) -> None:
    assert plain_hashes(text, CLAIMS) is None


def test_the_hashes_of_the_shipped_locks_are_made_without_conda_lock() -> None:
    """They were computed by conda-lock."""
    places = sorted(tree("lockfiles").glob("*/py*/*/conda-lock.yml"))
    assert places
    for place in places:
        bodies = {path.name: split(path.read_text(encoding="utf-8"))[1] for path in place.parent.glob("*.yml")}
        claims = VIRTUAL_PACKAGES.read(bodies["virtual-packages.yml"], place.name)
        assert plain_hashes(bodies["environment.yml"], claims) == stated_hashes(bodies["conda-lock.yml"])
