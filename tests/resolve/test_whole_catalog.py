"""Over every GPU, platform and driver of the catalog: what is chosen is held against the rows, one by one.

The rules are not asked here. What the libraries carry is read from `library_code.csv`, which was made from their files.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Pairing, Rejection, RejectionCode
from envgen.core.sets import PackageSet
from envgen.gpus.catalog import GpuCatalog
from envgen.resolve import resolve
from envgen.resolve.why_not import explain
from equipment.catalogs import whole_catalog
from equipment.examples import examples

CATALOG = whole_catalog()
# One GPU of each capability and platform stands for all of them.
GPUS = sorted(
    {(gpu.capability, gpu.only_subdir): gpu for gpu in GpuCatalog.load().all()}.values(), key=lambda gpu: gpu.name
)
SUBDIRS = [subdir for subdir in Subdir if CATALOG.builds(PackageSet.PIP, subdir)]
_BRANCHES = [
    *(str(branch.branch) for branch in CATALOG.branches),
    *(version for branch in CATALOG.branches for version in (branch.last_linux, branch.last_windows) if version),
    *(str(driver) for floor in CATALOG.floors.values() for driver in (floor.linux, floor.windows)),
    "450.66",
    "525.60.12",
    "560.94",
    "570.26",
    "580.00",
    "540.4.0",
    "595.78",
]
DRIVERS = [None, *(DriverVersion.parse(text) for text in dict.fromkeys(_BRANCHES))]
REQUESTS = st.builds(
    Request,
    gpus=st.lists(
        st.builds(RequestedGpu, input=st.just("a GPU"), gpu=st.sampled_from(GPUS)), min_size=1, max_size=2
    ).map(tuple),
    subdir=st.sampled_from(SUBDIRS),
    python=st.sampled_from(["3.8", "3.10", "3.12", "3.14"]),
    driver=st.sampled_from(DRIVERS),
    driver_origin=st.just(DriverOrigin.GIVEN),
    glibc=st.sampled_from(["2.17", "2.28", "2.39"]),
    torch=st.sampled_from(["", "", "", "==2.5.1", "<2.9", "==2.7.1"]),
    cuda=st.sampled_from(["", "", "", "cu118", "cu126"]),
)


def one_gpu(gpu: Gpu, subdir: Subdir, driver: DriverVersion | None, **options: str) -> Request:
    """A request for one GPU; every Python release of the last years has builds for 3.10."""
    return Request(
        gpus=(RequestedGpu(input="a GPU", gpu=gpu),),
        subdir=subdir,
        python="3.10",
        driver=driver,
        driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
        glibc="2.39",
        **options,  # type: ignore[arg-type] # texts
    )


@pytest.mark.parametrize("subdir", SUBDIRS)
def test_every_gpu_platform_and_driver(subdir: Subdir) -> None:
    """One GPU of each capability, with the drivers at and between all bounds: nothing is left to chance."""
    decided = [one_gpu(gpu, subdir, driver) for gpu in GPUS for driver in DRIVERS]
    assert sum(_is_held(request) for request in decided) > len(decided) / 5


@pytest.mark.parametrize("subdir", SUBDIRS)
def test_every_tag_that_is_asked_for(subdir: Subdir) -> None:
    """`--cuda` and `--torch` lead to builds that nobody gets by default; both ends count there, too."""
    tags = sorted({build.cuda_tag for build in CATALOG.builds(PackageSet.PIP, subdir)})
    for gpu in GPUS:
        for tag in tags:
            _is_held(one_gpu(gpu, subdir, None, cuda=tag))
        for torch in ("<1.11", "<2", "<2.2", "<2.4", "<2.6", "<2.8", "<2.10", "<2.12"):
            _is_held(one_gpu(gpu, subdir, None, torch=torch))


@settings(max_examples=examples(150))
@given(REQUESTS)
def test_what_is_chosen_is_held_by_the_rows(request: Request) -> None:
    _is_held(request)


def _is_held(request: Request) -> bool:
    """Hold what is chosen against the rows; False when nothing is."""
    found = resolve(CATALOG, request)
    for package_set in PackageSet:
        if pairing := found.pairing(package_set):
            _check_file(pairing.build, request)
            for requested, use in zip(request.gpus, pairing.code, strict=True):
                _check_code(use.code, requested.gpu, pairing.build)
                assert found.driver is not None
                _check_driver(pairing, requested.gpu, found.driver, request)
                _check_cudnn(pairing, use.code, requested.gpu, request)
                _check_libraries(pairing, requested.gpu)
    return bool(found.pip or found.conda)


def _check_file(build: Build, request: Request) -> None:
    assert request.python in build.pythons
    assert build.existence.value != "uncertain" or request.python in build.pythons_seen
    assert build.subdir is request.subdir
    if build.glibc and not request.subdir.is_windows:
        assert release_key(build.glibc) <= release_key(request.glibc)


def _check_code(code: ArchCode, gpu: Gpu, build: Build) -> None:
    assert str(code) in build.arch_list.split()
    assert gpu.only_subdir in (None, build.subdir)
    support = CATALOG.support[gpu.capability]
    assert support.only_subdir in (None, build.subdir)
    renumbered = {code.capability, gpu.capability} == {ComputeCapability(10, 1), ComputeCapability(11, 0)}
    if code.kind is CodeKind.PTX:
        assert code.capability <= gpu.capability
    elif not renumbered:
        assert code.capability.major == gpu.capability.major
        assert code.capability.minor <= gpu.capability.minor


def _check_driver(pairing: Pairing, gpu: Gpu, driver: DriverVersion, request: Request) -> None:
    cuda = release_key(pairing.build.cuda)
    releases = [release for release in CATALOG.jetpacks if gpu.capability in release.capabilities]
    if releases and all(one.gpu.capability in releases[-1].capabilities for one in request.gpus):
        # dusty-nv/jetson-containers#1257, OpenRAL/openral#167: up to CUDA 12 a Jetson runs its own builds alone.
        assert cuda[0] >= 13 or pairing.build.is_tegra
        same = [one for one in releases if one.driver is not None and one.driver.branch == driver.branch] or releases
        assert cuda[0] <= max(release_key(one.cuda) for one in same)[0]
        return
    assert cuda[0] >= 13 or not pairing.build.is_tegra
    windows = request.subdir.is_windows
    support, branches = CATALOG.support[gpu.capability], CATALOG.branches
    number = driver.branch
    own = [b for b in branches if number in (b.windows_majors if windows else (b.branch,)) or number == b.branch]
    if own:
        assert support.last_branch is None or any(b.branch <= support.last_branch for b in own)
        assert support.first_branch is None or any(b.branch >= support.first_branch for b in own)
    serves = any(release_key(b.cuda) >= cuda[:2] for b in own)
    floor = CATALOG.floors.get(cuda[0])
    if not serves and floor is not None and all(use.code.kind is CodeKind.SASS for use in pairing.code):
        assert driver.meets_floor(floor.windows if windows else floor.linux)


def _check_cudnn(pairing: Pairing, code: ArchCode, gpu: Gpu, request: Request) -> None:
    """The cuDNN that was read has machine code for the GPU's major, not above its minor, or PTX that it compiles."""
    build = pairing.build
    rows = [
        row
        for row in CATALOG.library_code.values()
        if row.library == "cudnn" and row.version == build.cudnn and row.cuda_major == release_key(build.cuda)[0]
    ]
    is_exact = request.cuda and request.torch == f"=={build.torch}"
    if not is_exact and not build.cudnn:
        # cuDNN 8.8 and 9.11 dropped GPUs, and are older than torch 2.0.0 and 2.8.0: such a build may have them.
        assert gpu.capability >= (7, 5) or release_key(build.torch) < (2, 8)
        assert gpu.capability >= (5, 0) or release_key(build.torch) < (2,)
        assert code.kind is CodeKind.SASS or code.capability.major == gpu.capability.major
    if not is_exact and build.cudnn:
        _check_by_support_matrix(build, code, gpu)
    for row in rows if not is_exact else []:
        machine = [one for one in row.codes if one.kind is CodeKind.SASS]
        native = [one for one in machine if one.capability.major == gpu.capability.major]
        compiled = [one for one in row.codes if one.kind is CodeKind.PTX and one.capability <= gpu.capability]
        served = any(one.capability <= gpu.capability for one in native)
        assert served or (compiled and row.cuda_major >= 12) or code.capability.major == gpu.capability.major
        assert min(one.capability for one in machine) <= gpu.capability


