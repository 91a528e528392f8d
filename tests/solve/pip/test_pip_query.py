"""What a pairing asks of the solver."""

from __future__ import annotations

import pytest

from envgen.core.errors import UsageError
from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.facts.catalog import Catalog
from envgen.resolve.decision import resolve
from envgen.solve.errors import SolveFailedError
from envgen.solve.pip.constraints import check_constraints
from envgen.solve.pip.query import PipQuery, pip_query, plain_requirement
from equipment.pip_world import query
from equipment.requests import ask


def query_for(capability: str, subdir: str, driver: str) -> PipQuery:
    resolution = resolve(Catalog.load(), ask(capability, subdir, driver))
    assert resolution.pip is not None
    return pip_query(resolution.pip, resolution.request)


@pytest.mark.parametrize(
    ("capability", "constraints"),
    [
        # NVIDIA cuDNN support matrix: 9.11 dropped compute capabilities below 7.5.
        pytest.param("6.1", ("nvidia-cudnn-cu12<9.11",), id="pascal"),
        pytest.param("7.0", ("nvidia-cudnn-cu12<9.11",), id="volta"),
        pytest.param("7.5", (), id="turing needs no bound"),
        pytest.param("8.6 6.1", ("nvidia-cudnn-cu12<9.11",), id="the oldest of several decides"),
    ],
)
def test_cudnn_is_bound_for_gpus_below_7_5(capability: str, constraints: tuple[str, ...]) -> None:
    assert query_for(capability, "linux-64", "580.95.05").constraints == constraints


def test_kepler_binds_the_cuda_11_package() -> None:
    asked = query_for("3.7", "linux-64", "470.256.02")
    assert asked.cuda_tag == "cu118"
    # NVIDIA cuDNN support matrices 8.5.0 and 8.9.5: 8.8 dropped Kepler.
    assert asked.constraints == ("nvidia-cudnn-cu11<8.8",)


def test_the_last_build_for_pascal_on_windows() -> None:
    """PyTorch 2.14 is the last release with CUDA 12.6 (pytorch/pytorch#190385); torchvision 0.29.1 goes with 2.14.1."""
    asked = query_for("6.1", "win-64", "560.94")
    assert (asked.torch_version, asked.torchvision, asked.glibc) == ("2.14.1+cu126", "0.29.1", "")
    assert asked.torch_index == "https://download.pytorch.org/whl/cu126"
    assert asked.uv_platform == "x86_64-pc-windows-msvc"


@pytest.mark.parametrize(
    ("glibc", "platform"),
    [
        ("2.17", "x86_64-manylinux_2_17"),
        ("2.27", "x86_64-manylinux_2_17"),
        ("2.28", "x86_64-manylinux_2_28"),
        ("2.30", "x86_64-manylinux_2_28"),
        ("2.35", "x86_64-manylinux_2_35"),
        ("2.99", "x86_64-manylinux_2_40"),
    ],
)
def test_the_newest_policy_that_uv_knows_and_the_glibc_meets(glibc: str, platform: str) -> None:
    assert query(glibc=glibc).uv_platform == platform


def test_a_glibc_below_every_policy_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"glibc 2\.12 is older than any manylinux policy"):
        _ = query(glibc="2.12").uv_platform


def test_a_lock_that_breaks_a_constraint_says_so() -> None:
    def package(name: str, version: str) -> PipPackage:
        return PipPackage(name=name, version=version, index="", url="", sha256="")

    packages = (package("nvidia-cudnn-cu12", "9.15.0.57"), package("torch", "2.14.1+cu126"))
    lock = PipLock(subdir=Subdir.LINUX_64, python="3.12", glibc="2.28", packages=packages)
    check_constraints(lock, ("nvidia-cudnn-cu12<10", "nvidia-nccl-cu12<1"))
    with pytest.raises(SolveFailedError) as caught:
        check_constraints(lock, ("NVIDIA_cudnn.cu12<9.11",))
    assert str(caught.value).splitlines() == [
        "pip solve for torch 2.14.1+cu126, linux-64, Python 3.12 found no solution [solve-failed]",
        "  NVIDIA_cudnn.cu12 9.15.0.57 is locked, the constraint is NVIDIA_cudnn.cu12<9.11",
    ]


def test_cuda_bindings_keeps_to_the_cuda_major() -> None:
    """Requires-Dist of 2.14.1: cuda-bindings<14,>=13.0.3 (cu130); build scripts of cu126: cuda-bindings>=12.9.4,<13."""
    assert query(cuda_tag="cu126").bindings_bound == "cuda-bindings==12.*"
    assert query(Subdir.LINUX_AARCH64, cuda_tag="cu130").bindings_bound == "cuda-bindings==13.*"


@pytest.mark.parametrize(("name", "meant"), [("pytorch", "torch"), ("sklearn==0.0", "scikit-learn")])
def test_a_placeholder_of_pypi_is_no_extra(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        plain_requirement(name)
    assert caught.value.hint().endswith(f"{meant} is meant")
