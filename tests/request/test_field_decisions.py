"""What people with these machines were told wrongly, or would have been, and a second machine of each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest

from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.errors import GpuAmbiguousError
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError
from envgen.resolve.why_not import explain

CATALOG = Catalog.load()
GPUS = GpuCatalog.load()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What somebody has, and what they ask for."""

    gpu: str
    driver: str = ""
    platform: str = "linux-64"
    python: str = "3.12"
    torch: str | None = None
    cuda: str | None = None


def decided(machine: Machine) -> Resolution:
    options = RequestOptions(
        gpus=(machine.gpu,),
        drivers=(machine.driver,) if machine.driver else (),
        platforms=(machine.platform,) if machine.platform else (),
        python=machine.python,
        torch=machine.torch,
        cuda=machine.cuda,
    )
    return resolve(CATALOG, read_request(options, CATALOG, GPUS).requests[0])


def labels(machine: Machine) -> list[str | None]:
    """The wheel and the package that are taken."""
    found = decided(machine)
    pairings = (found.pairing(package_set) for package_set in PackageSet)
    return [pairing.build.short_label if pairing else None for pairing in pairings]


def on_arm(gpu: str, driver: str, python: str = "3.12") -> Machine:
    return Machine(gpu=gpu, driver=driver, platform="linux-aarch64", python=python)


@pytest.mark.parametrize(
    ("machine", "pip"),
    [
        # vllm-project/vllm#34470: a Thor with 580.00 runs torch 2.10.0+cu130; OpenRAL/openral#167: cu128 fails there.
        pytest.param(on_arm("NVIDIA Thor", "580.00"), "cu130", id="thor-with-580.00"),
        pytest.param(on_arm("Jetson T5000", "JetPack 7.1"), "cu130", id="t5000-by-jetpack"),
        pytest.param(on_arm("Jetson AGX Thor", "595.73"), "cu132", id="thor-with-jetpack-7.2"),
        # pytorch/pytorch#186285: from CUDA 13.2 on torch's own table lets code for 8.0 run on Orin.
        pytest.param(on_arm("Jetson AGX Orin", "JetPack 7.2"), "cu132", id="orin-with-jetpack-7.2"),
        # microsoft/WSL#11277: nvidia-smi in WSL2 prints the Windows number, and R580 serves Pascal.
        pytest.param(Machine(gpu="GTX 1080", driver="581.57"), "cu126", id="wsl-with-a-windows-number"),
        pytest.param(Machine(gpu="GTX 1060", driver="582.53", platform="wsl"), "cu126", id="wsl-as-a-platform"),
        # pytorch/pytorch#85332: CUDA 11.0 asks for 450.51.06 at most, R450 reports it.
        pytest.param(Machine(gpu="A100", driver="450.66", python="3.8"), "cu110", id="a100-with-450.66"),
        # An RTX 50 runs no CUDA 11 build, although a wheel for Windows has PTX for 3.7 (a thread on 2.7.1+cu118).
        pytest.param(
            Machine(gpu="RTX 5070 Laptop GPU", platform="win-64", python="3.9"),
            "cu129",
            id="rtx-5070",
        ),
        pytest.param(
            Machine(gpu="RTX 5060", platform="win-64", python="3.9", torch="==2.7.1"),
            "cu128",
            id="rtx-5060",
        ),
        # PyPI's own build before others of its CUDA major, CUDA 12 before 11.
        pytest.param(Machine(gpu="H200", driver="590.48.01", torch="==2.14.1"), "cu130", id="h200-with-r590"),
        pytest.param(Machine(gpu="RTX 3090", driver="550.54.15", torch="==2.7.1"), "cu126", id="rtx-3090-with-r550"),
        pytest.param(Machine(gpu="RTX 4090", driver="535.183.01", torch="==2.7.1"), "cu126", id="rtx-4090-with-r535"),
    ],
)
def test_the_wheel_that_is_taken(machine: Machine, pip: str) -> None:
    found = decided(machine).pip
    assert found is not None
    assert found.build.cuda_tag == pip