def _check_by_support_matrix(build: Build, code: ArchCode, gpu: Gpu) -> None:
    """NVIDIA's support matrices: 8.8 starts at 5.0 and 9.11 at 7.5; what runs from PTX needs a cuDNN that knows it."""
    cudnn, cuda = release_key(build.cudnn), release_key(build.cuda)
    assert cudnn < (8, 8) or gpu.capability >= (5, 0)
    assert cudnn < (9, 11) or gpu.capability >= (7, 5)
    if code.kind is CodeKind.PTX and code.capability.major != gpu.capability.major:
        assert (cudnn >= (9,) and cuda >= (12,)) or gpu.capability.major <= (9 if cudnn >= (8, 7) else 8)


def _check_libraries(pairing: Pairing, gpu: Gpu) -> None:
    """cuBLAS, as far as a pin names it, was read: it has machine code of the GPU's major, or PTX."""
    build = pairing.build
    for row in CATALOG.library_code.values():
        if row.library == "cublas" and row.version == build.libraries.get("cublas") and row.subdir is build.subdir:
            assert any(
                one.capability <= gpu.capability
                and (one.kind is CodeKind.PTX or one.capability.major == gpu.capability.major)
                for one in row.codes
            )


@pytest.mark.parametrize("subdir", SUBDIRS)
def test_every_change_that_is_named_for_a_gpu_works(subdir: Subdir) -> None:
    for gpu in GPUS:
        for text in ("450.80.02", "528.33", "560.94", "582.78", "595.71.05"):
            request = one_gpu(gpu, subdir, DriverVersion.parse(text))
            for rejection in resolve(CATALOG, request).rejected[:12]:
                if rejection.change:
                    _follow(rejection, request)


def _follow(rejection: Rejection, request: Request) -> None:
    assert rejection.change is not None
    changed = rejection.change.applied(request)
    found = explain(CATALOG, changed, torch=rejection.torch, cuda_tag=rejection.cuda_tag)
    key = rejection.package_set, rejection.torch, rejection.cuda_tag
    assert None in [one.rejection for one in found if one.build.key == key]


@settings(max_examples=examples(150))
@given(REQUESTS, st.data())
def test_a_change_that_a_rejection_names_works_when_it_is_followed(request: Request, data: st.DataObject) -> None:
    named = [rejection for rejection in resolve(CATALOG, request).rejected if rejection.change]
    if not named:
        return
    _follow(data.draw(st.sampled_from(named)), request)


@settings(max_examples=examples(150))
@given(REQUESTS)
def test_nothing_unproven_is_chosen_unless_it_is_asked_for_by_name(request: Request) -> None:
    found = resolve(CATALOG, request)
    for package_set in PackageSet:
        pairing = found.pairing(package_set)
        said = {notice.code for notice in found.notices}
        if pairing is not None and RejectionCode.UNPROVEN.value in said:
            assert request.cuda
            assert request.torch.startswith("==")
