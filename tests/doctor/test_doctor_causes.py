"""Each cause is found by its code, and nothing else is called an error.

Numbers 1 to 22 are causes of `is_available()` False, T1 to T5 of True but broken. Texts of errors are those that
PyTorch, CUDA and the loader print, as the threads named beside them quote them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from doctor.samples import (
    PREFIX,
    audio,
    conda,
    dist,
    environment,
    examine,
    host,
    torch,
    torch_run,
    unavailable,
    vision,
)
from doctor.samples_of_start import START_SAMPLES
from envgen.causes.table import CAUSES
from envgen.core.drivers import DriverVersion
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import RunOutcome, TorchRun
from envgen.facts.catalog import Catalog
from envgen.probe.observation import DeviceNode, EnvironmentKind, InstallSetting, Laptop, Observation, Xid

RTX4090 = "linux-rtx4090-570.133.20"
CU128 = torch("2.8.0+cu128", "12.8")
CPU = torch("2.8.0+cpu", None)
PYPI_213 = torch("2.13.0+cu130", "13.0", recorded="2.13.0")


@dataclass(frozen=True, slots=True)
class Sample:
    """One host, environment and run, and the one error that they must show. `words` must be in its evidence."""

    number: str
    code: str
    observation: Observation
    inspected: InspectedEnvironment | None = None
    run: TorchRun | None = None
    neighbours: tuple[InspectedEnvironment, ...] = ()
    words: str = ""


def setting(key: str, value: str, origin: str = "/home/ada/.config/pip/pip.conf") -> InstallSetting:
    return InstallSetting(origin=origin, key=key, value=value)


def with_nodes(name: str, *, closed: tuple[str, ...] = (), without: str = "") -> Observation:
    """A captured host whose device files are changed."""
    observation = host(name)
    nodes = tuple(
        DeviceNode(path=node.path, accessible=node.path not in closed)
        for node in observation.parts.nodes
        if node.path != without
    )
    return replace(observation, parts=replace(observation.parts, nodes=nodes))


def with_library(name: str, path: str, version: str, origin: str = "LD_LIBRARY_PATH") -> Observation:
    """A captured host whose loader takes another libcuda first."""
    from envgen.probe.observation import CudaLibrary

    observation = host(name, variables={"LD_LIBRARY_PATH": path.rsplit("/", 1)[0]})
    first = CudaLibrary(path=path, target=path, version=version, origin=origin)
    libraries = (first, *observation.parts.libraries)
    return replace(observation, parts=replace(observation.parts, libraries=libraries, user_library=version))


def with_driver(name: str, version: str) -> Observation:
    """A captured host whose driver is another one, which lists no GPU."""
    observation = host(name)
    gpus = tuple(replace(gpu, is_driven=False, capability=None) for gpu in observation.gpus)
    parts = replace(observation.parts, kernel_module=version, user_library=version, error="No devices were found")
    return replace(observation, gpus=gpus, parts=parts, driver=DriverVersion.parse(version))


def with_error(name: str, code: int, words: str) -> Observation:
    """A captured host on which NVML fails."""
    observation = host(name)
    gpus = tuple(replace(gpu, is_driven=False) for gpu in observation.gpus)
    return replace(observation, gpus=gpus, parts=replace(observation.parts, error_code=code, error=words))


def asleep(name: str, *, profile: str) -> Observation:
    """A captured host as a laptop with that GPU profile."""
    observation = host(name)
    laptop = Laptop(profile=profile, profile_from="/etc/prime-discrete")
    return replace(observation, system=replace(observation.system, laptop=laptop))


def with_silent_gpu(name: str) -> Observation:
    """A captured host whose GPU answers reads with all ones."""
    observation = host(name)
    gpus = tuple(replace(gpu, power="no answer (rev ff)") for gpu in observation.gpus)
    return replace(observation, gpus=gpus, xids=(Xid(pci_address="0000:01:00.0", code=79),))


def seen_by_nothing(name: str, *, without: tuple[str, ...] = ()) -> Observation:
    """A captured host on which neither the bus nor the driver's own files show a GPU, and some sources are absent."""
    observation = host(name)
    parts = replace(observation.parts, kernel_module="", modules=(), nodes=())
    sources = tuple(source for source in observation.sources if source.name not in without)
    return replace(observation, gpus=(), parts=parts, driver=None, sources=sources)


def taken_by_vfio(name: str) -> Observation:
    """A captured host whose GPUs are set aside for virtual machines."""
    observation = host(name)
    return replace(observation, gpus=tuple(replace(gpu, kernel_driver="vfio-pci") for gpu in observation.gpus))


