"""Each cause is found by its code, and nothing else is called an error.

Numbers 1 to 22 are causes of `is_available()` False, T1 to T5 of True but broken. Texts of errors are those that
PyTorch, CUDA and the loader print, as the threads named beside them quote them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from doctor.patients import (
    PREFIX,
    audio,
    conda,
    dist,
    environment,
    examine,
    host,
    live,
    torch,
    unavailable,
    vision,
)
from envgen.core.drivers import DriverVersion
from envgen.doctor.findings import Code
from envgen.environments.inspected import Target
from envgen.environments.torch_run import Live, LiveOutcome
from envgen.probe.observation import DeviceNode, EnvironmentKind, InstallSetting, Laptop, Observation, Xid

RTX4090 = "linux-rtx4090-570.133.20"
CU128 = torch("2.8.0+cu128", "12.8")
CPU = torch("2.8.0+cpu", None)
PYPI_213 = torch("2.13.0+cu130", "13.0", recorded="2.13.0")


@dataclass(frozen=True, slots=True)
class Patient:
    """One host, environment and run, and the one error that they must show. `words` must be in its evidence."""

    number: str
    code: Code
    observation: Observation
    target: Target | None = None
    run: Live | None = None
    neighbours: tuple[Target, ...] = ()
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


def stopped_import(outcome: LiveOutcome, reason: str) -> Live:
    """A run that ended before the import did."""
    return Live(outcome=outcome, reason=reason, stage="prefix")


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

PATIENTS = [
    # 1: xxyzz/WordDumb#91, JBjoernskov/Twin4Build#167, pytorch/pytorch#43493
    Patient("1-windows-default-wheel", Code.TORCH_CPU_BUILD, host("windows-rtx4070-560.94"), WINDOWS_CPU, words="PyPI"),
    Patient("1-cpu-index", Code.TORCH_CPU_BUILD, host(RTX4090), environment(CPU), words="no CUDA"),
    Patient(
        "1-cpu-index-seen-by-torch",
        Code.TORCH_CPU_BUILD,
        host(RTX4090),
        environment(CPU, vision("0.23.0+cpu")),
        live(torch_version="2.8.0+cpu", cuda=None, available=False, vision_version="0.23.0+cpu", vision_error=""),
    ),
    # 2: pytorch/pytorch#4546, weaviate/Verba#72
    Patient("2-windows-511", Code.DRIVER_TOO_OLD, host("windows-mx450-512.78"), environment(CU128), words="528.33"),
    Patient(
        "2-linux-515",
        Code.DRIVER_TOO_OLD,
        host("linux-gtx1060-515.65.01"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="525.60.13",
    ),
    Patient("2-r570-cu130", Code.DRIVER_TOO_OLD, host(RTX4090), environment(PYPI_213), words="580.65.06"),
    Patient(
        "2-torch-says-so",
        Code.DRIVER_TOO_OLD,
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
    Patient(
        "3-nouveau",
        Code.NO_DRIVER,
        host("linux-gtx970-nouveau"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="nouveau",
    ),
    Patient("3-fresh", Code.NO_DRIVER, host("linux-gtx1650-none"), environment(CU128), words="no nvidia module"),
    Patient(
        "3-secure-boot", Code.NO_DRIVER, host("linux-rtx4070-secure-boot"), environment(CU128), words="Secure Boot"
    ),
    Patient(
        "3-windows", Code.NO_DRIVER, host("windows-gtx1650-none"), environment(CU128), words="no driver is installed"
    ),
    Patient(
        "3-torch-says-so", Code.NO_DRIVER, host("linux-gtx1650-none"), environment(CU128), unavailable(NO_GPU_SEEN)
    ),
    # 4: open-edge-platform/anomalib#584
    Patient(
        "4-no-gpus-flag",
        Code.CONTAINER_WITHOUT_GPU,
        host("container-none-rtx3090"),
        environment(CU128),
        words="/dev holds no",
    ),
    Patient(
        "4-torch-says-so",
        Code.CONTAINER_WITHOUT_GPU,
        host("container-none-rtx3090"),
        environment(CU128),
        unavailable(NO_GPU_SEEN),
    ),
    # 5: conda/conda#14761
    Patient(
        "5-solver",
        Code.CONDA_CPU_BUILD,
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
    Patient(
        "6-two-dist-infos",
        Code.TORCH_REPLACED,
        host(RTX4090),
        environment(CU128, dist("torch", "2.7.1")),
        words="twice",
    ),
    Patient(
        "6-pip-over-conda",
        Code.TORCH_REPLACED,
        host(CONDA),
        environment(
            conda("pytorch", "2.10.0", "cuda128_mkl_py312_h1234567_300", CONDA_PREFIX),
            torch("2.8.0+cpu", None, site=CONDA_SITE),
            kind=EnvironmentKind.CONDA,
            prefix=CONDA_PREFIX,
        ),
        words="pip wrote torch",
    ),
    Patient(
        "6-half-replaced",
        Code.TORCH_REPLACED,
        host(RTX4090),
        environment(torch("2.7.1+cu128", "12.8", recorded="2.8.0")),
        words="2.7.1",
    ),
    # 7: pytorch/pytorch#1040
    *(
        Patient(
            f"7-{name}",
            Code.VISIBLE_DEVICES,
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
    Patient(
        "7-torch-says-so",
        Code.VISIBLE_DEVICES,
        host(RTX4090, variables={"CUDA_VISIBLE_DEVICES": "7"}),
        environment(CU128),
        unavailable("No CUDA GPUs are available"),
    ),
    # 8: microsoft/WSL#7056, microsoft/WSL#9092
    Patient(
        "8-linux-driver-inside",
        Code.WSL_DRIVER,
        host("wsl2-rtx3080-shadowed-560.94"),
        environment(CU128),
        words="535.183.01",
    ),
    Patient("8-wsl1", Code.WSL_DRIVER, host("wsl1-none"), environment(CU128), words="WSL 1"),
    Patient(
        "8-no-dxg",
        Code.WSL_DRIVER,
        with_nodes("wsl2-rtx3080-shadowed-560.94", without="/dev/dxg"),
        environment(CU128),
        words="/dev/dxg",
    ),
    # 9: openSUSE/SUSEPrime#58, seerge/g-helper#5156
    Patient(
        "9-prime-intel",
        Code.GPU_POWERED_OFF,
        host("laptop-rtx3050-prime-intel"),
        environment(CU128),
        words="profile intel",
    ),
    Patient(
        "9-eco-mode", Code.GPU_POWERED_OFF, host("windows-laptop-rtx3060-eco"), environment(CU128), words="problem 45"
    ),
    # 10: pytorch/pytorch#88639
    Patient(
        "10-after-suspend",
        Code.UVM_BROKEN,
        host(RTX4090),
        environment(CU128),
        unavailable(
            "CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env variable "
            "CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero."
        ),
    ),
    Patient(
        "10-container-without-uvm",
        Code.UVM_BROKEN,
        with_nodes("container-a100-550.54.15", without="/dev/nvidia-uvm"),
        environment(CU128),
    ),
    # 11: pytorch/pytorch#45109
    Patient(
        "11-nvml", Code.DRIVER_MISMATCH, host("linux-rtx3070-mismatch-570.86.15"), environment(CU128), words="570.86.15"
    ),
    Patient(
        "11-torch-says-803",
        Code.DRIVER_MISMATCH,
        host("linux-rtx3070-mismatch-570.86.15"),
        environment(CU128),
        unavailable(
            "Unexpected error from cudaGetDeviceCount(). Error 803: system has unsupported display driver / cuda "
            "driver combination"
        ),
    ),
    # 12: NVIDIA/nvidia-docker#1515, mistralai/mistral-inference#144
    Patient(
        "12-torch-says-804",
        Code.FORWARD_COMPATIBILITY,
        host(RTX4090),
        environment(CU128),
        unavailable(
            "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
            "NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on "
            "non supported HW"
        ),
    ),
    Patient(
        "12-compat-first",
        Code.FORWARD_COMPATIBILITY,
        with_library(RTX4090, "/usr/local/cuda-12.9/compat/libcuda.so.1", "575.57.08"),
        environment(CU128),
    ),
    # 13: pytorch/pytorch#35710
    Patient(
        "13-stopped", Code.FABRIC_MANAGER, host("linux-8xh100-fabric-570.133.20"), environment(CU128), words="inactive"
    ),
    Patient(
        "13-torch-says-802",
        Code.FABRIC_MANAGER,
        host("linux-8xh100-fabric-570.133.20"),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized"),
        words="Error 802",
    ),
    # 14: pytorch/tensorpipe#294
    Patient(
        "14-stubs",
        Code.LIBCUDA_SHADOWED,
        with_library(RTX4090, "/usr/local/cuda/lib64/stubs/libcuda.so.1", ""),
        environment(CU128),
        words="stub",
    ),
    Patient(
        "14-torch-loaded-a-stub",
        Code.LIBCUDA_SHADOWED,
        host(RTX4090),
        environment(CU128),
        unavailable("Error 34: CUDA driver is a stub library", libraries=["/usr/local/cuda/lib64/stubs/libcuda.so"]),
        words="stub",
    ),
    Patient(
        "14-loader-finds-none",
        Code.LIBCUDA_SHADOWED,
        host(RTX4090),
        environment(CU128),
        unavailable(NO_GPU_SEEN),
        words="the driver answers NVML",
    ),
    # 15: conda-forge/pytorch-cpu-feedstock#303
    Patient(
        "15-cpu-wheel",
        Code.JETSON_GENERIC_WHEEL,
        host("jetson-orin-r36.4.3"),
        environment(torch("2.7.1+cpu", None)),
        words="L4T 36.4.3",
    ),
    Patient(
        "15-server-wheel",
        Code.JETSON_GENERIC_WHEEL,
        host("jetson-orin-r36.4.3"),
        environment(PYPI_213, dist("nvidia-cublas", "13.1.0.3")),
        words="ARM servers",
    ),
    # 16: pytorch/pytorch#91543, #168897
    Patient(
        "16-python-too-new", Code.NO_WHEEL_FOR_PYTHON, host(RTX4090), environment(python="3.17.0"), words="Python 3.17"
    ),
    Patient(
        "16-32-bit", Code.NO_WHEEL_FOR_PYTHON, host("windows-rtx4070-560.94"), environment(bits=32), words="32-bit"
    ),
    Patient(
        "16-free-threaded",
        Code.NO_WHEEL_FOR_PYTHON,
        host(RTX4090),
        environment(python="3.12.8", free_threaded=True),
        words="3.12t",
    ),
    Patient("16-musl", Code.NO_WHEEL_FOR_PYTHON, host(RTX4090), environment(musl=True), words="musl"),
    # 17: pytorch/pytorch#26340
    Patient(
        "17-macos", Code.NO_NVIDIA_GPU, host("macos-m3"), environment(torch("2.15.0", None)), words="no display device"
    ),
    Patient("17-amd", Code.NO_NVIDIA_GPU, host("linux-amd-rx7900xtx"), environment(CPU), words="amd"),
    Patient("17-intel", Code.NO_NVIDIA_GPU, host("linux-intel-arc-a770"), environment(PYPI_213), words="intel"),
    Patient(
        "17-slow-computer",  # NVML is asked through a child of Python, which has a start of its own
        Code.NO_NVIDIA_GPU,
        seen_by_nothing("linux-rtx2080ti-hung", without=("nvidia-smi-q", "nvidia-smi-csv")),
        environment(CPU),
    ),
    # 18: pytorch/pytorch#10529
    Patient(
        "18-other-environment",
        Code.WRONG_ENVIRONMENT,
        host(RTX4090),
        environment(prefix="/usr"),
        None,
        (environment(CU128),),
        words=PREFIX,
    ),
    Patient(
        "18-user-site",
        Code.WRONG_ENVIRONMENT,
        host(RTX4090),
        environment(
            torch("2.8.0+cpu", None, site="/home/ada/.local/lib/python3.12/site-packages"),
            path=("/home/ada/.local/lib/python3.12/site-packages",),
        ),
        words=".local",
    ),
    Patient(
        "18-user-site-beside-conda",
        Code.WRONG_ENVIRONMENT,
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
    Patient(
        "18-local-file",
        Code.WRONG_ENVIRONMENT,
        host(RTX4090),
        environment(CU128),
        live(
            torch_file=f"{PREFIX}/project/torch.py",
            import_error="AttributeError: module torch is not PyTorch",
            available=None,
        ),
        words="torch.py",
    ),
    # 19: pytorch/ci-infra#661, pytorch/pytorch#95135
    Patient(
        "19-extra-index",
        Code.INDEX_DIVERTED,
        replace(
            host("windows-rtx4070-560.94"),
            settings=(setting("extra-index-url", "https://download.pytorch.org/whl/cu126"),),
        ),
        WINDOWS_CPU,
        words="extra-index-url",
    ),
    Patient(
        "19-cpu-index-in-config",
        Code.INDEX_DIVERTED,
        host(RTX4090, settings=(setting("index-url", "https://download.pytorch.org/whl/cpu"),)),
        environment(CPU),
        words="/whl/cpu",
    ),
    # 20: talmolab/sleap-nn#635
    Patient(
        "20-library-not-found",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128),
        live(
            import_error="ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory",
            available=None,
        ),
        words="libcudnn.so.9",
    ),
    Patient(
        "20-windows-dll",
        Code.CUDA_LIBRARIES_BROKEN,
        host("windows-rtx4070-560.94"),
        environment(CU128),
        live(
            import_error='OSError: [WinError 126] The specified module could not be found. Error loading "c10.dll"',
            available=None,
        ),
        words="WinError 126",
    ),
    Patient(
        "20-requirement-missing",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(
            torch("2.8.0+cu128", "12.8", requires=['nvidia-cudnn-cu12==9.10.2.21; platform_system == "Linux"'])
        ),
        words="nvidia-cudnn-cu12==9.10.2.21",
    ),
    Patient(
        "20-other-version",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(
            torch("2.8.0+cu128", "12.8", requires=["nvidia-cublas-cu12==12.8.4.1"]),
            dist("nvidia-cublas-cu12", "12.6.4.1"),
        ),
        words="installed is 12.6.4.1",
    ),
    Patient(
        "20-file-gone",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128, dist("nvidia-cudnn-cu12", "9.10.2.21", gone=["nvidia/cudnn/lib/libcudnn.so.9"])),
        words="libcudnn.so.9",
    ),
    # 21: trixie-cluster/trixie#9
    Patient(
        "21-closed-nodes",
        Code.NO_PERMISSION,
        with_nodes(RTX4090, closed=("/dev/nvidiactl", "/dev/nvidia0")),
        environment(CU128),
        words="/dev/nvidiactl",
    ),
    Patient(
        "21-slurm",
        Code.NO_PERMISSION,
        host(RTX4090, variables={"SLURM_JOB_ID": "41", "CUDA_VISIBLE_DEVICES": "NoDevFiles"}),
        environment(CU128),
        words="SLURM",
    ),
    Patient(
        "21-mig-without-instance",
        Code.NO_PERMISSION,
        host("linux-a100-mig-empty-535.129.03"),
        environment(CU128),
        words="MIG",
    ),
    # 22: microsoft/WSL#9092
    Patient(
        "22-fell-off-the-bus", Code.GPU_LOST, host("linux-rtx3090-lost-560.35.03"), environment(CU128), words="Xid 79"
    ),
    Patient(
        "22-out-of-memory",
        Code.OUT_OF_MEMORY,
        host("wsl2-rtx3080-560.94"),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 2: out of memory"),
        words="Error 2",
    ),
    Patient("22-driver-hangs", Code.DRIVER_HANGS, host("linux-rtx2080ti-hung"), environment(CU128), words="no answer"),
    Patient(
        "22-driver-hangs-and-hides-the-gpu",
        Code.DRIVER_HANGS,
        seen_by_nothing("linux-rtx2080ti-hung"),
        environment(CU128),
        words="no answer",
    ),
    # T1: pytorch/pytorch#31285, astral-sh/uv#14742
    Patient(
        "T1-pascal-cu128",
        Code.NO_KERNEL_IMAGE,
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8")),
        words="6.1",
    ),
    Patient(
        "T1-blackwell-cu126",
        Code.NO_KERNEL_IMAGE,
        host("linux-uv-rtx5090-580.95.05"),
        environment(torch("2.8.0+cu126", "12.6")),
        words="12.0",
    ),
    Patient(
        "T1-torch-says-so",
        Code.NO_KERNEL_IMAGE,
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8")),
        live(
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
    Patient(
        "T2-release",
        Code.TORCHVISION_MISMATCH,
        host(RTX4090),
        environment(CU128, vision("0.22.1+cu128", requires=["torch==2.7.1"])),
        words="torch==2.7.1",
    ),
    Patient(
        "T2-tag",
        Code.TORCHVISION_MISMATCH,
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu126", requires=["torch==2.8.0"])),
        words="cu126",
    ),
    Patient(
        "T2-torch-says-so",
        Code.TORCHVISION_MISMATCH,
        host(RTX4090),
        environment(CU128, vision("0.22.1+cu128")),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_error="RuntimeError: operator torchvision::nms does not exist",
        ),
        words="nms does not exist",
    ),
    # GOATmessi8/ASFF#52, pytorch/vision#5729, pytorch/vision#8236: of a pair by its number, and not of this torch.
    Patient(
        "T2-undefined-symbol",
        Code.TORCHVISION_MISMATCH,
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu128")),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_error="ImportError: torchvision/_C.so: undefined symbol: _ZN3c105ErrorC1ENS_14SourceLocationE",
        ),
        words="does not belong to this torch",
    ),
    Patient(
        "T2-no-code-for-this-gpu",
        Code.TORCHVISION_MISMATCH,
        host(RTX4090),
        environment(CU128, vision("0.23.0+cu128")),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_version="0.23.0+cu128",
            vision_error="RuntimeError: CUDA error: no kernel image is available for execution on the device",
        ),
        words="no kernel image",
    ),
    Patient(
        "crash-after-all-that-torch-does",
        Code.UNEXPLAINED,
        host(RTX4090),
        environment(CU128),
        replace(
            live(("NVIDIA GeForce RTX 4090", (8, 9), ""), outcome=LiveOutcome.CRASHED),
            reason="python died of signal 11",
        ),
        words="torch computes and then crashes",
    ),
    # torchaudio's own metadata (torch==2.5.0), and its check of CUDA since pytorch/audio#2707
    Patient(
        "T2-torchaudio-release",
        Code.TORCHAUDIO_MISMATCH,
        host(RTX4090),
        environment(CU128, audio("2.5.0+cu124", requires=["torch==2.5.0"])),
        live(("NVIDIA GeForce RTX 4090", (8, 9), "")),
        words="torchaudio 2.5.0+cu124 requires torch==2.5.0",
    ),
    Patient(
        "T2-torchaudio-tag",
        Code.TORCHAUDIO_MISMATCH,
        host(RTX4090),
        environment(CU128, audio("2.8.0+cu126", requires=["torch==2.8.0"])),
        words="torch is built for cu128, torchaudio for cu126",
    ),
    Patient(
        "T2-torchaudio-by-the-table",  # 2.11.0 requires no torch; pytorch/audio#4212: torch 2.11 or newer
        Code.TORCHAUDIO_MISMATCH,
        host(RTX4090),
        environment(CU128, audio("2.11.0+cu128")),
        words="torch 2.8.0 goes with torchaudio 2.8.0",
    ),
    # T3: pytorch/pytorch#62350
    Patient(
        "T3-label",
        Code.TORCHVISION_CPU,
        host(RTX4090),
        environment(CU128, vision("0.23.0+cpu", requires=["torch==2.8.0"])),
    ),
    Patient(
        "T3-torch-says-so",
        Code.TORCHVISION_CPU,
        host(RTX4090),
        environment(CU128, vision("0.23.0")),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            vision_version="0.23.0",
            vision_error="NotImplementedError: Could not run 'torchvision::nms' with arguments from the 'CUDA'",
        ),
        words="Could not run",
    ),
    # T4: CUDA compatibility guide, "limitations of minor version compatibility"
    Patient(
        "T4-torch-says-so",
        Code.PTX_TOO_NEW,
        host(RTX4090),
        environment(torch("2.9.1+cu129", "12.9")),
        live(
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
    Patient(
        "T5-old-second-card",
        Code.MIXED_GPUS,
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8")),
        words="GT 710",
    ),
    Patient(
        "T5-torch-says-so",
        Code.MIXED_GPUS,
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8")),
        live(
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
    Patient(
        "9-asleep-without-module",
        Code.GPU_POWERED_OFF,
        asleep("linux-gtx1650-none", profile="intel"),
        environment(CU128),
        words="suspended",
    ),
    Patient(
        "22-lost-and-hanging",
        Code.GPU_LOST,
        with_silent_gpu("linux-rtx2080ti-hung"),
        environment(torch("2.7.1+cu126", "12.6")),
        words="rev ff",
    ),
    Patient(
        "4-rights-lost-while-running",  # NVIDIA/nvidia-container-toolkit#48
        Code.CONTAINER_WITHOUT_GPU,
        with_error("container-a100-550.54.15", 999, "Unknown Error"),
        environment(CU128),
        unavailable("CUDA unknown error - this may be due to an incorrectly set up environment"),
        words="Unknown Error",
    ),
    Patient(
        "driver-predates-and-too-old",
        Code.DRIVER_PREDATES_GPU,
        with_driver("linux-uv-rtx5090-580.95.05", "565.57.01"),
        environment(PYPI_213),
    ),
    Patient(
        "11-mismatch-that-torch-calls-804",
        Code.DRIVER_MISMATCH,
        host("linux-rtx3070-mismatch-570.86.15"),
        environment(CU128),
        unavailable("Error 804: forward compatibility was attempted on non supported HW"),
    ),
    Patient(
        "2-and-only-ptx",
        Code.DRIVER_TOO_OLD,
        host("linux-gtx1060-515.65.01"),
        environment(torch("2.7.1+cu126", "12.6")),
        unavailable("No CUDA GPUs are available", torch_version="2.7.1+cu126", cuda="12.6", arch_list=["compute_50"]),
    ),
    Patient(
        "T1-and-too-new-cudnn",
        Code.NO_KERNEL_IMAGE,
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu128", "12.8"), dist("nvidia-cudnn-cu12", "9.12.0.46")),
    ),
    Patient(
        "T5-and-too-new-cudnn",
        Code.MIXED_GPUS,
        host("linux-rtx3090-gt710-470.256.02"),
        environment(torch("2.3.1+cu118", "11.8"), dist("nvidia-cudnn-cu11", "8.9.6.50")),
    ),
    # The causes that notes on cuDNN, driver branches and other vendors add.
    Patient(
        "cudnn-on-pascal",
        Code.CUDNN_UNSUPPORTED,
        host("linux-gtx1080ti-535.183.01"),
        environment(torch("2.8.0+cu126", "12.6"), dist("nvidia-cudnn-cu12", "9.11.0.98")),
        words="9.11",
    ),
    Patient(
        "driver-dropped-pascal",
        Code.DRIVER_DROPPED_GPU,
        host("linux-gtx1080-595.58.03"),
        environment(torch("2.14.1+cu126", "12.6")),
        words="R580",
    ),
    Patient(
        "driver-predates-blackwell",
        Code.DRIVER_PREDATES_GPU,
        with_driver("linux-uv-rtx5090-580.95.05", "565.57.01"),
        environment(CU128),
        words="R570",
    ),
    Patient(
        "gpu-of-a-virtual-machine", Code.GPU_PASSED_THROUGH, taken_by_vfio("linux-gtx1650-none"), environment(CU128)
    ),
    Patient("nothing-installed", Code.TORCH_MISSING, host(RTX4090), environment(), words="no torch"),
    Patient(
        "rocm",
        Code.TORCH_OTHER_BACKEND,
        host(RTX4090),
        environment(CU128),
        live(torch_version="2.8.0+rocm6.4", cuda=None, hip="6.4.43482", available=False),
    ),
    Patient(
        "import-fails",
        Code.TORCH_IMPORT_FAILED,
        host(RTX4090),
        environment(CU128),
        live(import_error="ImportError: cannot import name 'foo' from 'torch._C'", available=None),
    ),
    Patient(
        "import-hangs",
        Code.TORCH_IMPORT_HANGS,
        host(RTX4090),
        environment(CU128),
        stopped_import(LiveOutcome.TIMED_OUT, "torch gave no answer within 60 s"),
        words="no answer within 60 s",
    ),
    Patient(
        "import-crashes",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128),
        stopped_import(LiveOutcome.CRASHED, "python died of signal 11"),
        words="signal 11",
    ),
    Patient(
        "import-hangs-over-a-missing-file",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128, dist("nvidia-cudnn-cu12", "9.10.2.21", gone=["nvidia/cudnn/lib/libcudnn.so.9"])),
        stopped_import(LiveOutcome.TIMED_OUT, "torch gave no answer within 60 s"),
        words="libcudnn.so.9",
    ),
    Patient(
        "paging-file",  # learn.microsoft.com, System Error Codes (1300-1699): ERROR_COMMITMENT_LIMIT
        Code.PAGING_FILE,
        host("windows-rtx4070-560.94"),
        environment(CU128),
        live(
            import_error="OSError: [WinError 1455] The paging file is too small for this operation to complete. Error "
            'loading "C:\\venv\\Lib\\site-packages\\torch\\lib\\cudnn_cnn64_9.dll" or one of its dependencies.',
            available=None,
        ),
        words="1455",
    ),
    Patient(
        "unexplained",
        Code.UNEXPLAINED,
        host(RTX4090),
        environment(CU128),
        unavailable("Unexpected error from cudaGetDeviceCount(). Error 46: all CUDA-capable devices are busy"),
        words="busy",
    ),
    # pytorch/builder#1859, m-bain/whisperX#902, pytorch/pytorch#54047: plain kernels are fine, cuDNN is not.
    Patient(
        "convolution-without-its-library",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: Unable to load any of {libcudnn_cnn.so.9.1.0, libcudnn_cnn.so.9.1}",
        ),
        words="libcudnn_cnn.so.9",
    ),
    Patient(
        "convolution-aborts-without-its-library",
        Code.CUDA_LIBRARIES_BROKEN,
        host(RTX4090),
        environment(CU128),
        replace(
            live(("NVIDIA GeForce RTX 4090", (8, 9), ""), convolution_error=None, outcome=LiveOutcome.CRASHED),
            reason="python died of signal 6: Invalid handle. Cannot load symbol cudnnCreateConvolutionDescriptor",
        ),
        words="cudnnCreateConvolutionDescriptor",
    ),
    Patient(
        "convolution-fails",
        Code.UNEXPLAINED,
        host(RTX4090),
        environment(CU128),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        ),
        words="CUDNN_STATUS_NOT_INITIALIZED",
    ),
    Patient(
        "cudnn-on-library-path",  # both at once: the library of the path is the one that does not fit
        Code.CUDA_ON_LIBRARY_PATH,
        host(RTX4090, variables={"LD_LIBRARY_PATH": "/usr/local/cuda-11.8/lib64"}),
        environment(
            CU128, {"/usr/local/cuda-11.8/lib64/libcudnn.so.8": ""}, library_path=["/usr/local/cuda-11.8/lib64"]
        ),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            cudnn_error="RuntimeError: cuDNN version incompatibility: PyTorch was compiled  against (9, 10, 2) but "
            "found runtime version (8, 9, 2). one possibility is that there is a conflicting cuDNN in LD_LIBRARY_PATH.",
            convolution_error="RuntimeError: Could not load library libcudnn_cnn_infer.so.8",
        ),
        words="/usr/local/cuda-11.8/lib64/libcudnn.so.8",
    ),
    Patient(
        "convolution-fails-with-a-stack-trace",  # pytorch/pytorch#54047
        Code.UNEXPLAINED,
        host(RTX4090),
        environment(CU128),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED\nframe #17: "
            "at::_ops::convolution::redispatch + 0x176 (0x7f58499df106 in torch/lib/libtorch_cpu.so)",
        ),
        words="CUDNN_STATUS_NOT_INITIALIZED",
    ),
    Patient(
        "convolution-out-of-memory",
        Code.OUT_OF_MEMORY,
        host(RTX4090),
        environment(CU128),
        live(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            convolution_error="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        ),
        words="out of memory",
    ),
    Patient(
        "python-does-not-start",
        Code.PYTHON_UNUSABLE,
        host(RTX4090),
        environment(CU128),
        Live(outcome=LiveOutcome.NOT_RUN, reason=f"{PREFIX}/bin/python could not be started: Exec format error"),
        words="Exec format error",
    ),
    Patient("crash", Code.UNEXPLAINED, host(RTX4090), environment(CU128), live(outcome=LiveOutcome.CRASHED)),
]


@pytest.mark.parametrize("patient", [pytest.param(p, id=p.number) for p in PATIENTS])
def test_cause_is_found_alone(patient: Patient) -> None:
    diagnosis = examine(patient.observation, patient.target, patient.run, patient.neighbours)
    assert [finding.code for finding in diagnosis.errors] == [patient.code]
    assert patient.words in "\n".join((diagnosis.errors[0].title, *diagnosis.errors[0].evidence))
    assert diagnosis.exit_code(strict=False) == 1
    assert diagnosis.fix is not None


def test_every_numbered_cause_has_a_patient() -> None:
    numbers = {patient.number.split("-")[0] for patient in PATIENTS}
    assert {*(str(n) for n in range(1, 23)), "T1", "T2", "T3", "T4", "T5"} <= numbers


def test_every_error_code_is_reached() -> None:
    only_as_warning = {Code.CUDNN_OVERLAP, Code.SOURCES_DISAGREE}
    assert {patient.code for patient in PATIENTS} == set(Code) - only_as_warning
