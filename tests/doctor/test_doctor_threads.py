"""33 public threads, rebuilt from what was posted in them: the first cause is theirs, and what is done about it helps.

A GPU, driver or Python that a thread does not name is the ordinary one of its captured host.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from doctor.samples import (
    conda,
    context_of,
    dist,
    environment,
    host,
    torch,
    torch_run,
    unavailable,
    vision,
)
from doctor.samples_of_start import START_SAMPLES, not_loaded, seen, started_with
from envgen.causes.context import Context
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.doctor.diagnosis import Diagnosis
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import TorchRun
from envgen.probe.observation import EnvironmentKind, FabricManager, Observation

RTX4090, WINDOWS, WSL = "linux-rtx4090-570.133.20", "windows-rtx4070-560.94", "wsl2-rtx3080-560.94"
CONTAINER, H100 = "container-a100-550.54.15", "linux-8xh100-fabric-570.133.20"
OF_START = {sample.name: sample.context for sample in START_SAMPLES}


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with its code, words of what to do, and words that would be wrong there."""

    number: str
    source: str
    context: Context
    code: str
    helps: str
    wrong: str = "\0"


def card(name: str, *, base: str = RTX4090, driver: str, **more: Any) -> Observation:
    """A captured host with another GPU and another driver."""
    gpu = {"name": name, "pci_id": "", "chip": "", "capability": None}
    module = {} if base in (WINDOWS, WSL) else {"kernel_module": driver, "user_library": driver}
    return seen(base, gpu=gpu, driver=driver, **{**module, **more})


def on_windows(*files: dict[str, str], python: str = "3.10.9") -> InspectedEnvironment:
    prefix = "C:/Users/ada/venv"
    return environment(*files, python=python, prefix=prefix, executable=f"{prefix}/Scripts/python.exe")


def windows_torch(version: str, cuda: str | None, recorded: str = "", python: str = "3.10") -> dict[str, str]:
    return torch(version, cuda, recorded=recorded, site=f"C:/Users/ada/venv/lib/python{python}/site-packages")


def of(observation: Observation, inspected: InspectedEnvironment | None, run: TorchRun | None = None) -> Context:
    return context_of(observation, inspected, run)


def jetson(l4t: str, glibc: str) -> Observation:
    observation = host("jetson-orin-r36.4.3")
    board = observation.system.jetson
    assert board is not None
    system = replace(observation.system, jetson=replace(board, l4t=l4t), libc_version=glibc)
    return replace(observation, system=system)


def conda_torch(version: str, cuda: str | None, build: str, *, python: str = "3.12") -> InspectedEnvironment:
    prefix = "/home/ada/miniforge3/envs/vision"
    site = f"{prefix}/lib/python{python}/site-packages"
    return environment(
        conda("pytorch", version, build, prefix),
        torch(version, cuda, installer="conda", site=site),
        kind=EnvironmentKind.CONDA,
        prefix=prefix,
        python=f"{python}.1",
    )


def mixed_packages() -> InspectedEnvironment:
    return environment(
        torch("2.5.1", "12.4", requires=["nvidia-nvjitlink-cu12==12.4.127"], site=SITE39),
        dist("nvidia-nvjitlink-cu12", "12.1.105", site=SITE39),
        python="3.9.18",
    )


SITE39 = "/home/ada/venv/lib/python3.9/site-packages"
SITE310 = SITE39.replace("3.9", "3.10")
TOO_OLD = "The NVIDIA driver on your system is too old (found version 11000). Please update your GPU driver"
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"
NO_IMAGE = "CUDA error: no kernel image is available for execution on the device"
PYTHON36 = environment(torch("1.5.0", "10.2", site="/home/ada/venv/lib/python3.6/site-packages"), python="3.6.9")
GB200 = replace(
    card("NVIDIA GB200", base="linux-uv-rtx5090-580.95.05", driver="580.82.07"),
    system=replace(host("dgx-spark-gb10-580.95.05").system, subdir=Subdir.LINUX_AARCH64),
)
SHADOWED = replace(host("wsl2-rtx3080-shadowed-560.94"), driver=DriverVersion.parse("560.94"))

