"""Every way in which the smoke test can fail, on made-up hosts: the code, the check that finds it, the exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing
from smoke.host import ADA, TURING, FakeHost, smoke

NO_IMAGE = {"raise": ["RuntimeError", "CUDA error: no kernel image is available for execution on the device"]}
MAGMA = {"raise": ["RuntimeError", "magma: CUDA error: no kernel image is available for execution on the device"]}
CUDNN = {"raise": ["RuntimeError", "cuDNN error: CUDNN_STATUS_ARCH_MISMATCH"], "cudnn": True}
LOST = {"raise": ["RuntimeError", "CUDA error: an illegal memory access was encountered"], "lost": True}
NO_NMS = {"raise": ["NotImplementedError", "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend."]}
NO_COMPILER = {"raise": ["RuntimeError", "Failed to find C compiler. Please specify via CC environment variable."]}


def broken(**faults: dict[str, Any]) -> FakeHost:
    """A host with one RTX 4090 on which these operations go wrong (`matmul__float16` is `matmul:float16`)."""
    return FakeHost(gpus=[{**ADA, "faults": {name.replace("__", ":"): fault for name, fault in faults.items()}}])


def test_a_host_on_which_everything_works_passes(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(), tmp_path, "--compile")
    assert (outcome.status, outcome.findings) == (0, [])
    assert outcome.talk.endswith("\nyour GPU works: NVIDIA GeForce RTX 4090 with torch 2.14.1+cu126\n")
    checks = [check["check"] for check in outcome.answer["checks"]]
    build = ["driver", "torch", "locked", "torchvision", "arch list", "available", "code"]
    gpu = ["copy", "fp32", "fp16", "bf16", "convolution", "linalg", "magma", "fft", "sort", "nms", "memory", "compile"]
    assert checks == [*build, *gpu, "assert"]
    del outcome.answer["checks"]
    assert outcome.answer == {
        "schema_version": 1,
        "exit_status": 0,
        "build_only": False,
        "driver": "570.133.20",
        "driver_cuda": "12.8",
        "torch": "2.14.1+cu126",
        "cuda": "12.6",
        "torchvision": "0.29.1+cu126",
        "cudnn": 91002,
        "arch_list": ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"],
        "gpus": [{"index": 0, "name": "NVIDIA GeForce RTX 4090", "capability": "8.9"}],
    }


@pytest.mark.parametrize(
    ("host", "finding"),
    [
        pytest.param(
            FakeHost(nvml={"init": 18}), ("driver", "driver-mismatch"), id="nvml-says-driver-was-updated-under-it"
        ),
        pytest.param(FakeHost(libcuda={"init": 803}), ("driver", "driver-mismatch"), id="cuinit-says-mismatch"),
        pytest.param(FakeHost(libcuda={"init": 999}), ("driver", "driver-failed"), id="cuinit-fails"),
        pytest.param(FakeHost(libcuda=None), ("driver", "driver-incomplete"), id="nvml-without-libcuda"),
        pytest.param(FakeHost(torch=None), ("torch", "torch-missing"), id="no-torch"),
        pytest.param(FakeHost(torch_error="libcudnn.so.9: no such file"), ("torch", "torch-failed"), id="torch-broken"),
        pytest.param(FakeHost(torch="2.14.1+cpu", cuda=None), ("torch", "cpu-build"), id="cpu-build"),
        pytest.param(FakeHost(torch="2.14.1+rocm7.0", cuda=None, hip="7.0"), ("torch", "cpu-build"), id="rocm-build"),
        pytest.param(
            FakeHost(torch="2.12.0+cu126"), ("locked", "torch-not-locked"), id="another-release-than-the-locked-one"
        ),
        pytest.param(
            FakeHost(torch="2.14.1+cu130", cuda="13.0", libcuda={"init": 0, "version": 13000}),
            ("locked", "torch-not-locked"),
            id="another-cuda-than-the-locked-one",
        ),
        pytest.param(FakeHost(torch="2.14.1+gitabc"), ("locked", "torch-not-locked"), id="built-by-somebody-else"),
        pytest.param(FakeHost(torchvision=None), ("torchvision", "torchvision-missing"), id="torchvision-gone"),
        pytest.param(
            FakeHost(torchvision="0.28.0+cu126"), ("torchvision", "torchvision-not-locked"), id="another-torchvision"
        ),
        pytest.param(
            FakeHost(torchvision="0.29.1+cpu"), ("torchvision", "torchvision-not-locked"), id="cpu-label-on-torchvision"
        ),
        pytest.param(
            FakeHost(torchvision_error="operator torchvision::nms does not exist"),
            ("torchvision", "torchvision-mismatch"),
            id="torchvision-for-another-torch",
        ),
        pytest.param(broken(nms=NO_NMS), ("nms", "torchvision-cpu-build"), id="torchvision-without-cuda-code"),
        pytest.param(
            FakeHost(available=False, libcuda={"init": 0, "version": 11040}),
            ("available", "driver-too-old"),
            id="driver-of-an-older-cuda-major",
        ),
        pytest.param(
            FakeHost(available=False, warning="CUDA initialization: Unexpected error 802"),
            ("available", "cuda-unavailable"),
            id="torch-sees-nothing-and-says-why",
        ),
        pytest.param(FakeHost(gpus=()), ("available", "cuda-unavailable"), id="available-without-a-device"),
        pytest.param(broken(add={"error": 1.0}), ("copy", "wrong-result"), id="copy-returns-other-numbers"),
        pytest.param(broken(matmul__float32={"error": 1e-4}), ("fp32", "wrong-result"), id="fp32-like-tf32"),
        pytest.param(broken(matmul__float16={"error": 0.1}), ("fp16", "wrong-result"), id="fp16-wrong"),
        pytest.param(broken(matmul__float32={"error": float("nan")}), ("fp32", "wrong-result"), id="nan-is-wrong"),
        pytest.param(broken(matmul__bfloat16={"error": 0.1}), ("bf16", "wrong-result"), id="bf16-wrong"),
        pytest.param(broken(matmul__float16=NO_IMAGE), ("fp16", "no-kernel-image"), id="no-kernel-found-only-when-run"),
        pytest.param(
            broken(
                matmul__float32={
                    "raise": ["RuntimeError", "the provided PTX was compiled with an unsupported toolchain."]
                }
            ),
            ("fp32", "ptx-driver-too-old"),
            id="ptx-newer-than-the-driver",
        ),
        pytest.param(broken(conv2d=CUDNN), ("convolution", "cudnn-unsupported"), id="only-cudnn-fails"),
        pytest.param(
            broken(conv2d={"error": 0.5, "cudnn": True}), ("convolution", "cudnn-unsupported"), id="only-cudnn-is-wrong"
        ),
        pytest.param(broken(conv2d_backward=CUDNN), ("convolution", "cudnn-unsupported"), id="only-backward-fails"),
        pytest.param(broken(conv2d={"error": 0.5}), ("convolution", "wrong-result"), id="wrong-with-and-without-cudnn"),
        pytest.param(
            broken(conv2d={"raise": ["RuntimeError", "something else"]}),
            ("convolution", "convolution-failed"),
            id="fails-with-and-without-cudnn",
        ),
        pytest.param(FakeHost(cudnn=None), ("convolution", "cudnn-missing"), id="no-cudnn"),
        pytest.param(broken(svd={"error": 0.1}), ("linalg", "wrong-result"), id="svd-wrong"),
        pytest.param(
            broken(solve={"raise": ["RuntimeError", "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR"]}),
            ("linalg", "linalg-failed"),
            id="solve-raises",
        ),
        pytest.param(broken(rfft={"error": 0.1}), ("fft", "wrong-result"), id="fft-wrong"),
        pytest.param(broken(sort={"error": 1.0}), ("sort", "wrong-result"), id="sort-wrong"),
        pytest.param(broken(nms={"error": 1.0}), ("nms", "wrong-result"), id="nms-wrong"),
        pytest.param(broken(full={"error": 1.0}), ("memory", "wrong-result"), id="memory-does-not-hold"),
        pytest.param(
            broken(full={"raise": ["RuntimeError", "CUDA out of memory. Tried to allocate 3.00 GiB"]}),
            ("memory", "gpu-memory"),
            id="memory-full",
        ),
        pytest.param(FakeHost(assert_text=""), ("assert", "assert-not-raised"), id="out-of-bounds-goes-unnoticed"),
        pytest.param(
            FakeHost(assert_text="Segmentation fault"), ("assert", "assert-other-error"), id="child-dies-otherwise"
        ),
    ],
)
def test_one_fault_has_one_finding(host: FakeHost, finding: tuple[str, str], tmp_path: Path) -> None:
    outcome = smoke(host, tmp_path)
    failed = [check for check in outcome.answer["checks"] if check["verdict"] == "failed"]
    assert [(check["check"], check["code"]) for check in failed] == [finding]
    assert outcome.status == 1
    assert failed[0]["remedy"]
    assert f"[{finding[1]}]\n        remedy: {failed[0]['remedy']}\n" in outcome.talk


def test_the_talk_names_the_fault_and_its_remedy(tmp_path: Path) -> None:
    outcome = smoke(broken(conv2d=CUDNN), tmp_path)
    assert (
        "  FAIL  convolution   works without cuDNN, fails with cuDNN 91002: cuDNN error: CUDNN_STATUS_ARCH_MISMATCH"
        " [cudnn-unsupported]\n"
        "        remedy: cuDNN is at fault, not the GPU: take the cuDNN of the lock file (below 9.11 before Turing)\n"
    ) in outcome.talk
    assert outcome.talk.endswith(
        "failed (1 failed, 19 passed)\n"
        "do this first: cuDNN is at fault, not the GPU: take the cuDNN of the lock file (below 9.11 before Turing)\n"
    )


def test_a_broken_context_ends_the_run(tmp_path: Path) -> None:
    host = FakeHost(gpus=[{**ADA, "faults": {"svd": LOST}}, ADA])
    outcome = smoke(host, tmp_path)
    assert outcome.findings == [("linalg", "failed", "linalg-failed"), ("context", "failed", "context-failed")]
    assert [check["gpu"] for check in outcome.answer["checks"] if check["check"] == "copy"] == [0]
    assert outcome.answer["checks"][-1]["check"] == "context"


def test_the_second_gpu_can_be_the_one_that_is_too_old(tmp_path: Path) -> None:
    host = FakeHost(
        torch="2.15.0+cu132",
        cuda="13.2",
        libcuda={"init": 0, "version": 13020},
        torchvision="0.29.2+cu132",
        archs="sm_75 sm_80 sm_86 sm_90 sm_100 sm_120",
        gpus=[ADA, {"name": "NVIDIA GeForce GTX 1080", "capability": "6.1"}, TURING],
    )
    outcome = smoke(host, tmp_path, expected=SmokeExpectation())
    failed = [check for check in outcome.answer["checks"] if check["verdict"] == "failed"]
    assert [(check["check"], check["gpu"], check["code"]) for check in failed] == [("code", 1, "no-kernel-image")]
    assert failed[0]["detail"] == "NVIDIA GeForce GTX 1080 (6.1): the build has sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
    computed = [check["gpu"] for check in outcome.answer["checks"] if check["check"] == "fp32"]
    assert (outcome.status, computed) == (1, [0, 2])


def test_a_gpu_that_fell_off_the_bus_is_one_finding(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(gpus=[ADA, {**ADA, "lost": True}]), tmp_path)
    assert outcome.findings == [("code", "failed", "code-failed")]
    assert outcome.status == 1


def test_bf16_is_left_out_where_it_is_not_native(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(gpus=[TURING]), tmp_path)
    assert (outcome.status, outcome.findings) == (0, [("bf16", "skipped", "not-native")])


def test_magma_without_code_for_turing_is_a_warning(tmp_path: Path) -> None:
    host = FakeHost(gpus=[{**TURING, "faults": {"eigvals": MAGMA}}])
    outcome = smoke(host, tmp_path)
    assert (outcome.status, outcome.findings[1:]) == (0, [("magma", "warning", "magma-unsupported")])


def test_orin_on_desktop_code_is_a_warning_and_the_kernels_decide(tmp_path: Path) -> None:
    orin = {"name": "Orin", "capability": "8.7"}
    host = FakeHost(archs="sm_80 sm_90 sm_110", gpus=[orin], nvml=None)
    outcome = smoke(host, tmp_path, expected=SmokeExpectation())
    assert (outcome.status, outcome.findings[1:]) == (0, [("code", "warning", "no-kernel-image")])
    assert outcome.answer["driver"] == ""


def test_ptx_alone_needs_a_driver_as_new_as_the_build(tmp_path: Path) -> None:
    blackwell = {"name": "NVIDIA GeForce RTX 5090", "capability": "12.0"}
    old = FakeHost(archs="sm_90 compute_90", gpus=[blackwell], libcuda={"init": 0, "version": 12040})
    outcome = smoke(old, tmp_path, expected=SmokeExpectation())
    assert outcome.findings[1:] == [("code", "failed", "ptx-driver-too-old")]
    new = FakeHost(archs="sm_90 compute_90", gpus=[blackwell])
    assert smoke(new, tmp_path, expected=SmokeExpectation()).status == 0


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        pytest.param(FakeHost(nvml=None, libcuda=None), {}, id="no-driver"),
        pytest.param(FakeHost(nvml={"init": 9}, libcuda={"init": 100}), {}, id="libraries-without-a-gpu"),
        pytest.param(FakeHost(libcuda={"init": 100}), {"CUDA_VISIBLE_DEVICES": ""}, id="hidden-gpu"),
    ],
)
def test_without_a_gpu_the_run_is_skipped_but_the_build_is_checked(
    host: FakeHost, environment: dict[str, str], tmp_path: Path
) -> None:
    outcome = smoke(host, tmp_path, environment=environment)
    assert (outcome.status, outcome.findings) == (77, [("driver", "skipped", "no-gpu")])
    assert [check["check"] for check in outcome.answer["checks"]][-1] == "arch list"
    assert outcome.talk.endswith("\ndo this first: run this on the computer with the GPU\n")
    assert smoke(host, tmp_path, "--require-gpu", environment=environment).status == 1


def test_a_cpu_build_is_a_failure_even_without_a_gpu(tmp_path: Path) -> None:
    host = FakeHost(nvml=None, libcuda=None, torch="2.14.1+cpu", cuda=None)
    outcome = smoke(host, tmp_path)
    assert (outcome.status, outcome.findings) == (
        1,
        [("driver", "skipped", "no-gpu"), ("torch", "failed", "cpu-build")],
    )


@pytest.mark.parametrize(
    ("torch", "cuda", "torchvision"),
    [
        pytest.param("2.14.1+cu126", "12.6", "0.29.1+cu126", id="pip"),
        pytest.param("2.13.0", "12.8", None, id="conda-has-no-local-label"),
        pytest.param("2.13.0.post300", "12.8", "0.28.0", id="conda-post-release"),
    ],
)
def test_build_only_passes_for_each_locked_pairing(
    torch: str, cuda: str, torchvision: str | None, tmp_path: Path
) -> None:
    host = FakeHost(nvml=None, libcuda=None, torch=torch, cuda=cuda, torchvision=torchvision, available=False)
    outcome = smoke(host, tmp_path, "--build-only")
    assert (outcome.status, outcome.answer["build_only"]) == (0, True)
    assert [check["check"] for check in outcome.answer["checks"]] == ["torch", "locked", "torchvision", "arch list"]


def test_build_only_fails_when_the_build_has_no_code_for_the_wanted_gpu(tmp_path: Path) -> None:
    expected = SmokeExpectation(gpus=(SmokeGpu(name="GeForce RTX 5090", capability="12.0"),))
    outcome = smoke(FakeHost(), tmp_path, "--build-only", expected=expected)
    assert (outcome.status, outcome.findings[-1]) == (1, ("arch list", "failed", "no-kernel-image"))
    nothing = smoke(FakeHost(archs=None), tmp_path, "--build-only", expected=expected)
    assert nothing.answer["checks"][-1]["detail"] == "GeForce RTX 5090 (12.0): the build has nothing"


def test_expectations_in_a_file_replace_those_in_the_script(tmp_path: Path) -> None:
    pairing = {"source": "pip", "torch": "2.9.0", "cuda": "12.6", "torchvision": ""}
    file = tmp_path / "expect.json"
    file.write_text(json.dumps({"pairings": [pairing]}), encoding="utf-8")
    outcome = smoke(FakeHost(), tmp_path, "--build-only", "--expect", str(file))
    assert outcome.findings == [("locked", "failed", "torch-not-locked")]
    detail = "2.14.1+cu126 with CUDA 12.6 is installed; locked: 2.9.0 with CUDA 12.6 (pip)"
    assert outcome.answer["checks"][1]["detail"] == detail
    assert smoke(FakeHost(), tmp_path, "--unknown-option").status == 2


@pytest.mark.parametrize("text", [None, "{", "[1, 2]", "3"])
def test_expectations_that_cannot_be_read_are_wrong_usage(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "expect.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    outcome = smoke(FakeHost(), tmp_path, "--expect", str(file))
    assert outcome.status == 2
    assert "Traceback" not in outcome.talk
    assert "--expect" in outcome.talk


def test_a_torch_that_ends_the_process_is_a_finding(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(torch_error="exit"), tmp_path)
    assert outcome.findings[-1][:2] == ("torch", "failed")
    assert outcome.status == 1


@pytest.mark.parametrize(
    ("host", "finding"),
    [
        pytest.param(FakeHost(triton=False), ("compile", "failed", "compile-failed"), id="no-triton"),
        pytest.param(broken(compile=NO_COMPILER), ("compile", "failed", "compile-failed"), id="no-c-compiler"),
        pytest.param(broken(compile={"error": 1.0}), ("compile", "failed", "wrong-result"), id="compiled-is-wrong"),
        pytest.param(FakeHost(compile=False), ("compile", "skipped", "not-supported"), id="torch-1-has-none"),
    ],
)
def test_compile_is_asked_for_and_has_its_own_verdict(
    host: FakeHost, finding: tuple[str, str, str], tmp_path: Path
) -> None:
    assert smoke(host, tmp_path).status == 0
    outcome = smoke(host, tmp_path, "--compile")
    assert outcome.findings == [finding]
    assert outcome.status == (1 if finding[1] == "failed" else 0)


def test_an_exclusive_gpu_cannot_be_asked_for_an_assert(tmp_path: Path) -> None:
    text = "RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable"
    outcome = smoke(FakeHost(assert_text=text), tmp_path)
    assert (outcome.status, outcome.findings) == (0, [("assert", "skipped", "gpu-exclusive")])


@pytest.mark.parametrize(
    "name", ["a \"quoted\" 'name'", "{{ 7 * 7 }}{% raw %}", "line\nbreak\r\u2028", "\\", '"""', "GeForce RTX™ 4090"]
)
def test_a_hostile_name_stays_a_name(name: str, tmp_path: Path) -> None:
    gpu, pairing = SmokeGpu(name=name, capability="1.0"), SmokePairing(source=name, torch=name, cuda=name)
    outcome = smoke(FakeHost(), tmp_path, "--build-only", expected=SmokeExpectation(gpus=(gpu,), pairings=(pairing,)))
    details = {check["check"]: check["detail"] for check in outcome.answer["checks"]}
    assert details["arch list"] == f"{name} (1.0): the build has {FakeHost().archs}".splitlines()[0]
    assert outcome.status == 1


