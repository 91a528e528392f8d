"""The CUDA major that requested packages load, and the build that is taken for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.request.companions import for_companions
from envgen.resolve import resolve
from equipment.requests import ask

BUILDS = Catalog.load()


@pytest.mark.parametrize(
    ("requirements", "major"),
    [
        pytest.param(["cupy-cuda12x"], 12, id="cupy-says-it-in-its-name"),
        pytest.param(["cudf-cu13>=25.10"], 13, id="rapids-too"),
        pytest.param(["spconv-cu126"], 12, id="with-the-minor"),
        pytest.param(["nvidia-dali-cuda130"], 13, id="dali"),
        pytest.param(["nvidia-dali-cuda120"], 12, id="dali-12"),
        pytest.param(["jax[cuda12]"], 12, id="jax-by-its-extra"),
        pytest.param(["jax"], 0, id="jax-for-the-cpu"),
        pytest.param(["tensorflow[and-cuda]"], 12, id="tensorflow"),
        pytest.param(["xformers"], 12, id="xformers-loads-libcudart-12"),
        pytest.param(["onnxruntime-gpu"], 13, id="onnxruntime-since-1.27"),
        pytest.param(["onnxruntime-gpu<1.27"], 12, id="onnxruntime-before"),
        pytest.param(["onnxruntime-gpu==1.26.*"], 12, id="a-wildcard"),
        pytest.param(["onnxruntime-gpu~=1.26.0"], 12, id="a-compatible-release"),
        pytest.param(["onnxruntime-gpu~=1.26"], 13, id="which-can-be-newer"),
        pytest.param(["onnxruntime-gpu==1.18.1"], 0, id="before-what-is-known"),
        pytest.param(["onnxruntime-gpu!=1.28.*"], 13, id="one-release-less"),
        pytest.param(["xformers", "cupy-cuda13x"], 0, id="two-majors-decide-nothing"),
        pytest.param(["numpy", "lightning"], 0, id="none"),
    ],
)
def test_the_major_that_packages_load(requirements: list[str], major: int) -> None:
    assert for_companions(ask("8.6", driver="580.95.05"), requirements, BUILDS).cuda_major == major


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [(["numpy"], "cu130"), (["cupy-cuda12x"], "cu126"), (["xformers"], "cu126"), (["cupy-cuda13x"], "cu130")],
)
def test_a_build_of_that_major_comes_first(requirements: list[str], expected: str) -> None:
    """2.14.1 has cu126, cu130 (PyPI's own) and cu132; R580 serves the first two fully (NVIDIA's release notes)."""
    asked = ask("8.6", driver="580.95.05", torch="==2.14.1")
    pip = resolve(BUILDS, for_companions(asked, requirements, BUILDS)).pip
    assert pip is not None
    assert pip.build.cuda_tag == expected


def test_a_newer_torch_comes_before_it() -> None:
    """2.15.0 has no build for CUDA 12; conda's solver chooses the companions of its set itself."""
    plain = ask("8.6", driver="580.95.05")
    found = resolve(BUILDS, replace(plain, cuda_major=12))
    assert found.pip is not None
    assert found.pip.build.torch == "2.15.0"
    assert found.pairing(PackageSet.CONDA) == resolve(BUILDS, plain).conda
