"""Which code runs on which GPU. Expectations: CUDA programming guide (SASS within a major, minor not above; PTX up),
and the exceptions of PyTorch's DEVICE_REQUIREMENT (torch/cuda/__init__.py, 2.15.0)."""

from __future__ import annotations

import pytest

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.gpus import Gpu
from envgen.resolve.coverage import code_for


def gpu(capability: str) -> Gpu:
    return Gpu(name="a GPU", capability=ComputeCapability.parse(capability), architecture="")


@pytest.mark.parametrize(
    ("arch_list", "capability", "expected"),
    [
        pytest.param("sm_86", "8.9", "sm_86", id="sass-runs-on-a-higher-minor"),
        pytest.param("sm_80 sm_86", "8.6", "sm_86", id="the-nearest-sass-is-taken"),
        pytest.param("sm_89", "8.6", None, id="sass-does-not-run-on-a-lower-minor"),
        pytest.param("sm_75", "8.0", None, id="sass-does-not-cross-a-major"),
        pytest.param("sm_50 sm_60", "6.1", "sm_60", id="pascal-consumer-runs-sm_60"),
        pytest.param("sm_50", "5.2", "sm_50", id="gtx-900-runs-sm_50"),
        pytest.param("sm_50", "5.3", None, id="jetson-nano-does-not-run-sm_50"),
        pytest.param("sm_60 sm_61", "6.2", None, id="jetson-tx2-does-not-run-sm_61"),
        pytest.param("sm_70", "7.2", None, id="xavier-does-not-run-sm_70"),
        pytest.param("sm_80 sm_86", "8.7", None, id="orin-is-not-promised-sm_80"),
        pytest.param("sm_87", "8.7", "sm_87", id="orin-runs-its-own-code"),
        pytest.param("sm_87", "8.9", None, id="orin-code-runs-nowhere-else"),
        pytest.param("sm_53", "6.0", None, id="tegra-code-stays-on-tegra"),
        pytest.param("sm_100", "10.3", "sm_100", id="b300-runs-sm_100"),
        pytest.param("sm_120", "12.1", "sm_120", id="gb10-runs-sm_120"),
        pytest.param("sm_101", "11.0", "sm_101", id="thor-was-10.1-in-cuda-12"),
        pytest.param("sm_110", "10.1", "sm_110", id="thor-is-11.0-in-cuda-13"),
        pytest.param("sm_100", "11.0", None, id="thor-does-not-run-sm_100"),
        pytest.param("sm_90a", "9.0", "sm_90a", id="suffix-a-runs-on-its-own-capability"),
        pytest.param("sm_100a", "10.3", None, id="suffix-a-runs-on-no-other"),
        pytest.param("sm_100f", "10.3", "sm_100f", id="suffix-f-runs-in-its-family"),
        pytest.param("sm_100f", "12.0", None, id="suffix-f-does-not-leave-its-family"),
        pytest.param("compute_37", "7.5", "compute_37", id="ptx-compiles-on-anything-above"),
        pytest.param("compute_90", "8.9", None, id="ptx-does-not-compile-below"),
        pytest.param("sm_80 compute_80", "8.6", "sm_80", id="sass-is-preferred-to-ptx"),
        pytest.param("sm_37 compute_37", "3.5", None, id="gk110-runs-no-sm_37"),
        pytest.param("sm_35", "3.7", "sm_35", id="k80-runs-sm_35"),
    ],
)
def test_code_for(arch_list: str, capability: str, expected: str | None) -> None:
    codes = [ArchCode.parse(entry) for entry in arch_list.split()]
    found = code_for(codes, gpu(capability), "")
    assert (str(found) if found else None) == expected
