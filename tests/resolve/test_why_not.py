"""Why a build was not taken: which builds a question is about, and the answer for each."""

from __future__ import annotations

import pytest

from envgen.core.builds import Build
from envgen.core.sets import PackageSet
from envgen.resolve.why_not import explain
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, wheel


def labels(builds: list[Build]) -> list[str]:
    return [build.short_label for build in builds]


@pytest.mark.parametrize(
    ("capability", "torch", "tag", "expected"),
    [
        pytest.param("8.6", "2.8.0", "cu128", ["2.8.0+cu128"], id="one-build"),
        pytest.param("8.6", "2.8", "cu128", ["2.8.0+cu128"], id="a-release-without-its-patch"),
        pytest.param("8.6", "2.1", "", [], id="a-release-is-no-prefix"),
        pytest.param(
            "8.6", "2.14.1", "", ["2.14.1+cu132", "2.14.1+cu130", "2.14.1+cu126"], id="every-tag-of-a-release"
        ),
        # A bare tag is judged by all its releases: the newest, and the newest that runs where that is another.
        pytest.param("8.6", "", "cu126", ["2.14.1+cu126", "2.7.1 cuda126"], id="a-tag-whose-newest-runs"),
        pytest.param("3.7", "", "cu118", ["2.7.1+cu118", "2.3.1+cu118"], id="a-tag-of-which-an-older-one-runs"),
        pytest.param("6.1", "", "cu128", ["2.8.0+cu128"], id="a-tag-of-which-none-runs"),
        pytest.param("8.6", "", "cu121", [], id="no-such-tag"),
    ],
)
def test_the_builds_that_are_explained(capability: str, torch: str, tag: str, expected: list[str]) -> None:
    found = explain(FROZEN, ask(capability), torch=torch, cuda_tag=tag)
    assert labels([one.build for one in found]) == expected


def test_a_bare_tag_names_the_build_that_runs() -> None:
    """K80 with R470: 2.7.1+cu118 has a cuDNN without Kepler, 2.3.1+cu118 runs (pytorch RELEASE.md)."""
    newest, older = explain(FROZEN, ask("3.7", driver="470.256.02"), torch="", cuda_tag="cu118")
    assert [code for code, _ in newest.reasons][:1] == ["cudnn-unsupported"]
    assert newest.rejection is not None
    assert (older.rejection, older.reasons, older.chosen) == (None, (), True)


def test_a_bare_tag_names_the_build_that_comes_nearest() -> None:
    found = explain(FROZEN, ask("8.6", driver="450.80.02"), torch="", cuda_tag="cu130")
    changes = [one.rejection.change.action() for one in found if one.rejection and one.rejection.change]
    assert changes[0] == "update the driver to 580.65.06 or newer"


def test_a_build_that_a_change_would_allow_is_nearer_than_one_without() -> None:
    rows = catalog_of(
        [
            wheel("2.7.1", "cu126", "sm_86", pythons="3.11"),
            wheel("2.8.0", "cu126", "sm_90"),
            wheel("2.9.1", "cu126", ""),
        ]
    )
    newest, nearest = explain(rows, ask("8.6"), torch="", cuda_tag="cu126")
    assert labels([newest.build, nearest.build]) == ["2.9.1+cu126", "2.7.1+cu126"]


def test_without_a_release_and_a_tag_every_build_is_explained() -> None:
    request = ask("8.6", driver="580.95.05")
    found = explain(FROZEN, request, torch="", cuda_tag="")
    every = [build for package_set in PackageSet for build in reversed(FROZEN.builds(package_set, request.subdir))]
    assert [one.build for one in found] == every
    nothing = explain(FROZEN, ask("8.6", driver="440.33.01"), torch="2.8.0", cuda_tag="cu128")
    assert [one.better for one in nothing] == [""]


def test_an_answer_names_every_reason_and_the_preferred_build() -> None:
    (one,) = explain(FROZEN, ask("8.6", driver="560.35.05", torch="<2.14"), torch="2.15.0", cuda_tag="cu130")
    assert [code for code, _ in one.reasons] == ["driver-too-old", "torch-excluded"]
    assert (one.chosen, one.better) == (False, "torch 2.8.0+cu128")
    assert one.rejection is not None
    assert one.rejection.unlock == {"driver": "580.65.06", "torch": "==2.15.0"}
    (taken,) = explain(FROZEN, ask("8.6", driver="560.35.05"), torch="2.14.1", cuda_tag="cu126")
    assert (taken.chosen, taken.rejection) == (True, None)
