"""What a pairing holds, and what is said of it: companions, match specs, the bound on cuDNN, notices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.resolution import RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import TABLES, Catalog, Row
from envgen.resolve import resolve
from envgen.resolve.driver import DriverRules
from envgen.resolve.errors import NoBuildError
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def codes(resolution: Resolution) -> list[str]:
    return [notice.code for notice in resolution.notices]


def text_of(resolution: Resolution, code: str) -> str:
    (text,) = (notice.text for notice in resolution.notices if notice.code == code)
    return text


@pytest.mark.parametrize(
    ("torch", "python", "torchaudio"),
    [
        ("2.7.1", "3.12", "2.7.1"),
        ("2.8.0", "3.14", ""),  # no wheel of torchaudio 2.8.0 for Python 3.14
        ("2.14.1", "3.12", "2.11.0"),  # the last torchaudio loads beside newer releases (pytorch/audio#4212)
        ("2.15.0", "3.12", "2.11.1"),  # built as +cu132: it loads beside the builds of that tag (pytorch/audio#4226)
    ],
)
def test_torchaudio(torch: str, python: str, torchaudio: str) -> None:
    asked = replace(ask("8.6", driver="580.95.05", python=python, torch=f"=={torch}"), audio=True)
    found = resolve(FROZEN, asked)
    assert found.pip is not None
    assert found.pip.torchaudio == torchaudio
    assert ("no-torchaudio" in codes(found)) is (torchaudio == "")
    without = resolve(FROZEN, replace(asked, audio=False))
    assert without.pip is not None
    assert (without.pip.torchaudio, "no-torchaudio" in codes(without)) == ("", False)


def test_an_index() -> None:
    own = resolve(FROZEN, ask("8.6", driver="580.95.05", torch="==2.14.1")).pip
    other = resolve(FROZEN, ask("8.6", driver="580.95.05", torch="==2.14.1", cuda="cu126")).pip
    assert own is not None
    assert other is not None
    assert own.index_url == "https://pypi.org/simple"
    assert other.index_url == "https://download.pytorch.org/whl/cu126"
    assert (own.torchvision, own.specs) == ("0.29.1", ())
    conda = resolve(FROZEN, replace(ask("8.6", driver="580.95.05", torch="==2.7.1"), audio=True)).conda
    assert conda is not None
    assert (conda.index_url, conda.torchvision, conda.torchaudio) == ("", "", "")  # its solver finds them


@pytest.mark.parametrize(
    ("row", "capability", "specs"),
    [
        pytest.param(
            package("2.13.0", "12.9", f"sm_60 {NEWEST}"),
            "6.1",
            ("pytorch=2.13.0=cuda129*", "cuda-version=12.9", "libcudnn<9.11", "torchvision"),
            id="pascal-holds-cudnn",
        ),
        pytest.param(
            package("2.10.0", "12.9", f"sm_60 {NEWEST}"),
            "6.1",
            ("pytorch=2.10.0=cuda129*", "cuda-version=12.9", "libcudnn<9.11", "torchvision"),
            id="libcudnn-since-2.10.0",
        ),
        pytest.param(
            package("2.9.1", "12.9", f"sm_60 {NEWEST}"),
            "6.1",
            ("pytorch=2.9.1=cuda129*", "cuda-version=12.9", "cudnn<9.11", "torchvision"),
            id="cudnn-before",
        ),
        pytest.param(
            package("2.5.1", "11.8", f"sm_60 {NEWEST}", cudnn="9.3.0"),
            "6.1",
            ("pytorch=2.5.1=cuda118*", "cuda-version=11.8", "cudnn<9.11", "torchvision"),
            id="on-cuda-11-as-well",
        ),
        pytest.param(
            package("2.13.0", "12.9", NEWEST),
            "7.5",
            ("pytorch=2.13.0=cuda129*", "cuda-version=12.9", "torchvision"),
            id="turing-needs-no-bound",
        ),
        pytest.param(
            package("2.13.0", "13.0", f"sm_60 {NEWEST}"),
            "6.1",
            ("pytorch=2.13.0=cuda130*", "cuda-version=13.0", "torchvision"),
            id="no-bound-on-cuda-13",
        ),
        pytest.param(
            package("2.5.1", "11.8", f"sm_60 {NEWEST}", cudnn="8.8"),
            "6.1",
            ("pytorch=2.5.1=cuda118*", "cuda-version=11.8", "torchvision"),
            id="a-build-against-cudnn-8-holds-it-itself",
        ),
        pytest.param(
            package(
                "2.5.1",
                "12.4",
                f"sm_60 {NEWEST}",
                cudnn="9.1.0",
                channels="pytorch nvidia",
                build_glob="py{python}_cuda12.4*",
                pins="pytorch-cuda=12.4; mkl<2024.1",
            ),
            "6.1",
            ("pytorch=2.5.1=py3.12_cuda12.4*", "pytorch-cuda=12.4", "mkl<2024.1", "torchvision"),
            id="the-legacy-channel-has-pins-of-its-own",
        ),
    ],
)
def test_match_specs(row: Row, capability: str, specs: tuple[str, ...]) -> None:
    found = resolve(catalog_of(packages=[row]), ask(capability, driver="580.95.05")).conda
    assert found is not None
    assert found.specs == ("python=3.12", *specs)


def test_match_specs_of_the_companions() -> None:
    asked = replace(ask("8.6", driver="580.95.05"), vision=False, audio=True)
    found = resolve(catalog_of(packages=[package("2.13.0", "12.9", NEWEST)]), asked).conda
    assert found is not None
    assert found.specs[-2:] == ("cuda-version=12.9", "torchaudio")


@pytest.mark.parametrize(
    ("capability", "bound"), [("3.7", "8.8"), ("6.1", "9.11"), ("7.5", ""), ("8.6 6.1", "9.11"), ("12.0", "")]
)
def test_the_bound_on_cudnn_is_that_of_the_oldest_gpu(capability: str, bound: str) -> None:
    wheels = [wheel("2.8.0", "cu118", "sm_37 sm_60 sm_75 sm_86 sm_120", cudnn="8.7.0.84")]
    found = resolve(catalog_of(wheels), ask(capability)).pip
    assert found is not None
    assert found.cudnn_below == bound


@pytest.mark.parametrize(
    ("capability", "options", "is_last"),
    [
        ("6.1", {}, True),
        ("7.5", {}, False),
        ("6.1", {"torch": "<2.15"}, False),  # the user's own bound, not the GPU's
        ("7.0 12.0", {}, True),
    ],
)
def test_the_last_build_for_a_gpu_is_named(capability: str, options: dict[str, str], is_last: bool) -> None:
    found = resolve(FROZEN, ask(capability, **options))  # type: ignore[arg-type] # texts
    assert ("last-build-for-gpu" in codes(found)) is is_last


def test_the_last_build_for_several_gpus_names_what_ends() -> None:
    assert "PyTorch release with wheels for GPU 6.1" in text_of(resolve(FROZEN, ask("6.1")), "last-build-for-gpu")
    together = text_of(resolve(FROZEN, ask("7.0 12.0", driver="580.95.05")), "last-build-for-gpu")
    assert together == "2.8.0 is the last PyTorch release with a wheel that serves all of GPU 7.0, GPU 12.0"
    for asked in (ask("6.1"), ask("7.0 12.0", driver="580.95.05")):
        assert {n.package_set for n in resolve(FROZEN, asked).notices if n.code.startswith("last")} == {PackageSet.PIP}


@pytest.mark.parametrize(
    ("capability", "first", "newer", "is_last"),
    [
        pytest.param(
            "12.0",
            wheel("2.8.0", "cu128", NEWEST),
            wheel("2.14.1", "cu118", "sm_90 compute_90", cudnn="9.1.0.70"),
            True,
            id="cudnn-of-cuda-11-is-not-known-to-serve-blackwell",
        ),
        pytest.param(
            "9.0",
            wheel("2.8.0", "cu128", NEWEST),
            wheel("2.14.1", "cu118", "sm_86 compute_37", cudnn="8.7.0.84"),
            False,
            id="cudnn-8.7-and-cuda-11.8-know-hopper",
        ),
        pytest.param(
            "7.0",
            wheel("2.8.0", "cu128", "sm_70"),
            wheel("2.14.1", "cu126", "sm_70", cudnn="9.11.0.98"),
            True,
            id="cudnn-9.11-dropped-volta",
        ),
        pytest.param(
            "7.0",
            wheel("2.8.0", "cu128", "sm_70"),
            wheel("2.14.1", "cu126", "sm_70", existence="uncertain", pythons_seen=""),
            False,
            id="what-nobody-confirms-is-no-newer-release",
        ),
    ],
)
def test_a_newer_release_counts_when_its_libraries_serve_the_gpu(
    capability: str, first: Row, newer: Row, is_last: bool
) -> None:
    other = {**newer, "pythons": "3.13", "pythons_seen": newer["pythons_seen"] and "3.13"}
    rows = catalog_of([first, other])
    found = resolve(rows, ask(capability, driver="580.95.05"))
    assert found.pip is not None
    assert found.pip.build.torch == "2.8.0"
    assert ("last-build-for-gpu" in codes(found)) is is_last


@pytest.mark.parametrize(
    ("capability", "subdir", "driver", "noticed", "way_out"),
    [
        ("7.5", "linux-64", "580.95.05", True, True),
        ("8.6", "linux-64", "580.95.05", False, False),
        ("7.5", "linux-64", "550.54.15", False, False),
        # The Arm wheels have no code for 7.5 at all, so nothing is said of their MAGMA.
        ("7.5", "linux-aarch64", "580.95.05", False, False),
    ],
)
def test_magma_for_turing(capability: str, subdir: str, driver: str, noticed: bool, way_out: bool) -> None:
    wheels = [
        wheel("2.14.1", "cu126", NEWEST, subdir=subdir),
        wheel("2.14.1", "cu130", NEWEST, subdir=subdir, on_pypi="yes"),
    ]
    found = resolve(catalog_of(wheels), ask(capability, subdir, driver))
    assert ("magma-no-sm75" in codes(found)) is noticed
    assert all(notice.package_set == "pip" for notice in found.notices if notice.code == "magma-no-sm75")
    if noticed:
        assert text_of(found, "magma-no-sm75").endswith("; --cuda cu126 avoids it") is way_out
        narrowed = resolve(catalog_of(wheels), ask(capability, subdir, driver, torch=">2"))
        assert not text_of(narrowed, "magma-no-sm75").endswith("avoids it")


@pytest.mark.parametrize(
    ("driver", "code"),
    [(None, "driver-assumed"), ("580", "driver-branch-only"), ("580.95.05", ""), ("581.57", "wsl-driver")],
)
def test_what_is_said_of_the_driver(driver: str | None, code: str) -> None:
    found = [text for text in codes(resolve(FROZEN, ask("8.6", driver=driver))) if "driver" in text]
    assert found == ([code] if code else [])


def test_what_is_said_of_ptx_and_of_what_is_not_proven() -> None:
    wheels = [wheel("2.7.1", "cu118", "sm_90 compute_37", cudnn="9.1.0.70")]
    packages = [package("2.7.1", "12.6", "sm_90 compute_90", cudnn="9.5.1")]
    asked = ask("12.0", driver="580.95.05", torch="==2.7.1", cuda="cu118")
    found = resolve(catalog_of(wheels, packages), replace(asked, cuda=""))
    assert found.pip is None
    assert {"ptx-compiled-at-first-use", "cudnn-forward-compatibility", "no-pip-pairing"} <= set(codes(found))
    assert {n.package_set for n in found.notices if n.code != "driver-branch-only"} == {PackageSet.CONDA}
    exact = resolve(catalog_of(wheels, packages), asked)
    assert exact.pip is not None
    assert "is not known to serve a GPU of that major" in text_of(exact, "unproven")


def test_nothing_proven_runs() -> None:
    wheels = [wheel("2.7.1", "cu118", "sm_90 compute_37", cudnn="9.1.0.70")]
    error = NoBuildError(resolve(catalog_of(wheels), ask("12.0", driver="580.95.05")))
    assert error.headline().startswith("no PyTorch build is proven to run on GPU 12.0")
    assert error.hint() == (
        "ask for torch 2.7.1 (--torch ==2.7.1) and ask for CUDA 11.8 (--cuda cu118) "
        "to have torch 2.7.1+cu118 from pip written all the same"
    )


def test_an_error_names_the_smallest_change_first_and_what_the_newest_build_needs() -> None:
    error = NoBuildError(resolve(FROZEN, ask("8.6", driver="440.33.01")))
    assert error.hint() == (
        "update the driver to 455 or newer: then torch 2.7.1+cu118 from pip runs; "
        "update the driver to 580.65.06 or newer: torch 2.15.0+cu132 from pip"
    )
    none = NoBuildError(resolve(catalog_of([wheel("2.8.0", "cu128", "sm_90")]), ask("8.6")))
    assert none.hint() == "no option changes that; `envgen why-not RELEASE+TAG` gives the reason for one build"


def test_a_compiler_that_does_not_know_the_gpu_is_named(builds: Catalog) -> None:
    """NVRTC of CUDA 12.8 knows no 10.3 (its wheel on PyPI); a user's report: pytorch 2.11.0+cu128 on GB10."""
    tables = {name: FROZEN.rows(name) for name in TABLES}
    tables["library_code"] = builds.rows("library_code")
    tables["torch_builds"] = [wheel("2.8.0", "cu128", NEWEST), wheel("2.8.0", "cu129", NEWEST)]
    tables["capabilities"] = builds.rows("capabilities")
    for tag, noticed in (("cu128", True), ("cu129", False)):
        found = resolve(Catalog(tables), ask("10.3", driver="580.95.05", cuda=tag))
        assert found.pairing(PackageSet.PIP) is not None
        assert ("nvrtc-unknown-gpu" in codes(found)) is noticed


