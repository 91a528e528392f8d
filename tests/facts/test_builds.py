"""What a schema can't say about builds, drivers and toolkits (invariants), and what the wheels themselves say."""

from __future__ import annotations

import re

import pytest

from envgen.core.builds import Existence
from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU, cuda_of_tag, release_key
from envgen.core.sets import PackageSet
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from envgen.refresh.wheel_tags import subdirs_of
from equipment.catalogs import known_catalog, whole_catalog

BUILDS = whole_catalog()
PIP = [build for subdir in Subdir for build in BUILDS.builds(PackageSet.PIP, subdir)]
CONDA = [build for subdir in Subdir for build in BUILDS.builds(PackageSet.CONDA, subdir)]


def test_every_cuda_tag_has_an_index_and_a_toolkit() -> None:
    tags = {build.cuda_tag for build in PIP}
    assert not tags - set(BUILDS.index_urls), "add its index to cuda_indexes.csv"
    assert not set(BUILDS.index_urls) - {CPU, *tags}, "no build is of its tag: take it out of cuda_indexes.csv"
    without = {tag for tag in tags if not BUILDS.toolkit_releases.get(cuda_of_tag(tag))}
    assert not without, "add its toolkit, with the driver that it came with, to cuda_toolkits.csv"


def test_every_cuda_major_has_a_driver_floor_or_its_toolkit_a_minimum() -> None:
    for build in PIP:
        cuda = cuda_of_tag(build.cuda_tag)
        own = [toolkit for toolkit in BUILDS.toolkit_releases.get(cuda, []) if toolkit.linux and toolkit.windows]
        assert release_key(cuda)[0] in BUILDS.floors or own, build


def test_every_torch_release_has_its_torchvision() -> None:
    assert {build.torch for build in PIP} <= set(BUILDS.companions)
    assert all(companions.torchvision for companions in BUILDS.companions.values())


def test_a_toolkit_belongs_to_its_tag() -> None:
    for build in PIP:
        assert not build.cuda or f"{build.cuda}.".startswith(f"{cuda_of_tag(build.cuda_tag)}."), build


def test_a_seen_python_is_a_known_python() -> None:
    pairs = [(b.pythons_seen, b.pythons) for b in PIP] + [(b.pythons_seen, b.pythons) for b in CONDA]
    assert all(set(seen) <= set(known) for seen, known in pairs)


def test_builds_are_listed_once_and_oldest_first() -> None:
    for subdir in Subdir:
        pip = [
            (release_key(b.torch), release_key(cuda_of_tag(b.cuda_tag))) for b in BUILDS.builds(PackageSet.PIP, subdir)
        ]
        assert pip == sorted(set(pip))
        conda = [release_key(b.torch) for b in BUILDS.builds(PackageSet.CONDA, subdir)]
        assert conda == sorted(conda)


def test_no_code_is_listed_that_its_toolkit_cannot_compile() -> None:
    """The sm lists of the toolkits were tried with ptxas; the arch lists come from build scripts and wheels."""
    compiles = {row["version"]: set(re.findall(r"\d{2,3}", row["sm_list"])) for row in read_table("cuda_toolkits")}
    for build in PIP:
        if build.cuda in compiles:
            listed = {f"{code.capability.major}{code.capability.minor}" for code in build.codes}
            assert listed <= compiles[build.cuda], build


def test_the_glibc_is_the_lowest_of_the_wheel_tags() -> None:
    """2.6.0+cu126 is manylinux_2_28 while the other builds of 2.6.0 are older tags."""
    tags: dict[tuple[str, str, Subdir], set[int]] = {}
    for row in read_table("wheels"):
        name = WheelName.parse(row["filename"])
        minors = [int(m[1]) for tag in name.platforms if (m := re.match(r"manylinux_2_(\d+)_", tag))]
        for subdir in subdirs_of(name) if name.project == "torch" and minors else ():
            tags.setdefault((name.release, row["index"], subdir), set()).add(min(minors))
    assert len(tags) > 60
    for build in PIP:
        if found := tags.get((build.torch, build.cuda_tag, build.subdir)):
            assert build.glibc == f"2.{min(found)}", build