def stopped_import(outcome: RunOutcome, reason: str) -> TorchRun:
    """A run that ended before the import did."""
    return TorchRun(outcome=outcome, reason=reason, stage="prefix")


WINDOWS_CPU = environment(
    torch("2.15.0+cpu", None, recorded="2.15.0", site="C:/Users/ada/venv/lib/python3.12/site-packages"),
    prefix="C:/Users/ada/venv",
    executable="C:/Users/ada/venv/Scripts/python.exe",
    platform="win-amd64",
)
CONDA_PREFIX = "/home/ada/miniforge3/envs/vision"
CONDA_SITE = f"{CONDA_PREFIX}/lib/python3.12/site-packages"
CONDA = "linux-conda-rtx3090-550.120"
NO_GPU_SEEN = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"

SAMPLES = [
    # 1: xxyzz/WordDumb#91, JBjoernskov/Twin4Build#167, pytorch/pytorch#43493
    Sample("1-windows-default-wheel", "torch-cpu-build", host("windows-rtx4070-560.94"), WINDOWS_CPU, words="PyPI"),
    Sample("1-cpu-index", "torch-cpu-build", host(RTX4090), environment(CPU), words="no CUDA"),
    Sample(
        "1-cpu-index-seen-by-torch",
        "torch-cpu-build",
        host(RTX4090),
        environment(CPU, vision("0.23.0+cpu")),
        torch_run(torch_version="2.8.0+cpu", cuda=None, available=False, vision_version="0.23.0+cpu", vision_error=""),
    ),
    # 2: pytorch/pytorch#4546, weaviate/Verba#72
    Sample("2-windows-511", "driver-too-old", host("windows-mx450-512.78"), environment(CU128), words="528.33"),
    Sample(
        "2-linux-515",
        "driver-too-old",
        host("linux-gtx1060-515.65.01"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="525.60.13",
    ),
    Sample("2-r570-cu130", "driver-too-old", host(RTX4090), environment(PYPI_213), words="580.65.06"),
    Sample(
        "2-torch-says-so",
        "driver-too-old",
        host(RTX4090),
        environment(PYPI_213),
        unavailable(
            "The NVIDIA driver on your system is too old (found version 12080). Please update your GPU driver",
            torch_version="2.13.0+cu130",
            cuda="13.0",
        ),
        words="found version 12080",
    ),
    # 3: pytorch/pytorch#74733
    Sample(
        "3-nouveau",
        "no-driver",
        host("linux-gtx970-nouveau"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="nouveau",
    ),
    Sample("3-fresh", "no-driver", host("linux-gtx1650-none"), environment(CU128), words="no nvidia module"),
    Sample("3-secure-boot", "no-driver", host("linux-rtx4070-secure-boot"), environment(CU128), words="Secure Boot"),
    Sample("3-windows", "no-driver", host("windows-gtx1650-none"), environment(CU128), words="no driver is installed"),
    Sample("3-torch-says-so", "no-driver", host("linux-gtx1650-none"), environment(CU128), unavailable(NO_GPU_SEEN)),
    # 4: open-edge-platform/anomalib#584
    Sample(
        "4-no-gpus-flag",
        "container-without-gpu",
        host("container-none-rtx3090"),
        environment(CU128),
        words="/dev holds no",
    ),
    Sample(
        "4-torch-says-so",
        "container-without-gpu",
        host("container-none-rtx3090"),
        environment(CU128),
        unavailable(NO_GPU_SEEN),
    ),
    # 5: conda/conda#14761
    Sample(
        "5-solver",
        "conda-cpu-build",
        host(CONDA),
        environment(
            conda("pytorch", "2.12.0", "cpu_mkl_py314_h94e416f_100", CONDA_PREFIX),
            torch("2.12.0", None, installer="conda", site=CONDA_SITE),
            kind=EnvironmentKind.CONDA,
            prefix=CONDA_PREFIX,
        ),
        words="cpu_mkl_py314",
    ),
    # 6: thousandbrainsproject/tbp.monty#385
    Sample(
        "6-two-dist-infos",
        "torch-replaced",
        host(RTX4090),
        environment(CU128, dist("torch", "2.7.1")),
        words="twice",
    ),
    Sample(
        "6-pip-over-conda",
        "torch-replaced",
        host(CONDA),
        environment(
            conda("pytorch", "2.10.0", "cuda128_mkl_py312_h1234567_300", CONDA_PREFIX),
            torch("2.8.0+cpu", None, site=CONDA_SITE),
            kind=EnvironmentKind.CONDA,
            prefix=CONDA_PREFIX,
        ),
        words="pip wrote torch",
    ),
    Sample(
        "6-half-replaced",
        "torch-replaced",
        host(RTX4090),
        environment(torch("2.7.1+cu128", "12.8", recorded="2.8.0")),
        words="2.7.1",
    ),
    # 7: pytorch/pytorch#1040
    *(
        Sample(
            f"7-{name}",
            "visible-devices",
            host(RTX4090, variables={"CUDA_VISIBLE_DEVICES": value}),
            environment(CU128),
        )
        for name, value in (
            ("empty", ""),
            ("minus-one", "-1"),
            ("out-of-range", "1"),
            ("stale-uuid", "GPU-deadbeef"),
            ("twice", "0,0"),  # torch/cuda/__init__.py: "Repeated ordinal results in empty set"
            ("no-uuid", "GPU-"),
            ("left-from-slurm", "NoDevFiles"),
        )
    ),
    Sample(
        "7-torch-says-so",
        "visible-devices",
        host(RTX4090, variables={"CUDA_VISIBLE_DEVICES": "7"}),
        environment(CU128),
        unavailable("No CUDA GPUs are available"),
    ),
    # 8: microsoft/WSL#7056, microsoft/WSL#9092
    Sample(
        "8-linux-driver-inside",
        "wsl-driver",
        host("wsl2-rtx3080-shadowed-560.94"),
        environment(CU128),
        words="535.183.01",
    ),
    Sample("8-wsl1", "wsl-driver", host("wsl1-none"), environment(CU128), words="WSL 1"),
    Sample(
        "8-no-dxg",
        "wsl-driver",
        with_nodes("wsl2-rtx3080-shadowed-560.94", without="/dev/dxg"),
        environment(CU128),
        words="/dev/dxg",
    ),
    # 9: openSUSE/SUSEPrime#58, seerge/g-helper#5156
    Sample(
        "9-prime-intel",
        "gpu-powered-off",
        host("laptop-rtx3050-prime-intel"),
        environment(CU128),
        words="profile intel",
    ),
    Sample("9-eco-mode", "gpu-powered-off", host("windows-laptop-rtx3060-eco"), environment(CU128), words="problem 45"),
    # 10: pytorch/pytorch#88639
    Sample(
        "10-after-suspend",
        "uvm-broken",
        host(RTX4090),
        environment(CU128),
        unavailable(
            "CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env variable "
            "CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero."
        ),
    ),
    Sample(
        "10-container-without-uvm",
        "uvm-broken",
        with_nodes("container-a100-550.54.15", without="/dev/nvidia-uvm"),
        environment(CU128),
    ),
    # 11: pytorch/pytorch#45109
    Sample(
        "11-nvml", "driver-mismatch", host("linux-rtx3070-mismatch-570.86.15"), environment(CU128), words="570.86.15"
    ),
    Sample(
        "11-torch-says-803",
        "driver-mismatch",
        host("linux-rtx3070-mismatch-570.86.15"),
        environment(CU128),
        unavailable(
            "Unexpected error from cudaGetDeviceCount(). Error 803: system has unsupported display driver / cuda "
            "driver combination"
        ),
    ),
    # 12: NVIDIA/nvidia-docker#1515, mistralai/mistral-inference#144
    Sample(
        "12-torch-says-804",
        "forward-compatibility",
        host(RTX4090),
        environment(CU128),
        unavailable(
            "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
            "NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on "
            "non supported HW"
        ),
    ),
    Sample(
        "12-compat-first",
        "forward-compatibility",
        with_library(RTX4090, "/usr/local/cuda-12.9/compat/libcuda.so.1", "575.57.08"),
        environment(CU128),
    ),
    # 13: pytorch/pytorch#35710
    Sample(
        "13-stopped", "fabric-manager", host("linux-8xh100-fabric-570.133.20"), environment(CU128), words="inactive"
    ),
    Sample(
        "13-torch-says-802",
        "fabric-manager",
        host("linux-8xh100-fabric-570.133.20"),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized"),
        words="Error 802",
    ),
    # 14: pytorch/tensorpipe#294
    Sample(
        "14-stubs",
        "libcuda-shadowed",
        with_library(RTX4090, "/usr/local/cuda/lib64/stubs/libcuda.so.1", ""),
        environment(CU128),
        words="stub",
    ),
    Sample(
        "14-torch-loaded-a-stub",
        "libcuda-shadowed",
        host(RTX4090),
        environment(CU128),
        unavailable("Error 34: CUDA driver is a stub library", libraries=["/usr/local/cuda/lib64/stubs/libcuda.so"]),
        words="stub",
    ),
    Sample(
        "14-loader-finds-none",
        "libcuda-shadowed",
        host(RTX4090),
        environment(CU128),
        unavailable(NO_GPU_SEEN),
        words="the driver answers NVML",
    ),
    # 15: conda-forge/pytorch-cpu-feedstock#303
    Sample(
        "15-cpu-wheel",
        "jetson-generic-wheel",
        host("jetson-orin-r36.4.3"),
        environment(torch("2.7.1+cpu", None)),
        words="L4T 36.4.3",
    ),
    Sample(
        "15-server-wheel",
        "jetson-generic-wheel",
        host("jetson-orin-r36.4.3"),
        environment(PYPI_213, dist("nvidia-cublas", "13.1.0.3")),
        words="ARM servers",
    ),
    # 16: pytorch/pytorch#91543, #168897
    Sample(
        "16-python-too-new", "no-wheel-for-python", host(RTX4090), environment(python="3.17.0"), words="Python 3.17"
    ),
    Sample("16-32-bit", "no-wheel-for-python", host("windows-rtx4070-560.94"), environment(bits=32), words="32-bit"),
    Sample(
        "16-free-threaded",
        "no-wheel-for-python",
        host(RTX4090),
        environment(python="3.12.8", free_threaded=True),
        words="3.12t",
    ),
    Sample("16-musl", "no-wheel-for-python", host(RTX4090), environment(musl=True), words="musl"),
    # 17: pytorch/pytorch#26340
    Sample(
        "17-macos", "no-nvidia-gpu", host("macos-m3"), environment(torch("2.15.0", None)), words="no display device"
    ),
    Sample("17-amd", "no-nvidia-gpu", host("linux-amd-rx7900xtx"), environment(CPU), words="amd"),
    Sample("17-intel", "no-nvidia-gpu", host("linux-intel-arc-a770"), environment(PYPI_213), words="intel"),
    Sample(
        "17-slow-computer",  # NVML is asked through a child of Python, which has a start of its own
        "no-nvidia-gpu",
        seen_by_nothing("linux-rtx2080ti-hung", without=("nvidia-smi-q", "nvidia-smi-csv")),
        environment(CPU),
    ),
    # 18: pytorch/pytorch#10529
    Sample(
        "18-other-environment",
        "wrong-environment",
        host(RTX4090),
        environment(prefix="/usr"),
        None,
        (environment(CU128),),
        words=PREFIX,
    ),
    Sample(
        "18-user-site",
        "wrong-environment",
        host(RTX4090),
        environment(
            torch("2.8.0+cpu", None, site="/home/ada/.local/lib/python3.12/site-packages"),
            path=("/home/ada/.local/lib/python3.12/site-packages",),
        ),
        words=".local",
    ),
    Sample(
        "18-user-site-beside-conda",
        "wrong-environment",
        host(CONDA),
        environment(
            conda("pytorch", "2.10.0", "cuda128_mkl_py312_h1234567_300", CONDA_PREFIX),
            torch("2.10.0", "12.8", installer="conda", site=CONDA_SITE),
            torch("2.8.0+cu128", "12.8", site="/home/ada/.local/lib/python3.12/site-packages"),
            kind=EnvironmentKind.CONDA,
            prefix=CONDA_PREFIX,
            path=("/home/ada/.local/lib/python3.12/site-packages",),
        ),
        words=".local",
    ),
    Sample(
        "18-local-file",
        "wrong-environment",
        host(RTX4090),
        environment(CU128),
        torch_run(
            torch_file=f"{PREFIX}/project/torch.py",
            import_error="AttributeError: module torch is not PyTorch",
            available=None,
        ),
        words="torch.py",
    ),
    # 19: pytorch/ci-infra#661, pytorch/pytorch#95135
    Sample(
        "19-extra-index",
        "index-diverted",
        replace(
            host("windows-rtx4070-560.94"),
            settings=(setting("extra-index-url", "https://download.pytorch.org/whl/cu126"),),
        ),
        WINDOWS_CPU,
        words="extra-index-url",
    ),
    Sample(
        "19-cpu-index-in-config",
        "index-diverted",
        host(RTX4090, settings=(setting("index-url", "https://download.pytorch.org/whl/cpu"),)),
        environment(CPU),
        words="/whl/cpu",
    ),
    # 20: talmolab/sleap-nn#635
    Sample(
        "20-library-not-found",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128),
        torch_run(
            import_error="ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory",
            available=None,
        ),
        words="libcudnn.so.9",
    ),
    Sample(
        "20-windows-dll",
        "system-library-missing",
        host("windows-rtx4070-560.94"),
        environment(CU128),
        torch_run(
            import_error='OSError: [WinError 126] The specified module could not be found. Error loading "c10.dll"',
            available=None,
        ),
        words="WinError 126",
    ),
    Sample(
        "20-requirement-missing",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(
            torch("2.8.0+cu128", "12.8", requires=['nvidia-cudnn-cu12==9.10.2.21; platform_system == "Linux"'])
        ),
        words="nvidia-cudnn-cu12==9.10.2.21",
    ),
    Sample(
        "20-other-version",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(
            torch("2.8.0+cu128", "12.8", requires=["nvidia-cublas-cu12==12.8.4.1"]),
            dist("nvidia-cublas-cu12", "12.6.4.1"),
        ),
        words="installed is 12.6.4.1",
    ),
    Sample(
        "20-file-gone",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128, dist("nvidia-cudnn-cu12", "9.10.2.21", gone=["nvidia/cudnn/lib/libcudnn.so.9"])),
        words="libcudnn.so.9",
    ),
    # 21: trixie-cluster/trixie#9
    Sample(
        "21-closed-nodes",
        "no-permission",
        with_nodes(RTX4090, closed=("/dev/nvidiactl", "/dev/nvidia0")),
        environment(CU128),
        words="/dev/nvidiactl",
    ),
    Sample(
        "21-slurm",
        "no-permission",
        host(RTX4090, variables={"SLURM_JOB_ID": "41", "CUDA_VISIBLE_DEVICES": "NoDevFiles"}),
        environment(CU128),
        words="SLURM",
    ),
    Sample(
        "21-mig-without-instance",
        "no-permission",
        host("linux-a100-mig-empty-535.129.03"),
        environment(CU128),
        words="MIG",
    ),
    # 22: microsoft/WSL#9092
    Sample("22-fell-off-the-bus", "gpu-lost", host("linux-rtx3090-lost-560.35.03"), environment(CU128), words="Xid 79"),
    Sample(
        "22-out-of-memory",
        "gpu-out-of-memory",
        host("wsl2-rtx3080-560.94"),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 2: out of memory"),
        words="Error 2",
    ),
    Sample("22-driver-hangs", "driver-hangs", host("linux-rtx2080ti-hung"), environment(CU128), words="no answer"),
    Sample(
        "22-driver-hangs-and-hides-the-gpu",
        "driver-hangs",
        seen_by_nothing("linux-rtx2080ti-hung"),
        environment(CU128),
        words="no answer",
    ),
    # T1: pytorch/pytorch#31285, astral-sh/uv#14742
    Sample(
        "T1-pascal-cu128",
        "no-kernel-image",
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8")),
        words="6.1",
    ),
    Sample(
        "T1-blackwell-cu126",
        "no-kernel-image",
        host("linux-uv-rtx5090-580.95.05"),
        environment(torch("2.8.0+cu126", "12.6")),
        words="12.0",
    ),
    Sample(
        "T1-torch-says-so",
        "no-kernel-image",
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8")),
        torch_run(
            (
                "NVIDIA GeForce GTX 1080 Ti",
                (6, 1),
                "RuntimeError: CUDA error: no kernel image is available for execution on the device",
            ),
            arch_list=["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"],
        ),
        words="no kernel image",
    ),
    # T2: pytorch/vision#8985
    Sample(
        "T2-release",
        "torchvision-mismatch",
        host(RTX4090),
        environment(CU128, vision("0.22.1+cu128", requires=["torch==2.7.1"])),
        words="torch==2.7.1",
    ),
    Sample(
        "T2-tag",
        "torchvision-mismatch",
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu126", requires=["torch==2.8.0"])),
        words="cu126",
    ),
    Sample(
        "T2-torch-says-so",
        "torchvision-mismatch",
        host(RTX4090),
        environment(CU128, vision("0.22.1+cu128")),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_error="RuntimeError: operator torchvision::nms does not exist",
        ),
        words="nms does not exist",
    ),
    # GOATmessi8/ASFF#52, pytorch/vision#5729, pytorch/vision#8236: of a pair by its number, and not of this torch.
    Sample(
        "T2-undefined-symbol",
        "torchvision-mismatch",
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu128")),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_error="ImportError: torchvision/_C.so: undefined symbol: _ZN3c105ErrorC1ENS_14SourceLocationE",
        ),
        words="does not belong to this torch",
    ),
    Sample(
        "T2-no-code-for-this-gpu",
        "torchvision-mismatch",
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu128")),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_version="0.23.0+cu128",
            vision_error="RuntimeError: CUDA error: no kernel image is available for execution on the device",
        ),
        words="no kernel image",
    ),
    Sample(
        "crash-after-all-that-torch-does",
        "unexplained",
        host(RTX4090),
        environment(CU128),
        replace(
            torch_run(("NVIDIA GeForce RTX 4090", (8, 9), ""), outcome=RunOutcome.CRASHED),
            reason="python died of signal 11",
        ),
        words="torch computes and then crashes",
    ),
    # torchaudio's own metadata (torch==2.5.0), and its check of CUDA since pytorch/audio#2707
    Sample(
        "T2-torchaudio-release",
        "torchaudio-mismatch",
        host(RTX4090),
        environment(CU128, audio("2.5.0+cu124", requires=["torch==2.5.0"])),
        torch_run(("NVIDIA GeForce RTX 4090", (8, 9), "")),
        words="torchaudio 2.5.0+cu124 requires torch==2.5.0",
    ),
    Sample(
        "T2-torchaudio-tag",
        "torchaudio-mismatch",
        host(RTX4090),
        environment(CU128, audio("2.8.0+cu126", requires=["torch==2.8.0"])),
        words="torch is built for cu128, torchaudio for cu126",
    ),
    Sample(
        "T2-torchaudio-by-the-table",  # 2.11.0 requires no torch; pytorch/audio#4212: torch 2.11 or newer
        "torchaudio-mismatch",
        host(RTX4090),
        environment(CU128, audio("2.11.0+cu128")),
        words="torch 2.8.0 goes with torchaudio 2.8.0",
    ),
    Sample(
        "T2-torchtext",  # pytorch/text#2288: undefined symbol
        "companion-mismatch",
        host(RTX4090),
        environment(CU128, dist("torchtext", "0.18.0", requires=["torch>=2.3.0"])),
        words="built for torch ==2.3.*",
    ),
    Sample(
        "T2-torchcodec",  # meta-pytorch/torchcodec#1180: torch was newer than torchcodec there, here it is older
        "companion-mismatch",
        host(RTX4090),
        environment(CU128, dist("torchcodec", "0.17.0")),
        words="built for torch >=2.11",
    ),
    # T3: pytorch/pytorch#62350
    Sample(
        "T3-label",
        "torchvision-cpu",
        host(RTX4090),
        environment(CU128, vision("0.23.0+cpu", requires=["torch==2.8.0"])),
    ),
    Sample(
        "T3-torch-says-so",
        "torchvision-cpu",
        host(RTX4090),
        environment(CU128, vision("0.23.0")),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_version="0.23.0",
            vision_error="NotImplementedError: Could not run 'torchvision::nms' with arguments from the 'CUDA'",
        ),
        words="Could not run",
    ),
    # T4: CUDA compatibility guide, "limitations of minor version compatibility"
    Sample(
        "T4-torch-says-so",
        "ptx-too-new",
        host(RTX4090),
        environment(torch("2.9.1+cu129", "12.9")),
        torch_run(
            (
                "NVIDIA GeForce RTX 4090",
                (8, 9),
                "RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.",
            ),
            torch_version="2.9.1+cu129",
            cuda="12.9",
            arch_list=["compute_80"],
        ),
        words="unsupported toolchain",
    ),
    # T5: apache/mahout#1320
    Sample(
        "T5-old-second-card",
        "mixed-gpus",
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8")),
        words="GT 710",
    ),
    Sample(
        "T5-torch-says-so",
        "mixed-gpus",
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8")),
        torch_run(
            ("NVIDIA GeForce RTX 3090", (8, 6), ""),
            (
                "NVIDIA GeForce GT 710",
                (3, 5),
                "RuntimeError: CUDA error: no kernel image is available for execution on the device",
            ),
            torch_version="2.3.1+cu118",
            cuda="11.8",
            arch_list=["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_37", "sm_90"],
        ),
        words="GT 710",
    ),
    # Where one cause brings another about, only the first is named.
    Sample(
        "9-asleep-without-module",
        "gpu-powered-off",
        asleep("linux-gtx1650-none", profile="intel"),
        environment(CU128),
        words="suspended",
    ),
    Sample(
        "22-lost-and-hanging",
        "gpu-lost",
        with_silent_gpu("linux-rtx2080ti-hung"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="rev ff",
    ),
    Sample(
        "4-rights-lost-while-running",  # NVIDIA/nvidia-container-toolkit#48
        "container-without-gpu",
        with_error("container-a100-550.54.15", 999, "Unknown Error"),
        environment(CU128),
        unavailable("CUDA unknown error - this may be due to an incorrectly set up environment"),
        words="Unknown Error",
    ),
    Sample(
        "driver-predates-and-too-old",
        "driver-predates-gpu",
        with_driver("linux-uv-rtx5090-580.95.05", "565.57.01"),
        environment(PYPI_213),
    ),
    Sample(
        "11-mismatch-that-torch-calls-804",
        "driver-mismatch",
        host("linux-rtx3070-mismatch-570.86.15"),
        environment(CU128),
        unavailable("Error 804: forward compatibility was attempted on non supported HW"),
    ),
    Sample(
        "2-and-only-ptx",
        "driver-too-old",
        host("linux-gtx1060-515.65.01"),
        environment(torch("2.7.1+cu126", "12.6")),
        unavailable("No CUDA GPUs are available", torch_version="2.7.1+cu126", cuda="12.6", arch_list=["compute_50"]),
    ),
    Sample(
        "T1-and-too-new-cudnn",
        "no-kernel-image",
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8"), dist("nvidia-cudnn-cu12", "9.12.0.46")),
    ),
    Sample(
        "T5-and-too-new-cudnn",
        "mixed-gpus",
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8"), dist("nvidia-cudnn-cu11", "8.9.6.50")),
    ),
    # The causes that notes on cuDNN, driver branches and other vendors add.
    Sample(
        "cudnn-on-pascal",
        "cudnn-unsupported",
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu126", "12.6"), dist("nvidia-cudnn-cu12", "9.11.0.98")),
        words="9.11",
    ),
    Sample(
        "driver-dropped-pascal",
        "driver-dropped-gpu",
        host("linux-gtx1080-595.58.03"),
        environment(torch("2.14.1+cu126", "12.6")),
        words="R580",
    ),
    Sample(
        "driver-predates-blackwell",
        "driver-predates-gpu",
        with_driver("linux-uv-rtx5090-580.95.05", "565.57.01"),
        environment(CU128),
        words="R570",
    ),
    Sample("gpu-of-a-virtual-machine", "gpu-passed-through", taken_by_vfio("linux-gtx1650-none"), environment(CU128)),
    Sample("nothing-installed", "torch-missing", host(RTX4090), environment(), words="no torch"),
    Sample(
        "rocm",
        "torch-other-backend",
        host(RTX4090),
        environment(CU128),
        torch_run(torch_version="2.8.0+rocm6.4", cuda=None, hip="6.4.43482", available=False),
    ),
    Sample(
        "import-fails",
        "torch-import-failed",
        host(RTX4090),
        environment(CU128),
        torch_run(import_error="ImportError: cannot import name 'foo' from 'torch._C'", available=None),
    ),
    Sample(
        "import-hangs",
        "torch-import-hangs",
        host(RTX4090),
        environment(CU128),
        stopped_import(RunOutcome.TIMED_OUT, "torch gave no answer within 60 s"),
        words="no answer within 60 s",
    ),
    Sample(
        "import-crashes",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128),
        stopped_import(RunOutcome.CRASHED, "python died of signal 11"),
        words="signal 11",
    ),
    Sample(
        "import-hangs-over-a-missing-file",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128, dist("nvidia-cudnn-cu12", "9.10.2.21", gone=["nvidia/cudnn/lib/libcudnn.so.9"])),
        stopped_import(RunOutcome.TIMED_OUT, "torch gave no answer within 60 s"),
        words="libcudnn.so.9",
    ),
    Sample(
        "paging-file",  # learn.microsoft.com, System Error Codes (1300-1699): ERROR_COMMITMENT_LIMIT
        "paging-file-too-small",
        host("windows-rtx4070-560.94"),
        environment(CU128),
        torch_run(
            import_error="OSError: [WinError 1455] The paging file is too small for this operation to complete. Error "
            'loading "C:\\venv\\Lib\\site-packages\\torch\\lib\\cudnn_cnn64_9.dll" or one of its dependencies.',
            available=None,
        ),
        words="1455",
    ),
    Sample(
        "unexplained",
        "unexplained",
        host(RTX4090),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 719: unspecified launch failure"),
        words="719",
    ),
    # pytorch/builder#1859, m-bain/whisperX#902, pytorch/pytorch#54047: plain kernels are fine, cuDNN is not.
    Sample(
        "convolution-without-its-library",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: Unable to load any of {libcudnn_cnn.so.9.1.0, libcudnn_cnn.so.9.1}",
        ),
        words="libcudnn_cnn.so.9",
    ),
    Sample(
        "convolution-aborts-without-its-library",
        "cuda-libraries-broken",
        host(RTX4090),
        environment(CU128),
        replace(
            torch_run(("NVIDIA GeForce RTX 4090", (8, 9), ""), convolution_error=None, outcome=RunOutcome.CRASHED),
            reason="python died of signal 6: Invalid handle. Cannot load symbol cudnnCreateConvolutionDescriptor",
        ),
        words="cudnnCreateConvolutionDescriptor",
    ),
    Sample(
        "convolution-fails",
        "unexplained",
        host(RTX4090),
        environment(CU128),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        ),
        words="CUDNN_STATUS_NOT_INITIALIZED",
    ),
    Sample(
        "cudnn-on-library-path",  # both at once: the library of the path is the one that does not fit
        "cuda-on-library-path",
        host(RTX4090, variables={"LD_LIBRARY_PATH": "/usr/local/cuda-11.8/lib64"}),
        environment(
            CU128, {"/usr/local/cuda-11.8/lib64/libcudnn.so.8": ""}, library_path=["/usr/local/cuda-11.8/lib64"]
        ),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            cudnn_error="RuntimeError: cuDNN version incompatibility: PyTorch was compiled  against (9, 10, 2) but "
            "found runtime version (8, 9, 2). one possibility is that there is a conflicting cuDNN in LD_LIBRARY_PATH.",
            convolution_error="RuntimeError: Could not load library libcudnn_cnn_infer.so.8",
        ),
        words="/usr/local/cuda-11.8/lib64/libcudnn.so.8",
    ),
    Sample(
        "convolution-fails-with-a-stack-trace",  # pytorch/pytorch#54047
        "unexplained",
        host(RTX4090),
        environment(CU128),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED\nframe #17: "
            "at::_ops::convolution::redispatch + 0x176 (0x7f58499df106 in torch/lib/libtorch_cpu.so)",
        ),
        words="CUDNN_STATUS_NOT_INITIALIZED",
    ),
    Sample(
        "convolution-out-of-memory",
        "gpu-out-of-memory",
        host(RTX4090),
        environment(CU128),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        ),
        words="out of memory",
    ),
    Sample(
        "python-does-not-start",
        "python-unusable",
        host(RTX4090),
        environment(CU128),
        TorchRun(outcome=RunOutcome.NOT_RUN, reason=f"{PREFIX}/bin/python could not be started: Exec format error"),
        words="Exec format error",
    ),
    Sample("crash", "unexplained", host(RTX4090), environment(CU128), torch_run(outcome=RunOutcome.CRASHED)),
]