@pytest.mark.parametrize(
    ("machine", "conda"),
    [
        # dusty-nv/jetson-containers#1257: builds for Arm servers fail on JetPack 6, conda-forge's Tegra builds run.
        pytest.param(on_arm("jetson orin nx", "540.4.0", "3.10"), "cuda129", id="orin-6.2"),
        pytest.param(on_arm("Jetson Orin Nano", "JetPack 6.0"), "cuda129", id="orin-6.0"),
    ],
)
def test_no_wheel_is_for_jetpack_6(machine: Machine, conda: str) -> None:
    found = decided(machine)
    assert found.pip is None
    assert found.conda is not None
    assert (found.conda.build.short_label.partition(" ")[2], found.conda.build.is_tegra) == (conda, True)


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        # deepseek-ai/DeepSeek-VL2#59: 2.5.1+cu118 would run from compute_37, and its cuDNN knows no Blackwell.
        pytest.param(
            Machine(gpu="RTX 5090", driver="591.74", platform="win-64", torch="2.5.1"), "2.5.1+cu118", id="rtx-5090"
        ),
        # cuDNN 8.5 and CUDA 11.7 know no Hopper.
        pytest.param(
            Machine(gpu="H100", driver="551.61", platform="win-64", python="3.10", torch="1.13.1"),
            "1.13.1+cu117",
            id="h100",
        ),
    ],
)
def test_what_is_not_proven_is_written_only_for_who_names_it(machine: Machine, name: str) -> None:
    assert labels(machine)[0] is None
    tag = name.partition("+")[2]
    exact = replace(machine, cuda=tag)
    assert labels(exact)[0] == name
    assert "unproven" in {notice.code for notice in decided(exact).notices}


def test_ptx_with_a_cudnn_that_runs_forward_stays_behind_machine_code() -> None:
    """pytorch 2.7.1 cuda126 has compute_90 alone for a B200, and its cuDNN 9 is forward compatible."""
    forward = decided(Machine(gpu="B200", driver="570.124.06", torch="==2.7.1", cuda="cu126"))
    assert forward.conda is not None
    assert str(forward.conda.code[0].code) == "compute_90"
    assert "ptx-compiled-at-first-use" in {notice.code for notice in forward.notices}
    free = decided(Machine(gpu="B200", driver="570.124.06", torch="==2.7.1")).conda
    assert free is not None
    assert str(free.code[0].code) == "sm_100"


@pytest.mark.parametrize(
    ("machine", "tag", "runs"),
    [
        # nelson-liu/pytorch-manylinux-binaries#13: 2.7.1+cu118 fails on a K80, 2.3.1+cu118 runs.
        pytest.param(Machine(gpu="K80", driver="470.256.02"), "cu118", "2.3.1+cu118", id="k80"),
        # FlashML-org/FreeToken#253: 2.11.0+cu128 has no code for a V100, 2.10.0+cu128 has.
        pytest.param(Machine(gpu="Tesla V100", driver="570.133.20"), "cu128", "2.10.0+cu128", id="v100"),
        pytest.param(Machine(gpu="GTX 1080 Ti", driver="570.133.20"), "cu130", None, id="pascal-runs-none"),
    ],
)
def test_a_bare_tag_is_judged_by_all_its_releases(machine: Machine, tag: str, runs: str | None) -> None:
    request = decided(machine).request
    found = explain(CATALOG, request, torch="", cuda_tag=tag)
    running = [one.build.short_label for one in found if one.rejection is None]
    assert running[:1] == ([runs] if runs else [])


