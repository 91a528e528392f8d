"""One table for each rule, on frozen rows: what a build needs, and what is said when it lacks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.gpus import Gpu
from envgen.core.libraries import LibraryCode
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog, Row
from envgen.resolve import resolve
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import blocking_failures, failures, runs
from envgen.resolve.rules.cuda_libraries import compiles, lacks
from envgen.resolve.rules.libraries import dropped_by, runs_forward
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def only(rows: Catalog, package_set: PackageSet = PackageSet.PIP) -> Build:
    """The one build of a catalog."""
    (build,) = (
        build for subdir in ("linux-64", "win-64", "linux-aarch64") for build in _builds(rows, package_set, subdir)
    )
    return build


def _builds(rows: Catalog, package_set: PackageSet, subdir: str) -> tuple[Build, ...]:
    return rows.builds(package_set, ask("7.5", subdir).subdir)


def found(build: Build, request: Request, rows: Catalog) -> list[tuple[str, dict[str, str]]]:
    """Code and first change of everything that speaks against a build."""
    against = list(failures(build, Evaluation.of(request, rows)))
    assert all(build.label in failure.message for failure in against)
    return [(f.code.value, f.changes[0].options() if f.changes else {}) for f in against]


def of_wheel(row: Row, request: Request) -> list[tuple[str, dict[str, str]]]:
    rows = catalog_of([row])
    return found(only(rows), request, rows)


@pytest.mark.parametrize(
    ("row", "request_", "expected"),
    [
        pytest.param(wheel("2.8.0", "cu128", NEWEST), ask("8.6"), [], id="a-file-that-was-seen"),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, existence="uncertain", pythons_seen=""),
            ask("8.6"),
            [("existence-uncertain", {})],
            id="uncertain-is-never-chosen",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, existence="uncertain", pythons_seen="3.12"),
            ask("8.6", python="3.11"),
            [("existence-uncertain", {})],
            id="uncertain-for-a-python-that-was-not-seen",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, existence="uncertain", pythons="3.11 3.12 3.13", pythons_seen="3.12"),
            ask("8.6", python="3.14"),
            [("no-file", {"python": "3.12"})],
            id="of-an-uncertain-build-only-what-was-seen-is-named",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, existence="uncertain", pythons="3.11", pythons_seen=""),
            ask("8.6", python="3.14"),
            [("existence-uncertain", {}), ("no-file", {})],
            id="of-an-uncertain-build-nothing-is",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, pythons="3.9 3.11 3.13 3.13t"),
            ask("8.6", python="3.12"),
            [("no-file", {"python": "3.11"})],
            id="the-newest-python-below-is-nearest",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, pythons="3.13 3.14"),
            ask("8.6", python="3.12"),
            [("no-file", {"python": "3.13"})],
            id="else-the-oldest-above",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST),
            ask("8.6", glibc="2.17"),
            [("glibc-too-old", {"glibc": "2.28"})],
            id="glibc-of-the-wheel-tag",
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, glibc="2.28"), ask("8.6", glibc="2.28"), [], id="glibc-that-is-equal"
        ),
        pytest.param(
            wheel("2.8.0", "cu128", NEWEST, subdir="win-64", glibc=""),
            ask("8.6", "win-64", glibc="2.5"),
            [],
            id="no-glibc-on-windows",
        ),
    ],
)
def test_a_file(row: Row, request_: Request, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert of_wheel(row, request_) == expected


def test_what_is_said_of_a_file() -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", NEWEST, pythons="3.9 3.11 3.11t")])
    (failure,) = failures(only(rows), Evaluation.of(ask("8.6"), rows))
    assert failure.message == "torch 2.8.0+cu128 has no linux-64 build for Python 3.12; it has 3.9, 3.11"
    none = catalog_of([wheel("2.8.0", "cu128", NEWEST, pythons="3.11t")])
    (failure,) = failures(only(none), Evaluation.of(ask("8.6"), none))
    assert failure.message == "torch 2.8.0+cu128 has no linux-64 build for Python 3.12"


@pytest.mark.parametrize(
    ("capability", "arch_list", "code"),
    [
        ("8.6", "sm_80 sm_90", "sm_80"),
        ("8.6", "sm_80 sm_86 sm_89", "sm_86"),
        ("8.0", "sm_86 sm_90", None),
        ("9.0", "sm_80 sm_86 compute_86", "compute_86"),
        ("8.6", "sm_80 compute_86", "sm_80"),
        ("8.6", "sm_90 compute_90", None),
        ("12.0", "sm_100 sm_90", None),
        # Family-specific code (suffix f): from its minor up, not below (CUDA programming guide, section 5.1).
        ("10.0", "sm_103f", None),
        ("10.3", "sm_100f", "sm_100f"),
        ("12.0", "sm_100f", None),
        ("10.3", "sm_100a", None),
        ("10.0", "sm_100a", "sm_100a"),
        ("10.3", "compute_100f", "compute_100f"),
        ("12.0", "compute_100f", None),
        ("12.0", "compute_100a", None),
    ],
)
def test_code(capability: str, arch_list: str, code: str | None) -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", arch_list)])
    request = ask(capability)
    used = Evaluation.of(request, rows).coverage(only(rows)).codes
    assert [str(one) if one else None for one in used] == [code]
    assert (("no-kernel-image", {}) in found(only(rows), request, rows)) is (code is None)


@pytest.mark.parametrize(
    ("tag", "runs_on_orin"),
    # torch/cuda/__init__.py of 2.15.0: DEVICE_REQUIREMENT excludes 8.7 for sm_80, its table for CUDA 13.2 doesn't.
    [("cu130", False), ("cu132", True), ("cu134", True)],
)
def test_machine_code_for_8_0_runs_on_orin_from_cuda_13_2_on(tag: str, runs_on_orin: bool) -> None:
    rows = catalog_of([wheel("2.15.0", tag, "sm_80 sm_90", subdir="linux-aarch64")])
    used = Evaluation.of(ask("8.7", "linux-aarch64"), rows).coverage(only(rows)).codes
    assert (used[0] is not None) is runs_on_orin


@pytest.mark.parametrize(
    ("capability", "cudnn", "served"),
    [
        ("3.7", "8.7.0.84", True),
        ("3.7", "8.8.0", False),
        ("3.7", "9.1.0.70", False),
        ("5.0", "8.8.0", True),
        ("5.0", "9.10.2.21", True),
        ("7.0", "9.11.0.98", False),
        ("7.0", "9.10.9", True),
        ("7.5", "9.11.0.98", True),
        ("7.0", "", True),
        ("7.0", "9", True),
    ],
)
def test_cudnn_drops_old_gpus(capability: str, cudnn: str, served: bool) -> None:
    arch_list = "sm_37 sm_50 sm_60 sm_70 sm_75"
    row = wheel("2.8.0", "cu126", arch_list, cudnn=cudnn)
    driver = "470.256.02" if capability == "3.7" else None
    codes = {code for code, _ in of_wheel(row, ask(capability, driver=driver))}
    assert ("cudnn-unsupported" in codes) is not served


@pytest.mark.parametrize(
    ("capability", "tag", "cudnn", "arch_list", "proven"),
    [
        pytest.param("12.0", "cu118", "9.1.0.70", "sm_90 compute_37", False, id="cudnn-9-of-cuda-11-ends-with-hopper"),
        pytest.param("12.0", "cu118", "8.7.0.84", "sm_90 compute_37", False, id="cudnn-8-knows-no-blackwell"),
        pytest.param("12.0", "cu121", "8.9.2.26", "sm_90 compute_90", False, id="cudnn-8-of-cuda-12-neither"),
        pytest.param("12.0", "cu126", "9.5.1.17", "sm_90 compute_90", True, id="cudnn-9-of-cuda-12-runs-forward"),
        pytest.param("12.0", "cu126", "", "sm_90 compute_90", False, id="a-cudnn-that-no-source-states-is-unknown"),
        pytest.param("12.0", "cu128", "", "sm_120", True, id="machine-code-of-torch-proves-its-libraries"),
        pytest.param("9.0", "cu117", "8.5.0", "sm_86 compute_37", False, id="cudnn-8.5-knows-no-hopper"),
        pytest.param("9.0", "cu118", "8.7.0.84", "sm_86 compute_37", True, id="cudnn-8.7-knows-hopper"),
        pytest.param("9.0", "cu117", "8.7.0.84", "sm_86 compute_37", False, id="but-not-with-a-toolkit-before-11.8"),
        pytest.param("8.9", "cu117", "8.5.0", "sm_86 compute_37", True, id="a-newer-minor-of-a-known-major"),
        pytest.param("8.9", "cu117", "8.5.0", "compute_86", True, id="ptx-of-the-same-major"),
        pytest.param("8.9", "cu117", "", "compute_86", True, id="stated-or-not"),
        pytest.param("11.0", "cu128", "", "sm_101", True, id="machine-code-of-the-chip-under-its-older-number"),
        pytest.param("8.0", "cu102", "7.6.5", "sm_75 compute_75", False, id="cudnn-7-ends-with-turing"),
    ],
)
def test_a_newer_generation_has_to_be_proven(
    capability: str, tag: str, cudnn: str, arch_list: str, proven: bool
) -> None:
    row = wheel("2.8.0", tag, arch_list, cudnn=cudnn)
    assert (("unproven", {"torch": "==2.8.0", "cuda": tag}) in of_wheel(row, ask(capability))) is not proven
    exact = ask(capability, torch="== 2.8.0", cuda=tag)
    assert "unproven" not in {code for code, _ in of_wheel(row, exact)}
    for loose in (
        ask(capability, torch="==2.8.*", cuda=tag),
        ask(capability, torch="==2.8.0"),
        ask(capability, cuda=tag),
    ):
        assert ("unproven" in {code for code, _ in of_wheel(row, loose)}) is not proven


def test_the_bounds_of_cudnn_are_those_of_its_files(builds: Catalog) -> None:
    """`library_code.csv` was read from the wheels on PyPI: which capabilities a release has machine code for."""
    rows = [row for row in builds.library_code.values() if row.library == "cudnn"]
    assert len(rows) > 10
    for row in rows:
        machine = [code.capability for code in row.codes if code.kind is CodeKind.SASS]
        for capability in builds.support:  # 3.5 is the oldest that any build of torch here has code for
            kept = dropped_by(row.version, capability) is None
            assert kept is (capability >= min(machine)) or capability < (3, 5), (row.version, capability)
        cuda = {11: "11.8", 12: "12.9", 13: "13.0"}[row.cuda_major]
        frozen = catalog_of([wheel("2.8.0", "cu128", "compute_50", cudnn=row.version, toolkit=cuda)])
        for major in {capability.major for capability in builds.support if capability >= min(machine)}:
            newest = Gpu(name="a GPU", capability=ComputeCapability(major, 0), architecture="")
            is_native = major <= max(capability.major for capability in machine)
            assert runs_forward(only(frozen), newest) is not is_native, (row.version, major)


@pytest.mark.parametrize(
    ("cudnn", "cuda", "capability", "forward"),
    [
        ("9.7", "12.8", "12.0", False),
        ("9.6.0", "12.6", "12.0", True),
        ("9.6.0", "12.6", "9.0", False),
        ("8.7", "11.8", "9.0", False),
        ("9.7.0", "11.8", "10.0", True),
        ("9", "12.8", "12.0", False),  # conda's packages state the major alone: its solver takes the newest
        ("", "12.8", "12.0", False),
        ("6.0", "10.2", "7.0", True),
    ],
)
def test_where_cudnn_compiles_its_own_code(cudnn: str, cuda: str, capability: str, forward: bool) -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", "compute_50", cudnn=cudnn, toolkit=cuda)])
    gpu = Gpu(name="a GPU", capability=ComputeCapability.parse(capability), architecture="")
    assert runs_forward(only(rows), gpu) is forward


@pytest.mark.parametrize(("cuda", "compiled"), [("13.0", True), ("13.2", False)])
def test_machine_code_of_a_library_runs_on_orin_from_cuda_13_2_on(cuda: str, compiled: bool) -> None:
    """As torch's own: below, an Orin runs PTX of 8.0, which the driver compiles."""
    codes = (ArchCode.parse("sm_80"), ArchCode.parse("compute_80"))
    nccl = LibraryCode(library="nccl", cuda_major=13, version="2.30.7", subdir=Subdir.LINUX_AARCH64, codes=codes)
    orin = Gpu(name="a module", capability=ComputeCapability(8, 7), architecture="")
    assert compiles(nccl, orin, cuda) is compiled
    assert not lacks(nccl, orin, cuda)
    assert lacks(replace(nccl, codes=codes[:1]), orin, cuda) is compiled