@pytest.mark.parametrize(
    ("capability", "subdir", "noticed"),
    [("6.1", "linux-64", True), ("7.5", "linux-64", False), ("8.6", "win-64", True)],
)
def test_where_torch_compile_does_not_work(builds: Catalog, capability: str, subdir: str, noticed: bool) -> None:
    """Inductor refuses below 7.0, and the Windows wheels bring no Triton (torch 2.8.0's files)."""
    found = resolve(builds, ask(capability, subdir, torch="==2.8.0"))
    assert found.pip is not None
    assert ("no-torch-compile" in codes(found)) is noticed


@pytest.mark.parametrize(
    ("capability", "torch", "code"),
    [
        pytest.param("5.2", "==2.14.1", "nccl-no-code", id="nccl-2.29.3-starts-at-6.0"),
        pytest.param("5.0", "==2.13.0", "nccl-no-code", id="2.13.0-pins-the-same"),
        pytest.param("6.1", "==2.14.1", "", id="pascal-has-code"),
        pytest.param("5.2", "==2.7.1", "", id="2.26.2-has-5.0"),
        pytest.param("12.0", "==2.7.1", "nccl-compiled-at-first-use", id="2.26.2-ends-at-9.0-and-has-ptx"),
        pytest.param("12.0", "==2.8.0", "", id="2.27.3-has-12.0"),
    ],
)
def test_what_nccl_has_no_code_for(builds: Catalog, capability: str, torch: str, code: str) -> None:
    """The code in NVIDIA's wheels (nvidia-nccl-cu12 on PyPI) of the NCCL that torch's metadata pins."""
    found = resolve(builds, ask(capability, driver="580.95.05", torch=torch))
    assert found.pip is not None
    assert [one for one in sorted(codes(found)) if one.startswith("nccl")] == ([code] if code else [])


