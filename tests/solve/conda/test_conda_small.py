"""Match specs, virtual packages and the cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.net.cache import cache_folder
from envgen.solve.conda.specs import build_glob_of, is_bare, name_of
from envgen.solve.conda.virtual_packages import virtual_packages


@pytest.mark.parametrize(
    ("spec", "name", "glob", "bare"),
    [
        ("torchvision", "torchvision", "", True),
        ("python=3.12", "python", "", False),
        ("pytorch=2.10.0=cuda128*", "pytorch", "cuda128*", False),
        ("pytorch 2.10.0 cuda128*", "pytorch", "cuda128*", False),
        ("pytorch=2.3.1=py3.12_cuda11.8*", "pytorch", "py3.12_cuda11.8*", False),
        ("pytorch==2.10.0", "pytorch", "", False),
        ("pytorch==2.10.0=cpu_mkl_py312_h2_3", "pytorch", "cpu_mkl_py312_h2_3", False),
        ("bioconda::hmmer=3.4", "hmmer", "", False),
        ("https://host/channel::hmmer", "hmmer", "", False),
        ("libcudnn<9.11", "libcudnn", "", False),
        ("PyTorch", "pytorch", "", True),
        ("", "", "", False),
    ],
)
def test_match_specs(spec: str, name: str, glob: str, bare: bool) -> None:
    assert (name_of(spec), build_glob_of(spec), is_bare(spec)) == (name, glob, bare)


# CEP 30 (virtual packages) and conda-lock 4.0.3's default-virtual-packages.yaml.
@pytest.mark.parametrize(
    ("subdir", "expected"),
    [
        (
            "linux-64",
            {"__unix": "0", "__linux": "5.10", "__glibc": "2.28", "__archspec": "1 x86_64", "__cuda": "12.9"},
        ),
        (
            "linux-aarch64",
            {"__unix": "0", "__linux": "5.10", "__glibc": "2.28", "__archspec": "1 aarch64", "__cuda": "12.9"},
        ),
        ("win-64", {"__win": "0", "__archspec": "1 x86_64", "__cuda": "12.9"}),
    ],
)
def test_virtual_packages(subdir: str, expected: dict[str, str]) -> None:
    claims = virtual_packages(Subdir(subdir), cuda="12.9", glibc="2.28")
    assert claims == expected
    assert list(claims) == list(expected)


def test_no_driver_means_no_cuda_claim() -> None:
    assert "__cuda" not in virtual_packages(Subdir.LINUX_64, cuda="", glibc="2.28")


# XDG base directories.
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ENVGEN_CACHE_DIR": "/somewhere", "XDG_CACHE_HOME": "/xdg"}, "/somewhere"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/envgen"),
        ({"HOME": "/home/someone"}, "/home/someone/.cache/envgen"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="each system has its own place")
def test_cache_folder(environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENVGEN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="a user id without a name is a container's")
def test_a_cache_folder_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENVGEN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert cache_folder().name == "envgen-cache"