@pytest.mark.parametrize(
    ("capability", "subdir", "driver", "expected"),
    [
        ("6.1", "linux-64", "580.178.04", None),
        ("6.1", "linux-64", "595.71.05", ("driver-dropped-gpu", {"driver": "580.178.04"})),
        ("6.1", "linux-64", "581.0", None),  # a number of Windows, as WSL shows it: R580
        ("6.1", "win-64", "582.78", None),
        ("6.1", "win-64", "591.10", ("driver-dropped-gpu", {"driver": "582.78"})),
        ("12.0", "linux-64", "570", None),
        ("12.0", "linux-64", "565.57.01", ("driver-predates-gpu", {"driver": "570"})),
        ("12.0", "win-64", "566.36", ("driver-predates-gpu", {"driver": "572"})),
        ("8.6 12.0", "linux-64", "560.35.05", ("driver-predates-gpu", {"driver": "570"})),
    ],
)
def test_a_driver_serves_the_gpu(
    capability: str, subdir: str, driver: str, expected: tuple[str, dict[str, str]] | None
) -> None:
    arch_list = f"sm_60 {NEWEST}"
    row = wheel("2.8.0", "cu126", arch_list, subdir=subdir, glibc="" if subdir == "win-64" else "2.28")
    assert of_wheel(row, ask(capability, subdir, driver)) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("tag", "toolkit", "subdir", "driver", "floor"),
    [
        # SASS: the floor of the CUDA major (minor-version compatibility).
        ("cu118", "11.8.0", "linux-64", "450.80.02", None),
        ("cu118", "11.8.0", "linux-64", "450.66", "450.80.02"),
        ("cu118", "11.8.0", "win-64", "452.39", None),
        ("cu118", "11.8.0", "win-64", "452.38", "452.39"),
        ("cu128", "12.8.1", "linux-64", "525.60.13", None),
        ("cu128", "12.8.1", "linux-64", "525.60.12", "525.60.13"),
        ("cu128", "12.8.1", "win-64", "527.41", "528.33"),
        ("cu128", "12.8.1", "linux-64", "525", None),
        ("cu128", "12.8.1", "linux-64", "470", "525.60.13"),
        ("cu132", "13.2.2", "linux-64", "580.65.06", None),
        ("cu132", "13.2.2", "win-64", "580.80", "580.88"),
        # A driver whose own CUDA is at or above the toolkit's serves it, below the floor of the major too.
        ("cu130", "13.0.2", "win-64", "580.80", None),
        ("cu110", "", "linux-64", "450.66", None),
        # Before CUDA 11 the toolkit's own minimum counts.
        ("cu102", "10.2.89", "linux-64", "440.33.01", None),
        ("cu102", "10.2.89", "linux-64", "418.39", "440.33"),
    ],
)
def test_a_driver_floor_for_machine_code(tag: str, toolkit: str, subdir: str, driver: str, floor: str | None) -> None:
    row = wheel("2.8.0", tag, "sm_75", subdir=subdir, toolkit=toolkit, glibc="", cudnn="")
    expected = [("driver-too-old", {"driver": floor})] if floor else []
    assert of_wheel(row, ask("7.5", subdir, driver)) == expected