@pytest.mark.parametrize("sample", [pytest.param(p, id=p.number) for p in SAMPLES])
def test_cause_is_found_alone(sample: Sample) -> None:
    diagnosis = examine(sample.observation, sample.inspected, sample.run, sample.neighbours)
    assert [finding.code for finding in diagnosis.errors] == [sample.code]
    assert sample.words in "\n".join((diagnosis.errors[0].title, *diagnosis.errors[0].evidence))
    assert diagnosis.exit_code(strict=False) == 1
    assert diagnosis.fix is not None


def test_every_numbered_cause_has_a_sample() -> None:
    numbers = {sample.number.split("-")[0] for sample in SAMPLES}
    assert {*(str(n) for n in range(1, 23)), "T1", "T2", "T3", "T4", "T5"} <= numbers


def test_every_error_code_is_reached() -> None:
    only_as_warning = {"cudnn-overlap", "sources-disagree"}
    reached = {sample.code for sample in SAMPLES} | {sample.code for sample in START_SAMPLES}
    untried = {cause.code for cause in CAUSES} - only_as_warning - reached
    assert not untried, "add a sample of each here or to samples_of_start.py, with the thread that it comes from"
    assert reached <= {cause.code for cause in CAUSES}, "a sample of a code that causes/table.py does not have"


def test_what_is_built_for_one_torch_is_looked_at() -> None:
    """Of the packages that are installed only some are read."""
    for row in Catalog.load().rows("companion_torch"):
        assert environment(CU128, dist(row["package"], "1.0")).named(row["package"]), row