OLD_PYTHON = shutil.which("python3.8") or ""
HAS_OLD_PYTHON = (
    bool(OLD_PYTHON) and subprocess.run([OLD_PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0
)


@pytest.mark.skipif(not HAS_OLD_PYTHON, reason="no Python 3.8 on this host")
@pytest.mark.skipif(sys.platform == "win32", reason="the launcher finds no python3.8 by that name")
def test_it_runs_on_python_3_8(tmp_path: Path) -> None:
    outcome = smoke(FakeHost(), tmp_path, "--compile", python=OLD_PYTHON)
    assert (outcome.status, outcome.findings, outcome.talk.splitlines()[-2]) == (0, [], "passed (20 passed)")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(FakeHost(), [("locked", "torch-not-locked")], id="cuda-build-where-cpu-is-locked"),
        pytest.param(FakeHost(torch="2.13.0+cpu", cuda=None), [("locked", "torch-not-locked")], id="another-release"),
        pytest.param(FakeHost(torch="2.14.1+cpu", cuda=None, torchvision="0.29.1+cpu"), [], id="the-locked-one"),
        pytest.param(
            FakeHost(torch="2.14.1", cuda=None, torchvision="0.29.1+cu126"),
            [("torchvision", "torchvision-not-locked")],
            id="torchvision-with-cuda",
        ),
    ],
)
def test_the_cpu_lane_wants_a_cpu_build(host: FakeHost, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    """No driver is looked for, and no GPU."""
    pairing = SmokePairing(source="pip", torch="2.14.1", cuda="cpu", torchvision="0.29.1")
    outcome = smoke(host, tmp_path, expected=SmokeExpectation(pairings=(pairing,)))
    of_the_build = [check["check"] for check in outcome.answer["checks"]][:3]
    assert of_the_build == ["torch", "locked", "torchvision"]
    assert [(name, code) for name, _, code in outcome.findings if name in of_the_build] == expected
