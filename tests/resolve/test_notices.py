"""What a run would meet later, on frozen rows: whom each notice is for, and whom it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.request import Machine, Request
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog, Row
from envgen.resolve import resolve
from equipment.requests import ask
from resolve.catalog import FROZEN, catalog_of, package, wheel

NEWEST = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def said(catalog: Catalog, request: Request, code: str) -> list[str]:
    """The texts of a notice."""
    return [notice.text for notice in resolve(catalog, request).notices if notice.code == code]


@pytest.mark.parametrize(
    ("driver", "code", "words"),
    [
        pytest.param(
            "580", "driver-branch-only", "--driver 580 is a branch", id="a-bare-branch-that-both-systems-have"
        ),
        pytest.param("581", "wsl-driver", "it is taken as R580", id="a-bare-number-of-windows"),
        pytest.param("580.88", "wsl-driver", "it is taken as R580", id="a-release"),
    ],
)
def test_how_a_number_was_read_in_wsl(driver: str, code: str, words: str) -> None:
    found = resolve(FROZEN, replace(ask("8.6", driver=driver), wsl=True))
    (notice,) = (notice for notice in found.notices if "driver" in notice.code)
    assert (notice.code, words in notice.text) == (code, True)


@pytest.mark.parametrize(
    ("capability", "drivers", "expected"),
    [
        # NVIDIA: R570 is the first branch for Blackwell; CUDA 12 needs 525.60.13.
        ("6.1 12.0", ("550.54.15", "580.95.05"), ["525.60.13 with GPU 6.1; 570 with GPU 12.0"]),
        ("6.1 7.5", ("550.54.15", "580.95.05"), []),
    ],
)
def test_the_floor_of_each_machine_is_said_of_both_sets(
    capability: str, drivers: tuple[str, ...], expected: list[str]
) -> None:
    asked = ask(capability, driver=drivers[0])
    machines = tuple(
        Machine(gpus=(gpu,), driver=DriverVersion.parse(driver))
        for gpu, driver in zip(asked.gpus, drivers, strict=True)
    )
    arch_list = f"sm_60 {NEWEST}"
    rows = catalog_of([wheel("2.8.0", "cu128", arch_list)], [package("2.13.0", "12.9", arch_list)])
    found = resolve(rows, replace(asked, machines=machines))
    floors = {n.package_set: n.text.partition(" is ")[2] for n in found.notices if n.code == "driver-floors"}
    assert list(floors.values()) == expected * 2


@pytest.mark.parametrize(
    ("wheels", "packages", "request_", "code", "package_set", "words"),
    [
        pytest.param(
            [wheel("2.8.0", "cu128", NEWEST)],
            [],
            replace(ask("8.6", python="3.14"), audio=True),
            "no-torchaudio",
            PackageSet.PIP,
            "torch 2.8.0 and Python 3.14",
            id="torchaudio-2.8.0-has-no-wheel-for-3.14",
        ),
        pytest.param(
            [wheel("2.8.0", "cu128", NEWEST)],
            [],
            ask("8.6"),
            "no-conda-pairing",
            PackageSet.PIP,
            "no conda build",
            id="only-the-files-of-pip-can-say-it",
        ),
        pytest.param(
            [],
            [package("2.13.0", "12.9", NEWEST)],
            ask("8.6"),
            "no-pip-pairing",
            PackageSet.CONDA,
            "no pip wheel",
            id="only-those-of-conda",
        ),
        pytest.param(
            [],
            [package("2.13.0", "12.9", NEWEST, pythons_seen="", source="one ; its recipe")],
            ask("8.6"),
            "conda-build-announced",
            PackageSet.CONDA,
            "Python 3.12 has been seen; its recipe announces it (its recipe)",
            id="announced",
        ),
        pytest.param(
            [],
            [package("2.13.0", "12.9", "compute_80")],
            ask("8.6"),
            "ptx-compiled-at-first-use",
            PackageSet.CONDA,
            "the conda build runs from PTX on GPU 8.6",
            id="ptx",
        ),
    ],
)
def test_a_notice_is_of_the_set_that_it_is_about(
    wheels: list[Row], packages: list[Row], request_: Request, code: str, package_set: PackageSet, words: str
) -> None:
    found = resolve(catalog_of(wheels, packages), request_)
    (notice,) = (notice for notice in found.notices if notice.code == code)
    assert (notice.package_set, words in notice.text) == (package_set, True)


def test_wheels_of_nvidia_are_named_only_where_no_wheel_runs_on_the_jetson() -> None:
    thor = ask("11.0", "linux-aarch64", "580.00", glibc="2.39")
    for arch_list, is_named in (("sm_110", False), ("sm_90", True)):
        rows = catalog_of([wheel("2.15.0", "cu130", arch_list, subdir="linux-aarch64")])
        assert bool(said(rows, thor, "jetson-own-wheels")) is is_named


def test_the_last_release_for_several_gpus_that_all_end() -> None:
    rows = catalog_of([wheel("2.8.0", "cu128", "sm_60 sm_70"), wheel("2.14.1", "cu130", NEWEST)])
    (one,) = said(rows, ask("6.1"), "last-build-for-gpu")
    (two,) = said(rows, ask("6.1 7.0"), "last-build-for-gpu")
    assert "wheels for GPU 6.1: newer ones have no code for it," in one
    assert "wheels for GPU 6.1, GPU 7.0: newer ones have no code for them," in two


def test_no_way_round_magma_is_named_that_does_not_run() -> None:
    """CUDA 12.6 and cuDNN 8.9 know Turing, which runs PTX of 6.0 but no machine code of it."""
    first = wheel("2.14.1", "cu130", NEWEST, on_pypi="yes")
    for arch_list, is_named in (("sm_60 compute_60", True), ("sm_60", False)):
        rows = catalog_of([wheel("2.2.0", "cu126", arch_list, cudnn="8.9.2.26"), first])
        (text,) = said(rows, ask("7.5", driver="580.95.05"), "magma-no-sm75")
        assert text.endswith("; --cuda cu126 avoids it") is is_named


# Inductor refuses below 7.0, and torch 2.8.0's wheels for Linux alone require Triton; that 12.1 is broken is made up.
COMPILE = {
    "torch": "2.8.0",
    "triton": "3.4.0",
    "subdirs": "linux-64",
    "lowest": "7.0",
    "broken": "12.1",
    "tried": "yes",
    "source": "s",
}


@pytest.mark.parametrize(
    ("capability", "row", "end"),
    [
        pytest.param("7.0", wheel("2.8.0", "cu126", "sm_70"), None, id="the-oldest-that-it-compiles-for"),
        pytest.param("6.1", wheel("2.8.0", "cu126", "sm_60"), "does not work on GPU 6.1 (6.1)", id="an-older-one"),
        pytest.param("12.1", wheel("2.8.0", "cu128", "sm_120"), "does not work on GPU 12.1 (12.1)", id="a-broken-one"),
        pytest.param("6.1 5.0", wheel("2.8.0", "cu126", "sm_50 sm_60"), "GPU 6.1 (6.1), GPU 5.0 (5.0)", id="two"),
        pytest.param("6.1", wheel("2.7.1", "cu126", "sm_60"), None, id="a-release-that-was-not-looked-up"),
        pytest.param(
            "8.6",
            wheel("2.8.0", "cu128", NEWEST, subdir="win-64", glibc=""),
            "the wheels of torch 2.8.0 for win-64 bring none; the package triton-windows brings one",
            id="windows",
        ),
        pytest.param(
            "9.0",
            wheel("2.8.0", "cu128", NEWEST, subdir="linux-aarch64"),
            "the wheels of torch 2.8.0 for linux-aarch64 bring none",
            id="arm",
        ),
    ],
)
def test_where_torch_compile_works(capability: str, row: Row, end: str | None) -> None:
    rows = catalog_of([row]).replaced("torch_compile", [COMPILE])
    texts = said(rows, ask(capability, row["subdir"]), "no-torch-compile")
    assert [text.endswith(end or "") for text in texts] == ([True] if end else [])


def test_conda_brings_its_own_triton() -> None:
    rows = catalog_of(packages=[package("2.8.0", "12.9", "sm_60")]).replaced("torch_compile", [COMPILE])
    assert said(rows, ask("6.1"), "no-torch-compile") == []


def library(name: str, version: str, code: str, major: str = "12", subdir: str = "linux-64") -> Row:
    return {"library": name, "cuda_major": major, "version": version, "subdir": subdir, "code": code, "source": "s"}


@pytest.mark.parametrize(
    ("capability", "code", "notices"),
    [
        ("8.6", "sm_80 sm_90", ["", ""]),
        ("6.1", "sm_70 sm_90", ["NCCL 2.27.3 has no code for GPU 6.1 (6.1)", ""]),
        ("12.0", "sm_90 compute_90", ["", "NCCL 2.27.3 has no machine code for GPU 12.0 (12.0)"]),
        ("6.1 5.0", "sm_70 sm_90", ["NCCL 2.27.3 has no code for GPU 6.1 (6.1), GPU 5.0 (5.0)", ""]),
    ],
)
def test_what_nccl_has_code_for(capability: str, code: str, notices: list[str]) -> None:
    row = wheel("2.8.0", "cu128", f"sm_50 sm_60 {NEWEST}", libraries="nccl=2.27.3")
    rows = catalog_of([row]).replaced("library_code", [library("nccl", "2.27.3", code)])
    found = [said(rows, ask(capability), f"nccl-{kind}") for kind in ("no-code", "compiled-at-first-use")]
    assert [texts[0].partition(":")[0] if texts else "" for texts in found] == notices


@pytest.mark.parametrize(
    ("tag", "code", "expected"),
    [
        ("cu132", "sm_80 compute_80", []),
        ("cu132", "sm_80", []),
        ("cu132", "compute_80", ["nccl-compiled-at-first-use"]),
        ("cu130", "sm_80", ["nccl-no-code"]),
        ("cu130", "sm_80 compute_80", ["nccl-compiled-at-first-use"]),
    ],
)
def test_nccl_on_an_orin_follows_torchs_table_of_the_toolkit(tag: str, code: str, expected: list[str]) -> None:
    """Machine code for 8.0 runs on 8.7 from CUDA 13.2 on (DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION)."""
    row = wheel("2.15.0", tag, "sm_87", subdir="linux-aarch64", libraries="nccl=2.30.7")
    rows = catalog_of([row]).replaced("library_code", [library("nccl", "2.30.7", code, "13", "linux-aarch64")])
    found = resolve(rows, ask("8.7", "linux-aarch64", "595.78", glibc="2.39"))
    assert [notice.code for notice in found.notices if notice.code.startswith("nccl")] == expected


@pytest.mark.parametrize(
    ("capability", "toolkit", "expected"),
    [
        ("12.0", "12.8.1", []),
        ("10.3", "12.8.1", ["NVRTC of CUDA 12.8.1 knows no GPU 10.3 (10.3)"]),
        ("12.1 10.3", "12.8.1", ["NVRTC of CUDA 12.8.1 knows no GPU 12.1 (12.1), GPU 10.3 (10.3)"]),
        ("10.3", "12.9.1", []),
        ("10.3", "12.6.3", []),  # nothing was read of it
    ],
)
def test_what_nvrtc_compiles_for(capability: str, toolkit: str, expected: list[str]) -> None:
    """NVRTC of 12.8 knows up to 12.0, that of 12.9 10.3 as well (their wheels on PyPI)."""
    read = [
        library("nvrtc", "12.8.93", "sm_90 sm_100 sm_120"),
        library("nvrtc", "12.9.86", "sm_90 sm_100 sm_103 sm_120"),
        library("cublas", "12.6.4.1", "sm_90"),
    ]
    rows = catalog_of([wheel("2.8.0", "cu128", NEWEST, toolkit=toolkit)]).replaced("library_code", read)
    texts = said(rows, ask(capability), "nvrtc-unknown-gpu")
    assert [text.partition(":")[0] for text in texts] == expected