def test_nccl_of_a_build_for_arm_servers_serves_an_orin_from_cuda_13_2_on(builds: Catalog) -> None:
    """NCCL 2.30.7 has sm_80, which runs on 8.7 by torch's own table for CUDA 13.2."""
    found = resolve(builds, ask("8.7", "linux-aarch64", driver="595.78", glibc="2.39", torch="==2.15.0"))
    assert found.pip is not None
    assert found.pip.build.libraries["nccl"] == "2.30.7"
    assert not [one for one in codes(found) if one.startswith("nccl")]


def test_a_build_whose_cublas_has_no_code_for_the_gpu_is_refused(builds: Catalog) -> None:
    """nvidia-cublas-cu12 12.8.4.1 starts at 5.0, and has PTX of 12.0 only; torch's own list is not asked."""
    tables = {name: FROZEN.rows(name) for name in TABLES}
    tables |= {name: builds.rows(name) for name in ("library_code", "capabilities")}
    pins = "cublas=12.8.4.1 nccl=2.27.3"
    for arch_list, capability, is_refused in (("sm_37", "3.7", True), ("sm_50", "5.0", False), ("sm_86", "8.9", False)):
        tables["torch_builds"] = [wheel("2.8.0", "cu128", arch_list, cudnn="8.7.0.84", libraries=pins)]
        found = resolve(Catalog(tables), ask(capability, driver="570.124.06"))
        rejected = {rejection.code for rejection in found.rejected}
        assert (RejectionCode.NO_LIBRARY_CODE in rejected) is is_refused


@pytest.mark.parametrize(
    ("driver", "cuda", "is_full"),
    [("595.71", "13.2.2", True), ("592.82", "13.2.2", False), ("610.47", "13.3.1", True), ("591.44", "13.1.0", True)],
)
def test_windows_drivers_since_cuda_13_1_count_by_branch(
    builds: Catalog, driver: str, cuda: str, is_full: bool
) -> None:
    """NVIDIA, release notes of CUDA 13.4 Update 1, 2.2: 13.1 is R590, 13.2 R595, 13.3 R610; no number for Windows."""
    rules = DriverRules(driver=DriverVersion.parse(driver), subdir=Subdir.WIN_64, builds=builds)
    assert rules.toolkit_minimum(cuda) is None
    assert rules.fully_serves(cuda) is is_full