THREADS = (
    Thread(
        "T01",
        "pytorch/pytorch#37212",
        of(card("Tesla P100-PCIE-16GB", driver="410.104"), PYTHON36),
        "driver-too-old",
        "",
        wrong="torch==1.5.0+cu102",
    ),
    Thread(
        "T02",
        "pytorch/pytorch#122924",
        of(
            card("NVIDIA GeForce RTX 4080 Laptop GPU", base=WINDOWS, driver="551.86"),
            on_windows(windows_torch("2.2.2+cpu", None, "2.2.2")),
        ),
        "torch-cpu-build",
        "+cu126",
    ),
    Thread(
        "T03",
        "oobabooga/textgen#645",
        of(
            card("NVIDIA GeForce RTX 4090", base=WINDOWS, driver="528.49"),
            on_windows(windows_torch("2.0.0+cpu", None)),
        ),
        "torch-cpu-build",
        "+cu126",
    ),
    Thread(
        "T05",
        "conda/conda#11001",
        of(host("linux-conda-rtx3090-550.120"), conda_torch("1.10.0", None, "py3.6_cpu_0", python="3.6")),
        "conda-cpu-build",
        "conda remove -y -p /home/ada/miniforge3/envs/vision pytorch && ",
    ),
    Thread(
        "T07",
        "AIR-DISCOVER/ICRA2024-Sim2Real-AXS#5",
        of(
            seen(
                CONTAINER,
                gpu={"name": "NVIDIA GeForce RTX 3090", "pci_id": "2204", "capability": None},
                driver="525.147.05",
                variables={"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
            ),
            environment(torch("2.1.0+cu121", "12.1")),
            started_with(804, "forward compatibility was attempted on non supported HW"),
        ),
        "forward-compatibility",
        "take the compat folder out",
    ),
    Thread(
        "T09",
        "gpustack/gpustack#1254",
        OF_START["802-with-fabric-manager-not-installed"],
        "fabric-manager",
        "apt-get install nvidia-fabricmanager-570 && sudo systemctl enable",
    ),
    Thread(
        "T10",
        "hiyouga/LlamaFactory#8968",
        of(
            card(
                "NVIDIA B200",
                base=H100,
                driver="570.172.08",
                fabric_manager=FabricManager(state="active", version="570.86.10"),
                fabric_state="In Progress",
            ),
            environment(torch("2.8.0+cu128", "12.8")),
            started_with(802, "system not yet initialized"),
        ),
        "fabric-manager",
        "install Fabric Manager in the version of the driver (570.172.08)",
    ),
    Thread("T11", "NVIDIA/open-gpu-kernel-modules#901", OF_START["hmm-on-rocky"], "hmm-broken", "uvm_disable_hmm=1"),
    Thread(
        "T13",
        "NVIDIA/nvidia-container-toolkit#520",
        OF_START["container-on-wsl-lacks-a-library"],
        "container-toolkit-too-old",
        "Docker Desktop to 4.31",
    ),
    Thread(
        "T15",
        "pytorch/pytorch#88639",
        of(
            seen(RTX4090, system={"name": "Debian GNU/Linux 11 (bullseye)"}),
            environment(torch("2.8.0+cu128", "12.8")),
            unavailable("CUDA unknown error - this may be due to an incorrectly set up environment"),
        ),
        "uvm-broken",
        "modprobe -r nvidia_uvm",
    ),
    Thread(
        "T16",
        "pytorch/pytorch#49081",
        of(
            seen(
                CONTAINER,
                system={"container": "podman"},
                nodes=tuple(n for n in host(CONTAINER).parts.nodes if n.path != "/dev/nvidia-uvm"),
            ),
            environment(torch("2.7.1+cu126", "12.6")),
            unavailable("CUDA unknown error", torch_version="2.7.1+cu126", cuda="12.6"),
        ),
        "uvm-broken",
        "nvidia-modprobe -u",
    ),
    Thread(
        "T17",
        "NVIDIA/nvidia-container-toolkit#48",
        OF_START["container-lost-its-rights"],
        "container-without-gpu",
        "start the container anew",
        wrong="install the NVIDIA Container Toolkit",
    ),
    Thread(
        "T18",
        "microsoft/WSL#7056",
        of(
            seen(
                WSL,
                gpu={"is_driven": False},
                system={"kernel": "5.4.72-microsoft-standard-WSL2"},
                nodes=(),
                error_code=9,
                error="NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            ),
            environment(torch("2.7.1+cu126", "12.6")),
            unavailable(NO_DRIVER),
        ),
        "wsl-driver",
        "wsl --update; wsl --shutdown",
    ),
    Thread(
        "T19",
        "NVIDIA/cuml#6218",
        of(SHADOWED, environment(torch("2.7.1+cu126", "12.6")), unavailable(NO_DRIVER)),
        "wsl-driver",
        "apt-get remove --purge '^nvidia-.*'",
    ),
    Thread(
        "T20",
        "infiniflow/ragflow#4466",
        OF_START["library-path-of-the-same-major"],
        "cuda-on-library-path",
        "unset LD_LIBRARY_PATH",
        wrong="install",
    ),
    Thread(
        "T22",
        "psifx/psifx#16",
        of(
            host(RTX4090),
            mixed_packages(),
            torch_run(import_error="ImportError: libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4"),
        ),
        "cuda-libraries-broken",
        "torch==2.5.1",
    ),
    Thread(
        "T28",
        "kohya-ss/sd-scripts#1597",
        OF_START["windows-without-libomp140"],
        "system-library-missing",
        "2.4.1 or newer",
        wrong="torch==2.4.0",
    ),
    Thread(
        "T23",
        "mmartial/ComfyUI-Nvidia-Docker#61",
        of(
            card("NVIDIA GeForce GTX 1080 Ti", driver="570.133.20"),
            environment(torch("2.8.0+cu128", "12.8")),
            torch_run(
                ("NVIDIA GeForce GTX 1080 Ti", (6, 1), NO_IMAGE), arch_list=["sm_70", "sm_80", "sm_90", "sm_120"]
            ),
        ),
        "no-kernel-image",
        "+cu126",
    ),
    Thread(
        "T24",
        "pytorch/pytorch#153928",
        of(
            card("NVIDIA GeForce RTX 5070 Ti", driver="570.133.20", flavour="open"),
            environment(torch("2.6.0.dev20241112+cu121", "12.1")),
            torch_run(
                ("NVIDIA GeForce RTX 5070 Ti", (12, 0), NO_IMAGE),
                torch_version="2.6.0.dev20241112+cu121",
                cuda="12.1",
                arch_list=["sm_50", "sm_80", "sm_86", "sm_90"],
            ),
        ),
        "no-kernel-image",
        "+cu12",
        wrong="nightly",
    ),
    Thread(
        "T26",
        "bnsreenu/digitalsreeni-image-annotator#57",
        of(
            card("NVIDIA GeForce GTX 1050", driver="550.163.01"),
            environment(torch("2.8.0+cu128", "12.8"), vision("0.23.0+cu128")),
        ),
        "no-kernel-image",
        "torchvision==0.29.1+cu126",
    ),
    Thread(
        "T27",
        "IEIT-Yuan/Yuan-2.0#65",
        of(
            seen(CONTAINER, driver="450.80.02", kernel_module="450.80.02"),
            environment(torch("2.1.0+cu121", "12.1"), python="3.10.12"),
            unavailable(TOO_OLD, torch_version="2.1.0+cu121", cuda="12.1"),
        ),
        "driver-too-old",
        "+cu118",
    ),
    Thread(
        "T29",
        "vladmandic/sdnext#3531",
        of(
            host(WINDOWS),
            on_windows(
                windows_torch("2.4.0+cu121", "12.1"),
                vision("0.20.1+cu124", site="C:/Users/ada/venv/lib/python3.10/site-packages"),
            ),
        ),
        "torchvision-mismatch",
        "torchvision==0.19.0+cu121",
    ),
    Thread(
        "T31",
        "pytorch/vision#9174",
        OF_START["torch-of-the-user-folder"],
        "wrong-environment",
        "PYTHONNOUSERSITE",
        wrong="torch==2.6.0",
    ),
    Thread(
        "T32",
        "omacom/omarchy#4314",
        of(
            not_loaded("linux-gtx970-nouveau", "NVIDIA GeForce MX150", "590.48.01"),
            environment(torch("2.7.1+cu126", "12.6")),
            unavailable(NO_DRIVER, torch_version="2.7.1+cu126", cuda="12.6"),
        ),
        "driver-dropped-gpu",
        "branch R580",
        wrong="modprobe",
    ),
    Thread(
        "T33",
        "jade-hpc-gpu/jade-hpc-gpu.github.io#73",
        OF_START["exclusive-mode"],
        "gpu-exclusive",
        "end the other program",
    ),
    Thread(
        "T34",
        "conda-forge/pytorch-cpu-feedstock#303",
        of(
            jetson("36.4.0", "2.35"),
            conda_torch("2.5.1", "12.6", "cuda126_generic_py312_hdb7b4a3_206"),
            torch_run(
                ("Orin", (8, 7), NO_IMAGE),
                torch_file="/home/ada/miniforge3/envs/vision/lib/python3.12/site-packages/torch/__init__.py",
                torch_version="2.5.1",
                cuda="12.6",
                arch_list=["sm_50", "sm_80", "sm_86", "sm_90"],
            ),
        ),
        "no-kernel-image",
        "",
        wrong="cuda13",
    ),
    Thread(
        "T35",
        "pinokiocomputer/pinokio#1027",
        of(
            jetson("35.4.1", "2.31"),
            environment(torch("2.4.0", None, site=SITE39.replace("3.9", "3.10")), python="3.10.14"),
        ),
        "jetson-generic-wheel",
        "JetPack 5.1.2",
        wrong="envgen --gpu",
    ),
    Thread(
        "T36",
        "pytorch/pytorch#168065",
        of(GB200, environment(torch("2.9.1+cpu", None))),
        "torch-cpu-build",
        "torch==",
    ),
    Thread(
        "T37",
        "illinois-scicomp/machine-shop-maintenance#60",
        of(host("linux-rtx3070-mismatch-570.86.15"), environment(torch("2.7.1+cu126", "12.6"))),
        "driver-mismatch",
        "sudo reboot",
    ),
    Thread("T40", "pytorch/pytorch#131650", OF_START["mig-slice-not-named"], "mig-slice-unnamed", "MIG-"),
    Thread(
        "T41",
        "microsoft/WSL#9092",
        OF_START["too-many-gpus-for-wsl"],
        "gpu-out-of-memory",
        "CUDA_VISIBLE_DEVICES=0",
    ),
    Thread(
        "T43",
        "a public nvidia-bug-report log (Quadro P3200, 418.152)",
        OF_START["libraries-of-the-driver-not-installed"],
        "libcuda-missing",
        "user libraries of driver",
    ),
    Thread(
        "T44",
        "NVIDIA/open-gpu-kernel-modules#862",
        OF_START["driver-can-not-start-the-gpu"],
        "gpu-not-started",
        "Resizable BAR",
    ),
)


@pytest.mark.parametrize("thread", [pytest.param(thread, id=thread.number) for thread in THREADS])
def test_the_thread_gets_its_cause_and_what_helps(thread: Thread) -> None:
    diagnosis = judged(thread.context)
    assert diagnosis.errors[0].code == thread.code
    fix = diagnosis.fix
    assert fix is not None
    said = f"{fix.text}\n{fix.line}"
    assert thread.helps in said
    assert thread.wrong not in said


def test_all_33_are_there() -> None:
    assert len({thread.number for thread in THREADS}) == 33


def judged(context: Context) -> Diagnosis:
    from envgen.doctor.diagnose import diagnose

    return diagnose(context)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("linux-840m-lost-396.24", "gpu-lost"),
        ("linux-3xrtx4070-lost-535.230.02", "gpu-lost"),
        ("linux-p3200-418.152.00", "libcuda-missing"),
    ],
)
def test_a_captured_host_that_is_broken_is_said_to_be(name: str, code: str) -> None:
    assert [error.code for error in judged(context_of(host(name))).errors] == [code]


@pytest.mark.parametrize(
    "name",
    [
        "linux-4xgtx1080ti-384.59",
        "linux-gtx1080ti-430.40",
        "linux-2xgt1030-515.65.01",
        "linux-2xrtx4090-gt1030-535.113.01",
        "linux-2xa6000-535.113.01",
    ],
)
def test_a_captured_host_on_which_nothing_is_wrong_gets_no_error(name: str) -> None:
    assert [error.code for error in judged(context_of(host(name))).errors] == []
