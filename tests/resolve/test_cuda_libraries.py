"""The code in CUDA's libraries: which wheel that was read counts for a build, and what is refused for it."""

from __future__ import annotations

import pytest

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog, Row
from envgen.resolve import resolve
from envgen.resolve.rules.cuda_libraries import pinned
from equipment.requests import ask
from resolve.catalog import catalog_of, wheel

PINS = "cublas=13.2.0.9 nccl=2.30.7"


def read(code: str, subdir: str = "linux-64", **cells: str) -> Row:
    """A wheel of cuBLAS, as it was read."""
    row = {
        "library": "cublas",
        "cuda_major": "13",
        "version": "13.2.0.9",
        "subdir": subdir,
        "code": code,
        "source": "s",
    }
    return row | cells


def catalog(*rows: Row, subdir: str = "linux-64", arch_list: str = "sm_86 sm_87", pins: str = PINS) -> Catalog:
    glibc = "" if subdir == "win-64" else "2.28"
    build = wheel("2.15.0", "cu132", arch_list, subdir=subdir, libraries=pins, glibc=glibc)
    return catalog_of([build]).replaced("library_code", rows)


@pytest.mark.parametrize(
    ("subdir", "rows", "code"),
    [
        pytest.param("linux-64", [read("sm_80")], "sm_80", id="its-own"),
        pytest.param("linux-64", [read("sm_80"), read("sm_87", "linux-aarch64")], "sm_80", id="not-that-for-arm"),
        pytest.param("win-64", [read("sm_80")], "sm_80", id="on-windows-that-of-linux"),
        pytest.param("win-64", [read("sm_80"), read("sm_90", "win-64")], "sm_90", id="unless-its-own-was-read"),
        pytest.param("linux-aarch64", [read("sm_80"), read("sm_87", "linux-aarch64")], "sm_87", id="on-arm-its-own"),
        pytest.param("linux-aarch64", [read("sm_80")], None, id="which-has-code-for-a-jetson-besides"),
        pytest.param("linux-64", [read("sm_80", version="13.1.0.3")], None, id="another-release"),
        pytest.param("linux-64", [read("sm_80", cuda_major="12")], None, id="another-major"),
        pytest.param("linux-64", [read("sm_80", library="cudnn")], None, id="another-library"),
    ],
)
def test_the_wheel_that_counts(subdir: str, rows: list[Row], code: str | None) -> None:
    known = catalog(*rows, subdir=subdir)
    (build,) = known.builds(PackageSet.PIP, Subdir(subdir))
    found = pinned(build, "cublas", known)
    assert (" ".join(map(str, found.codes)) if found else None) == code


def test_without_a_pin_nothing_is_known() -> None:
    known = catalog(read("sm_80"), pins="nccl=2.30.7")
    (build,) = known.builds(PackageSet.PIP, Subdir.LINUX_64)
    assert pinned(build, "cublas", known) is None
    assert resolve(known, ask("8.6", driver="595.71.05")).pip is not None


@pytest.mark.parametrize(
    ("capability", "subdir", "code", "listed"),
    [
        pytest.param("8.6", "linux-64", "sm_80 sm_90", "", id="machine-code"),
        pytest.param("8.6", "linux-64", "compute_80", "", id="ptx"),
        pytest.param("8.6", "linux-64", "sm_90 compute_90", "sm_90 compute_90", id="none"),
        # As torch's own: machine code for 8.0 runs on 8.7 from CUDA 13.2 on (pytorch/pytorch#186285).
        pytest.param("8.7", "linux-aarch64", "sm_80", "", id="an-orin-by-the-second-table"),
        pytest.param("8.7", "linux-aarch64", "sm_90", "sm_90", id="an-orin-without"),
    ],
)
def test_a_cublas_without_code_for_the_gpu_is_refused(capability: str, subdir: str, code: str, listed: str) -> None:
    known = catalog(read(code, subdir), subdir=subdir)
    found = resolve(known, ask(capability, subdir, "595.78", glibc="2.39"))
    assert (found.pip is None) is bool(listed)
    gpu = f"GPU {capability} (compute capability {capability})"
    said = f"torch 2.15.0+cu132 comes with cuBLAS 13.2.0.9, which has no code for {gpu}; it has {listed}"
    assert [rejection.text for rejection in found.rejected] == ([said] if listed else [])