@pytest.mark.parametrize(
    ("machine", "hint"),
    [
        # R570 is the first branch that knows Blackwell, and its first Windows releases are 572 (NVIDIA's archive).
        pytest.param(
            Machine(gpu="RTX 5090", driver="566.36", platform="win-64"),
            "update the driver to 572 or newer: then torch 2.11.0+cu128 from pip runs; update the driver to 580.88",
            id="a-driver-that-is-just-new-enough",
        ),
        pytest.param(
            Machine(gpu="A100", driver="418.226.00", python="3.8"),
            "update the driver to 450.80.02 or newer: then torch 2.4.1+cu118 from pip runs; use Python 3.11",
            id="one-change-before-two",
        ),
        pytest.param(
            Machine(gpu="RTX 5070", driver="570.86.16", cuda="cu124"),
            "ask for CUDA 12.9 (--cuda cu129): then torch 2.13.0+cu129 from pip runs",
            id="another-tag-without-another-driver",
        ),
        # In WSL the driver is that of Windows, and so are the numbers that a person can install.
        pytest.param(
            Machine(gpu="RTX 4090", driver="537.58", platform="wsl", cuda="cu130"),
            "update the driver to 580.88 or newer: then torch 2.15.0+cu130 from pip runs",
            id="wsl-has-windows-numbers",
        ),
        pytest.param(
            Machine(gpu="GTX 1080", driver="591.44", platform="wsl"),
            "go back to driver 582.78, the last that serves the GPU: then torch 2.14.1+cu126 from pip runs",
            id="wsl-goes-back-to-a-driver-of-windows",
        ),
    ],
)
def test_the_smallest_change_comes_first(machine: Machine, hint: str) -> None:
    found = decided(machine)
    assert (found.pip, found.conda) == (None, None)
    assert NoBuildError(found).hint().startswith(hint)
    driver = re.search(r"driver(?: to)? ([0-9.]+)", hint)
    again = decided(replace(machine, driver=driver[1])) if driver else None
    assert again is None or again.pip is not None


@pytest.mark.parametrize("gpu", ["DGX Spark", "GB10", "GH200", "GB300", "T4G"])
@pytest.mark.parametrize("platform", ["linux-64", "win-64"])
def test_arm_only_parts_are_on_arm_alone(gpu: str, platform: str) -> None:
    assert labels(Machine(gpu=gpu, platform=platform)) == [None, None]
    assert decided(Machine(gpu=gpu, platform="")).request.subdir == "linux-aarch64"


@pytest.mark.parametrize(
    ("machine", "asked"),
    [
        # pytorch/pytorch#6515: 2.1 or 3.0, and nothing runs on either.
        pytest.param(Machine(gpu="GeForce 820M", driver="390.77"), (), id="820m"),
        # pytorch/pytorch#31314: only the 3.5 one (GK208) is served, by conda-forge's 2.0.0 of Python 3.8 to 3.11.
        pytest.param(
            Machine(gpu="GeForce GT 740M", python="3.7"), ("nothing runs on it", "use Python 3.8"), id="740m-on-3.7"
        ),
        pytest.param(
            Machine(gpu="GeForce GT 740M", python="3.9"), ("nothing runs on it", "pytorch 2.0.0"), id="740m-on-3.9"
        ),
        pytest.param(
            Machine(gpu="GTX 860M", driver="560.94", platform="win-64"),
            ("nothing runs on it", "torch 2.14.1+cu126"),
            id="860m-is-kepler-or-maxwell",
        ),
        pytest.param(Machine(gpu="GT 730", driver="475.14", platform="win-64"), (), id="conda-has-no-3.5-on-windows"),
    ],
)
def test_a_name_of_several_gpus_is_asked_about_when_the_answer_differs(
    machine: Machine, asked: tuple[str, ...]
) -> None:
    if not asked:
        found = decided(machine)
        assert len(found.request.gpus) > 1
        assert "for each GPU by itself" not in NoBuildError(found).hint()
        return
    with pytest.raises(GpuAmbiguousError) as raised:
        decided(machine)
    assert all(then in fact for then, fact in zip(asked, raised.value.facts(), strict=True))