@pytest.mark.parametrize(
    ("toolkit", "driver", "floor"),
    [
        # PTX: the toolkit's own driver, or one that reports its CUDA; the floor of the major is not enough.
        ("12.6.3", "560.35.05", None),
        ("12.6.3", "560", None),
        ("12.6.3", "550.163.01", "560.35.05"),
        ("12.6.3", "525.60.13", "560.35.05"),
        # Of a bare X.Y the newest release whose minimum is stated.
        ("12.6", "550.163.01", "560.35.05"),
        ("12.8", "565.57.01", "570.124.06"),
        # No minimum is stated for 13.4.3, and no branch reports 13.4.
        ("13.4.3", "610.43.02", ""),
    ],
)
def test_a_driver_floor_for_ptx(toolkit: str, driver: str, floor: str | None) -> None:
    tag = "cu" + "".join(toolkit.split(".")[:2])
    row = wheel("2.8.0", tag, "compute_75", toolkit=toolkit)
    expected = [] if floor is None else [("driver-too-old", {"driver": floor} if floor else {})]
    assert of_wheel(row, ask("8.6", driver=driver)) == expected


@pytest.mark.parametrize(
    ("python", "vision", "expected"),
    [
        ("3.12", True, []),
        ("3.13", True, [("no-torchvision", {"no-vision": "true"})]),
        ("3.13", False, []),
    ],
)
def test_companions(python: str, vision: bool, expected: list[tuple[str, dict[str, str]]]) -> None:
    """torchvision 0.20.1 has no wheel for Python 3.13 (PyPI)."""
    row = wheel("2.5.1", "cu124", NEWEST)
    assert of_wheel(row, ask("8.6", python=python, vision=vision)) == expected


