"""What a schema can't say about the known wheels and the versions that builds were published with."""

from __future__ import annotations

from collections import defaultdict

import pytest
from packaging.requirements import Requirement

from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from envgen.facts.wheels import TorchPins, WheelCatalog
from equipment.catalogs import whole_catalog

CATALOG = WheelCatalog.load()
PINS = TorchPins.load()
ROWS = read_table("wheels")


def test_a_wheel_is_of_the_index_that_lists_it() -> None:
    for row in ROWS:
        assert WheelName.parse(row["filename"]).local in ("", row["index"]), row


def test_a_file_is_listed_once_and_a_hash_is_of_one_file() -> None:
    assert len({(row["index"], row["filename"]) for row in ROWS}) == len(ROWS)
    names = defaultdict(set)
    for row in ROWS:
        if row["sha256"]:
            names[row["sha256"]].add(row["filename"])
    assert [shared for shared in names.values() if len(shared) > 1] == []


def test_a_hash_has_sightings_and_a_bare_name_has_none() -> None:
    for row in ROWS:
        assert bool(row["sha256"]) == (int(row["sightings"]) > 0), row


def test_indexes_are_the_known_ones() -> None:
    assert {row["index"] for row in ROWS} <= {"cpu", *(row["cuda_tag"] for row in read_table("cuda_indexes"))}


def test_no_release_candidate_of_the_test_index_is_a_hash() -> None:
    """pytorch/TensorRT's lock files pin /whl/test/cu129 and cu130, where two builds carried each of these names."""
    candidates = {
        "torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl": ("858f0c", "4527fb"),
        "torch-2.10.0+cu130-cp312-cp312-win_amd64.whl": ("224649", "c446c3"),
        "torch-2.8.0+cu129-cp312-cp312-manylinux_2_28_x86_64.whl": ("f2ec36", "f85115"),
    }
    for filename, prefixes in candidates.items():
        (wheel,) = CATALOG.find(filename)
        assert "test" not in wheel.source
        if wheel.sha256.startswith(prefixes):
            # A candidate that became the release keeps its bytes; lock files of the release's index must then show it.
            assert _sightings(filename) > 1


def test_the_one_conflict_is_kept_with_its_other_side() -> None:
    filename = "torch-2.14.1+cu126-cp314-cp314-win_amd64.whl"
    (wheel,) = CATALOG.find(filename)
    assert wheel.sha256 == "7297cd4c9cea15d93acb74cae927f5043705fb3570bad9e552adedc9ce2d6a77"
    assert _sightings(filename) == 2
    assert "14470fc38ad82cb348f9211c47101859bf55d9ea4c45b73e2ca39b89e3ec015c" in wheel.note


def _sightings(filename: str) -> int:
    """How many lock files agree on the hash of a file."""
    return next(int(row["sightings"]) for row in ROWS if row["filename"] == filename)


@pytest.mark.parametrize("platform", ["manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64"])
@pytest.mark.parametrize("python", ["cp311", "cp312", "cp313", "cp314"])
def test_the_last_build_for_pascal_is_known_on_each_subdir(platform: str, python: str) -> None:
    (wheel,) = CATALOG.find(f"torch-2.14.1+cu126-{python}-{python}-{platform}.whl", index="cu126")
    assert wheel.sha256


def test_a_name_without_a_hash_is_known_as_such() -> None:
    """docling-project/docling-serve lists 2.11.0+cu126 without hashes."""
    (wheel,) = CATALOG.find("torch-2.11.0+cu126-cp312-cp312-win_amd64.whl", index="cu126")
    assert wheel.sha256 == ""


def test_what_was_never_published_is_not_known() -> None:
    assert CATALOG.find("torch-2.15.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl") == ()
    assert CATALOG.find("torch-2.14.1+cu126-cp39-cp39-manylinux_2_28_x86_64.whl") == ()
    assert CATALOG.find("torch-2.14.1-cp312-cp312-win_amd64.whl") == ()


def test_one_name_on_two_indexes_is_two_files() -> None:
    """Early aarch64 companions carry no local version."""
    name = "torchvision-0.24.0-cp312-cp312-manylinux_2_28_aarch64.whl"
    found = {wheel.index: wheel.sha256 for wheel in CATALOG.find(name)}
    assert len(found) > 1
    assert CATALOG.find(name, index="cu126")[0].sha256 == found["cu126"]


def test_a_build_has_one_pin_for_a_package() -> None:
    keys = [(row["torch"], row["cuda_tag"], row["subdir"], row["package"]) for row in read_table("torch_pins")]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys, key=lambda k: (release_key(k[0]), k[1].rjust(6), k[2], k[3]))


def test_every_cuda_12_6_build_keeps_the_cudnn_that_serves_pascal() -> None:
    """RELEASE.md of pytorch: cu126 stays on 9.10.2.21 from 2.8 to 2.14; cuDNN 9.11 dropped what is below 7.5."""
    found = {}
    for row in read_table("torch_pins"):
        if row["cuda_tag"] == "cu126" and row["package"].startswith("nvidia-cudnn"):
            found[row["torch"]] = row["version"]
    assert found
    for torch, version in found.items():
        assert release_key(version) < (9, 11), torch
        if release_key(torch) >= (2, 11):
            assert version == "9.10.2.21", torch


def test_the_pinned_cudnn_is_the_build_tables() -> None:
    compared = 0
    for subdir in (Subdir.LINUX_64, Subdir.LINUX_AARCH64):
        for build in whole_catalog().builds(PackageSet.PIP, subdir):
            pinned = [p.version for p in PINS.of(build.torch, build.cuda_tag, subdir) if "cudnn" in p.package]
            if build.cudnn and pinned:
                compared += 1
                assert pinned == [build.cudnn], build
    assert compared > 40


def test_the_toolkit_of_a_pin_is_the_tags() -> None:
    for row in read_table("torch_pins"):
        digits = row["cuda_tag"].removeprefix("cu")
        if row["package"] == "cuda-toolkit":
            assert row["version"].startswith(f"{digits[:-1]}.{digits[-1]}."), row


def test_library_names_carry_the_cuda_major() -> None:
    """NVIDIA's wheels end in -cu11 or -cu12; from CUDA 13 most carry none and a few -cu13."""
    for row in read_table("torch_pins"):
        major = row["cuda_tag"][2:4]
        if row["package"].startswith("nvidia-"):
            suffix = row["package"].rpartition("-")[2]
            assert suffix == f"cu{major}" or (major == "13" and not suffix.startswith("cu1")), row


def test_windows_builds_have_no_pins() -> None:
    assert PINS.of("2.14.1", "cu126", Subdir.WIN_64) == ()
    assert PINS.of("2.14.1", "cu126", Subdir.LINUX_64) != ()


def test_no_pin_is_a_version_of_a_range() -> None:
    """A lock file says what was taken; that it must be so, only `==` (or `~=` of a patch) in the metadata says."""
    ranges = {
        (row["torch"], requirement.name)
        for row in read_table("torch_requires")
        for requirement in map(Requirement, filter(None, row["requires_dist"].split(" || ")))
        if requirement.specifier and not any(part.operator in ("==", "~=") for part in requirement.specifier)
    }
    assert ("2.12.0", "cuda-bindings") in ranges
    for row in read_table("torch_pins"):
        assert ((row["torch"], row["package"]) in ranges) is (row["basis"] == "taken"), row