@pytest.mark.parametrize(
    ("torch", "tag", "subdir", "cudnn"),
    [
        # pytorch RELEASE.md, Release Compatibility Matrix
        ("2.14.1", "cu132", "win-64", "9.24.0.43"),
        ("2.10.0", "cu130", "win-64", "9.15.1.9"),
        ("2.7.1", "cu128", "linux-aarch64", "9.7.1.26"),
        ("1.12.1", "cu116", "linux-64", "8.3.2.44"),
        ("2.11.0", "cu130", "linux-64", "9.19.0.56"),
        # torch.__config__.show() of 1.9.0+cu111 and 1.10.0+cu113, posted in public
        ("1.9.0", "cu111", "linux-64", "8.0.5"),
        ("1.10.0", "cu113", "linux-64", "8.2.0"),
    ],
)
def test_the_cudnn_of_a_build(torch: str, tag: str, subdir: str, cudnn: str) -> None:
    found = BUILDS.builds(PackageSet.PIP, Subdir(subdir))
    assert [b.cudnn for b in found if (b.torch, b.cuda_tag) == (torch, tag)] == [cudnn]


def test_a_build_of_torch_2_has_a_known_cudnn() -> None:
    """What is left is CUDA 12.9, which RELEASE.md does not list, and what 2.15.0 has beside PyPI's own."""
    known = known_catalog()
    builds = [build for subdir in Subdir for build in known.builds(PackageSet.PIP, subdir)]
    unknown = [b for b in builds if not b.cudnn]
    of_2 = {(b.torch, b.cuda_tag) for b in unknown if release_key(b.torch) >= (2,) and b.cuda_tag != "cu129"}
    assert of_2 == {("2.15.0", "cu130"), ("2.15.0", "cu134")}
    assert len(unknown) <= 56


@pytest.mark.parametrize(
    ("torch", "glibc"),
    [
        # pytorch-2.5.1 takes cudnn >=9.3.0.75, of which build _0 runs on 2.17; conda-forge's records of 2.6.0, 2.7.1
        # and 2.8.0 ask for cudnn 9.7.1.26, 9.10.1.4 and 9.10.1.4 or newer, all of them __glibc >=2.28.
        ("2.5.1", "2.17"),
        ("2.6.0", "2.28"),
        ("2.7.1", "2.28"),
        ("2.8.0", "2.28"),
        ("2.13.0", "2.28"),
    ],
)
def test_a_conda_build_needs_the_glibc_of_its_cudnn(torch: str, glibc: str) -> None:
    forge = [b for b in CONDA if b.torch == torch and b.subdir is Subdir.LINUX_64]
    assert {b.glibc for b in forge if b.conda.channels[0] == "conda-forge"} == {glibc}


def test_only_one_build_of_a_release_is_pypis_own() -> None:
    own = [(build.torch, build.subdir) for build in PIP if build.on_pypi]
    assert len(own) == len(set(own))
    assert Subdir.WIN_64 not in {subdir for _, subdir in own}, "PyPI's Windows wheels are CPU builds"


def test_uncertain_builds_have_no_file() -> None:
    assert [b for b in PIP if b.existence is Existence.UNCERTAIN and b.pythons_seen] == []


def test_a_retired_gpu_names_its_last_driver() -> None:
    for support in BUILDS.support.values():
        if support.last_branch is not None:
            assert DriverVersion.parse(support.last_linux).branch == support.last_branch


def test_the_last_driver_of_pascal_is_that_of_its_branch() -> None:
    """nvidia-smi prints 582.78 on a GTX 1060 with 580.178.01 on its Linux side (public user report of 2026-06)."""
    assert BUILDS.support[ComputeCapability.parse("6.1")].last_windows == "582.78"


@pytest.mark.parametrize(
    ("windows", "branch"),
    [
        # nvidia-smi under WSL prints both numbers; endoflife.date has the last release of each branch
        (526, 525), (532, 530), (556, 555), (577, 575), (497, 495), (457, 455), (454, 450), (463, 460), (427, 418),
        (419, 418), (592, 590), (617, 615), (582, 580), (442, 440),
    ],
)  # fmt: skip
def test_a_windows_driver_belongs_to_its_branch(windows: int, branch: int) -> None:
    assert [b.branch for b in BUILDS.branches if windows in b.windows_majors] == [branch]


def test_every_last_driver_is_of_its_branch() -> None:
    for branch in BUILDS.branches:
        assert not branch.last_linux or DriverVersion.parse(branch.last_linux).branch == branch.branch
        if branch.last_windows:
            assert DriverVersion.parse(branch.last_windows).branch == max(branch.windows_majors)