def test_a_release_without_a_torchvision() -> None:
    assert of_wheel(wheel("2.9.0", "cu128", NEWEST), ask("8.6")) == [("no-torchvision", {"no-vision": "true"})]


def test_conda_finds_its_own_torchvision() -> None:
    rows = catalog_of(packages=[package("2.9.0", "12.9", NEWEST)])
    assert found(only(rows, PackageSet.CONDA), ask("8.6"), rows) == []


@pytest.mark.parametrize(
    ("torch", "cuda", "expected"),
    [
        ("==2.8.*", "cu128", []),
        ("<2.8", "", [("torch-excluded", {"torch": "==2.8.0"})]),
        ("", "cu126", [("cuda-excluded", {"cuda": "cu128"})]),
        ("<2.8", "cu126", [("torch-excluded", {"torch": "==2.8.0"}), ("cuda-excluded", {"cuda": "cu128"})]),
    ],
)
def test_options(torch: str, cuda: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert of_wheel(wheel("2.8.0", "cu128", NEWEST), ask("8.6", torch=torch, cuda=cuda)) == expected


@pytest.mark.parametrize(
    ("capability", "only_subdir", "subdir", "expected"),
    [
        pytest.param("9.0", Subdir.LINUX_AARCH64, "linux-64", [("gpu-not-on-platform", {})], id="a-gh200-on-x86"),
        pytest.param("9.0", Subdir.LINUX_64, "linux-64", [], id="where-it-exists"),
        pytest.param("9.0", None, "linux-64", [], id="an-h200-anywhere"),
        pytest.param("11.0", None, "linux-64", [("gpu-not-on-platform", {})], id="a-jetson-on-x86"),
    ],
)
def test_a_part_with_an_arm_processor_is_on_arm_alone(
    capability: str, only_subdir: Subdir | None, subdir: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    request = ask(capability, subdir)
    (requested,) = request.gpus
    named = replace(request, gpus=(replace(requested, gpu=replace(requested.gpu, only_subdir=only_subdir)),))
    rows = catalog_of([wheel("2.14.1", "cu130", f"{NEWEST} sm_110")])
    rejected = [(r.code.value, r.unlock) for r in resolve(rows, named).rejected]
    assert rejected == expected
    texts = [rejection.text for rejection in resolve(rows, named).rejected]
    assert all(
        f"GPU {capability} (compute capability {capability}) is part of a linux-aarch64" in text for text in texts
    )


def test_the_platform_of_a_part_is_named_where_the_build_runs_there() -> None:
    request = ask("9.0", "linux-64")
    (requested,) = request.gpus
    gpu = replace(requested.gpu, only_subdir=Subdir.LINUX_AARCH64)
    both = [wheel("2.14.1", "cu130", NEWEST, subdir=subdir) for subdir in ("linux-64", "linux-aarch64")]
    (rejection,) = resolve(catalog_of(both), replace(request, gpus=(replace(requested, gpu=gpu),))).rejected
    assert rejection.unlock == {"platform": "linux-aarch64"}


def test_the_most_fundamental_failure_comes_first() -> None:
    """Jetson, code, driver of the GPU, file, driver of the build, companions, options."""
    row = wheel("2.9.0", "cu130", NEWEST, pythons="3.12", glibc="2.28")
    request = ask("8.6", driver="450.80.02", python="3.13", glibc="2.17", torch="<2", cuda="cu126")
    assert [code for code, _ in of_wheel(row, request)] == [
        "driver-predates-gpu",
        "no-file",
        "glibc-too-old",
        "driver-too-old",
        "no-torchvision",
        "torch-excluded",
        "cuda-excluded",
    ]


def test_a_failure_that_no_change_lifts_ends_the_search() -> None:
    rows = catalog_of([wheel("2.8.0", "cu130", "sm_90", pythons="3.12")])
    evaluation = Evaluation.of(ask("8.6", driver="450.80.02", python="3.13"), rows)
    assert [f.code for f in blocking_failures(only(rows), evaluation)] == [RejectionCode.NO_KERNEL_IMAGE]
    assert len(list(failures(only(rows), evaluation))) > 1


@pytest.mark.parametrize("capability", ["3.7", "6.1", "7.5", "8.7", "9.0", "12.0", "3.7 12.0"])
def test_every_failure_is_a_sentence_that_names_its_build(capability: str) -> None:
    for subdir in ("linux-64", "linux-aarch64"):
        evaluation = Evaluation.of(ask(capability, subdir, python="3.10", glibc="2.12", torch="<2.7"), FROZEN)
        for package_set in PackageSet:
            for build in FROZEN.builds(package_set, Subdir.LINUX_64):
                against = list(failures(build, evaluation))
                assert all(build.label in failure.message for failure in against)
                assert runs(build, evaluation) == (not against)


@pytest.mark.parametrize(
    ("torch", "capability", "runs"),
    [
        pytest.param("2.9.1", "7.0", False, id="may-have-9.11-which-starts-at-7.5"),
        pytest.param("2.9.1", "7.5", True, id="9.11-serves-turing"),
        pytest.param("2.7.1", "7.0", True, id="9.11-is-newer-than-it"),
        pytest.param("2.0.0", "3.7", False, id="may-have-8.8-which-starts-at-5.0"),
        pytest.param("1.13.1", "3.7", True, id="8.8-is-newer-than-it"),
    ],
)
def test_a_cudnn_that_no_source_states_is_not_taken_for_one_that_serves(
    torch: str, capability: str, runs: bool
) -> None:
    """cuDNN 8.8 is of February 2023 and 9.11 of July 2025 (PyPI); torch 2.0.0 of March 2023, 2.8.0 of August 2025."""
    rows = catalog_of([wheel(torch, "cu118", "sm_37 sm_70 sm_75", cudnn="", toolkit="11.8.0")])
    asked = ask(capability, driver="470.256.02", vision=False)
    assert (resolve(rows, asked).pip is not None) is runs
    exact = replace(asked, torch=f"=={torch}", cuda="cu118")
    found = resolve(rows, exact)
    assert found.pip is not None  # asked for by name it is written, with the warning
    assert ("unproven" in {notice.code for notice in found.notices}) is not runs
