"""What must hold for any request: newer drivers, added code, and the order of rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.resolution import Resolution
from envgen.resolve import resolve
from envgen.resolve.coverage import code_for
from envgen.resolve.why_not import explain
from equipment.catalogs import whole_catalog
from equipment.examples import examples
from equipment.requests import ask

BUILDS = whole_catalog()
CAPABILITIES = sorted(str(capability) for capability in BUILDS.support)
SUBDIRS = [subdir.value for subdir in Subdir]
DRIVERS = [f"{branch.branch}.{minor}" for branch in BUILDS.branches for minor in ("10", "65.06", "99.01")]
ANY_REQUEST = st.tuples(
    st.sampled_from(CAPABILITIES), st.sampled_from(SUBDIRS), st.sampled_from(["3.10", "3.11", "3.12", "3.13", "3.14"])
)


def releases(resolution: Resolution) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pip = release_key(resolution.pip.build.torch) if resolution.pip else ()
    conda = release_key(resolution.conda.build.torch) if resolution.conda else ()
    return pip, conda


@settings(max_examples=examples(300), deadline=None)
@given(ANY_REQUEST, st.sampled_from(DRIVERS), st.sampled_from(DRIVERS))
def test_a_newer_driver_never_loses_a_pairing(request: tuple[str, str, str], one: str, other: str) -> None:
    """As long as both drivers are of branches that still serve the GPU."""
    capability, subdir, python = request
    older, newer = sorted((one, other), key=lambda text: DriverVersion.parse(text).parts)
    last = BUILDS.support[ComputeCapability.parse(capability)].last_branch
    if last is not None and DriverVersion.parse(newer).branch > last:
        return
    before = releases(resolve(BUILDS, ask(capability, subdir, older, python=python)))
    after = releases(resolve(BUILDS, ask(capability, subdir, newer, python=python)))
    assert after[0] >= before[0]
    assert after[1] >= before[1]


@settings(max_examples=examples(300), deadline=None)
@given(ANY_REQUEST, st.sampled_from([None, *DRIVERS]))
def test_what_is_chosen_passes_every_rule_it_states(request: tuple[str, str, str], driver: str | None) -> None:
    capability, subdir, python = request
    resolution = resolve(BUILDS, ask(capability, subdir, driver, python=python))
    for pairing in (resolution.pip, resolution.conda):
        if pairing is None:
            continue
        assert python in pairing.build.pythons
        assert len(pairing.code) == 1
        use = pairing.code[0].code
        assert use in pairing.build.codes
        assert resolution.driver
        assert pairing.driver_floor
        assert resolution.driver.meets_floor(pairing.driver_floor) or pairing.fully_served
        if use.kind is CodeKind.SASS and use.capability != ComputeCapability(10, 1):
            assert use.capability.major == ComputeCapability.parse(capability).major


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.sampled_from(CAPABILITIES), min_size=1, max_size=2, unique=True),
    ANY_REQUEST,
    st.tuples(
        st.sampled_from([None, "450.80.02", "580", *DRIVERS]),
        st.sampled_from(["", "", "==2.7.*", ">=2.9"]),
        st.sampled_from(["", "", "cu118", "cu126", "cu130"]),
    ),
    st.data(),
)
def test_the_options_that_would_allow_a_build_do_allow_it(
    capabilities: list[str], target: tuple[str, str, str], options: tuple[str | None, str, str], data: st.DataObject
) -> None:
    (_, subdir, python), (driver, torch, cuda) = target, options
    asked = ask(" ".join(capabilities), subdir, driver, python=python, glibc="2.17", torch=torch, cuda=cuda)
    liftable = [r for r in resolve(BUILDS, asked).rejected if r.change]
    if not liftable:
        return
    told = data.draw(st.sampled_from(liftable))
    assert told.change is not None
    repeated = told.change.applied(asked)
    found = explain(BUILDS, repeated, torch=told.torch, cuda_tag=told.cuda_tag)
    assert () in [e.reasons for e in found if e.build.key == (told.package_set, told.torch, told.cuda_tag)]


CODES = st.lists(
    st.builds(
        ArchCode,
        st.sampled_from(list(CodeKind)),
        st.sampled_from([ComputeCapability.parse(text) for text in CAPABILITIES]),
        st.sampled_from(["", "", "a", "f"]),
    ),
    max_size=6,
)


@settings(max_examples=examples(300), deadline=None)
@given(CODES, CODES, st.sampled_from(CAPABILITIES))
def test_more_code_never_drops_a_gpu(some: list[ArchCode], more: list[ArchCode], capability: str) -> None:
    gpu = Gpu(name="a GPU", capability=ComputeCapability.parse(capability), architecture="")
    if code_for(some, gpu, "") is not None:
        assert code_for([*some, *more], gpu, "") is not None


@settings(max_examples=examples(100), deadline=None)
@given(CODES, st.sampled_from(CAPABILITIES))
def test_the_order_of_an_arch_list_does_not_matter(codes: list[ArchCode], capability: str) -> None:
    gpu = Gpu(name="a GPU", capability=ComputeCapability.parse(capability), architecture="")
    assert code_for(codes, gpu, "") == code_for(list(reversed(codes)), gpu, "")


# The same catalog with the builds of each release in the opposite order.
_BACKWARDS = list(reversed(BUILDS.rows("torch_builds")))
SHUFFLED = BUILDS.replaced("torch_builds", sorted(_BACKWARDS, key=lambda row: release_key(row["torch"])))


@pytest.mark.parametrize("capability", ["3.7", "6.1", "7.5", "8.9", "12.0"])
@pytest.mark.parametrize("subdir", SUBDIRS)
def test_the_order_of_rows_does_not_change_a_decision(capability: str, subdir: str) -> None:
    request = ask(capability, subdir)
    one, other = resolve(BUILDS, request), resolve(SHUFFLED, request)
    assert one.pip == other.pip
    assert {r.text for r in one.rejected} == {r.text for r in other.rejected}


@pytest.mark.parametrize("text", ["7.5", "8.9", "12.0", "10.3"])
def test_a_capability_parses_back(text: str) -> None:
    assert str(ComputeCapability.parse(text)) == text


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(100, 999), st.lists(st.integers(0, 999), max_size=2))
def test_a_driver_parses_back(branch: int, rest: list[int]) -> None:
    text = ".".join(str(part) for part in (branch, *rest))
    driver = DriverVersion.parse(text)
    assert (str(driver), driver.branch, driver.is_bare_branch) == (text, branch, not rest)
    assert driver.meets_floor(driver)