def test_every_toolkit_of_a_build_has_its_driver() -> None:
    """13.2.2 was missing once, so that no driver served the builds made with it in full."""
    stated = {version for version, toolkit in BUILDS.toolkits.items() if toolkit.linux}
    without = {build.cuda for build in PIP if build.cuda.count(".") > 1} - stated
    assert not without, "add the release, with the driver that it came with, to cuda_toolkits.csv"


def test_every_gpu_has_a_known_capability() -> None:
    for row in read_table("gpus"):
        for text in row["compute_capability"].split("|"):
            assert ComputeCapability.parse(text) in BUILDS.support, row["name"]


@pytest.mark.parametrize(
    ("l4t", "release", "capability", "driver", "cuda", "glibc", "python"),
    [
        # vllm-project/vllm#34470: collect_env of a Thor with 580.00 and glibc 2.39
        pytest.param("38.2", "7.0", "11.0", "580.00", "13.0", "2.39", "3.12", id="thor-on-jetpack-7.0"),
        # iuliaferoli/jetson-jp7.2-install: Orin NX with JetPack 7.2, Ubuntu 24.04, CUDA 13.2
        pytest.param("39.2", "7.2", "8.7", "595.78", "13.2", "2.39", "3.12", id="orin-on-jetpack-7.2"),
        # pytorch/TensorRT#3453: JetPack 6.2 has CUDA 12.6 and Python 3.10
        pytest.param("36.4.3", "6.2", "8.7", "540.4.0", "12.6", "2.35", "3.10", id="orin-on-jetpack-6.2"),
        pytest.param("36.3", "6.0", "8.7", "540.3.0", "12.2", "2.35", "3.10", id="the-same-540-is-another-cuda"),
        # https://developer.nvidia.com/embedded/linux-tegra-r3272: L4T 32.7.2 is JetPack 4.6.2, Ubuntu 18.04
        pytest.param("32.7.2", "4.6.2", "5.3", None, "10.2", "2.27", "3.6", id="nano-on-its-last"),
    ],
)
def test_a_jetson_has_what_its_jetpack_has(
    l4t: str, release: str, capability: str, driver: str | None, cuda: str, glibc: str, python: str
) -> None:
    found = next(jetpack for jetpack in BUILDS.jetpacks if l4t in jetpack.l4t)
    assert ComputeCapability.parse(capability) in found.capabilities
    stated = str(found.driver) if found.driver else None
    assert (found.release, stated, found.cuda, found.glibc, found.python) == (release, driver, cuda, glibc, python)


def test_one_jetson_linux_is_one_jetpack() -> None:
    spellings = [l4t for jetpack in BUILDS.jetpacks for l4t in jetpack.l4t]
    assert len(spellings) == len(set(spellings))


def test_driver_branches_rise_with_their_cuda() -> None:
    numbers = [branch.branch for branch in BUILDS.branches]
    cudas = [release_key(branch.cuda) for branch in BUILDS.branches]
    assert (numbers, cudas) == (sorted(numbers), sorted(cudas))


def test_conda_build_patterns_name_their_cuda() -> None:
    for build in CONDA:
        digits = re.search(r"cuda(\d+)\.?(\d)", build.conda.build_glob)
        assert digits is not None, build
        written = build.cuda if "." in build.conda.build_glob else build.cuda.replace(".", "")
        assert f"cuda{written}" in build.conda.build_glob, build


def measured() -> list[dict[str, str]]:
    return [
        row for row in read_table("torch_measured") if row["cuda"][:1].isdigit() and row["file"].startswith("torch-")
    ]


@pytest.mark.parametrize("row", measured(), ids=lambda row: row["file"])
def test_a_wheel_that_was_read_is_a_build(row: dict[str, str]) -> None:
    """Its arch list is in the file of its release; the code that its libraries hold was counted apart from that."""
    subdir = Subdir.LINUX_AARCH64 if "aarch64" in row["file"] else Subdir.LINUX_64
    release = row["version_py"].partition("+")[0]
    tag = "cu" + row["cuda"].replace(".", "")
    build = next(b for b in BUILDS.builds(PackageSet.PIP, subdir) if (b.torch, b.cuda_tag) == (release, tag))
    assert build.on_pypi
    assert build.evidence == "measured"
    assert row["file"] in build.source
    assert row["sha256"] in build.source
    if row["fatbin_sass"]:
        listed = {str(code) for code in build.codes if str(code).startswith("sm_")}
        assert listed <= {entry.partition(":")[0] for entry in row["fatbin_sass"].split()}
