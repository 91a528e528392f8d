"""Hosts on which the driver or CUDA's start is at fault, and libraries that come from outside torch.

The texts are those of the threads named beside them; hosts are captured ones with the parts changed
that a thread names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from doctor.samples import SITE, context_of, dist, environment, host, torch, torch_run, unavailable
from envgen.causes.context import Context
from envgen.core.drivers import DriverVersion
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import TorchRun
from envgen.probe.observation import CudaLibrary, FabricManager, HostGpu, Observation, Vendor

RTX4090, GTX970, H100 = "linux-rtx4090-570.133.20", "linux-gtx970-nouveau", "linux-8xh100-fabric-570.133.20"
MIG, CONTAINER, WSL = "linux-a100-mig-535.129.03", "container-a100-550.54.15", "wsl2-rtx3080-560.94"
WINDOWS, MACHINE = "windows-rtx4070-560.94", "linux-gtx1650-525.60.13"
CU118, CU126 = environment(torch("2.3.1+cu118", "11.8")), environment(torch("2.7.1+cu126", "12.6"))
CU128 = environment(torch("2.8.0+cu128", "12.8"))
NOT_STARTED = (
    "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices"
)
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"


@dataclass(frozen=True, slots=True)
class StartSample:
    """What was seen, the code of the one error, words of its title or evidence, and words of what to do."""

    name: str
    code: str
    context: Context
    words: str
    remedy: str


def seen(
    name: str,
    *,
    gpu: Mapping[str, Any] | None = None,
    driver: str = "",
    system: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    messages: tuple[str, ...] = (),
    **parts: Any,
) -> Observation:
    """A captured host with other facts of its NVIDIA GPUs, its driver's parts and its system."""
    observation = host(name, variables=variables)
    gpus = tuple(replace(g, **(gpu or {})) if g.vendor is Vendor.NVIDIA else g for g in observation.gpus)
    return replace(
        observation,
        gpus=gpus,
        driver=DriverVersion.parse(driver) if driver else observation.driver,
        parts=replace(observation.parts, **parts),
        system=replace(observation.system, **(system or {})),
        kernel_messages=messages,
    )


def not_loaded(name: str, gpu: str, driver: str, *, messages: tuple[str, ...] = ()) -> Observation:
    """A host with a GPU on the bus and a driver whose libraries are installed and whose module does not run."""
    library = f"/usr/lib/libcuda.so.{driver}"
    found = CudaLibrary(path="/usr/lib/libcuda.so.1", target=library, version=driver, origin="loader cache")
    observation = seen(
        name,
        kernel_module="",
        flavour="",
        modules=(),
        nodes=(),
        libraries=(found,),
        user_library=driver,
        error_code=9,
        error="NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
        "NVIDIA driver is installed and running.",
        messages=messages,
    )
    card = HostGpu(vendor=Vendor.NVIDIA, name=gpu, pci_address="0000:01:00.0")
    return replace(observation, gpus=(card,), driver=None, xids=())


def started_with(number: int, words: str, **lines: Any) -> TorchRun:
    """A run in which CUDA's start ends in an error of this number."""
    return unavailable(
        f"{NOT_STARTED} NumCudaDevices() that might have already set an error? Error {number}: {words}", **lines
    )


def _silent(gpu: str) -> dict[str, Any]:
    return {"name": gpu, "pci_id": "", "chip": "", "capability": None, "is_driven": False}


def _sample(
    name: str,
    code: str,
    observation: Observation,
    run: TorchRun | None,
    words: str,
    remedy: str,
    *,
    inspected: InspectedEnvironment = CU128,
    without_path: TorchRun | None = None,
) -> StartSample:
    context = replace(context_of(observation, inspected, run), without_library_path=without_path)
    return StartSample(name, code, context, words, remedy)


_NVJITLINK = (
    f"ImportError: {SITE}/torch/lib/../../nvidia/cusparse/lib/libcusparse.so.12: undefined symbol: "
    "__nvJitLinkComplete_12_4, version libnvJitLink.so.12"
)
_GOOD = torch_run(("NVIDIA GeForce RTX 4090", (8, 9), ""))
_FAILED_IMPORT = torch_run(import_error=_NVJITLINK)
_WINDOWS_ENVIRONMENT = environment(torch("2.4.0+cu124", "12.4"))
_OPEN_NEEDED = (
    "NVRM: installed in this system requires use of the NVIDIA open kernel modules.",
    "NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:897)",
)

START_SAMPLES = (
    # omacom/omarchy#4314: R590 has no Pascal; NVIDIA's release notes, "legacy GPUs".
    _sample(
        "r590-dropped-pascal-not-loaded",
        "driver-dropped-gpu",
        not_loaded(GTX970, "GeForce MX150", "590.48.01"),
        unavailable(NO_DRIVER, torch_version="2.7.1+cu126", cuda="12.6"),
        "driver 590.48.01 no longer serves",
        "install driver 580.",
        inspected=CU126,
    ),
    _sample(
        "r550-dropped-kepler-not-loaded",
        "driver-dropped-gpu",
        not_loaded(GTX970, "Tesla K80", "550.90.07"),
        unavailable(NO_DRIVER, torch_version="2.3.1+cu118", cuda="11.8"),
        "R470 is its last branch",
        "install driver 470.",
        inspected=CU118,
    ),
    _sample(
        "blackwell-on-an-older-driver-not-loaded",
        "driver-predates-gpu",
        not_loaded(RTX4090, "NVIDIA GeForce RTX 5070 Ti", "550.120"),
        unavailable(NO_DRIVER),
        "older than",
        "R570 or newer",
    ),
    _sample(
        "driver-fits-and-is-not-loaded",
        "no-driver",
        not_loaded(RTX4090, "NVIDIA GeForce RTX 4090", "570.133.20"),
        unavailable(NO_DRIVER),
        "its module was not loaded",
        "sudo modprobe nvidia",
    ),
    # NVIDIA/open-gpu-kernel-modules#872: the proprietary module refuses Blackwell.
    _sample(
        "blackwell-on-the-proprietary-module",
        "module-flavour",
        seen(
            RTX4090,
            gpu=_silent("NVIDIA GeForce RTX 5090"),
            error_code=6,
            error="No devices were found",
            messages=_OPEN_NEEDED,
        ),
        unavailable(NO_DRIVER),
        "requires use of the NVIDIA open kernel modules",
        "sudo apt install nvidia-driver-570-open",
    ),
    # NVIDIA's README: the open modules begin with Turing.
    _sample(
        "pascal-on-the-open-module",
        "module-flavour",
        seen(
            RTX4090,
            gpu=_silent("NVIDIA GeForce GTX 1080 Ti"),
            flavour="open",
            error_code=6,
            error="No devices were found",
        ),
        unavailable(NO_DRIVER, torch_version="2.7.1+cu126", cuda="12.6"),
        "is the open one",
        "sudo apt install nvidia-driver-570",
        inspected=CU126,
    ),
    # NVIDIA/open-gpu-kernel-modules#862
    _sample(
        "driver-can-not-start-the-gpu",
        "gpu-not-started",
        seen(
            RTX4090,
            gpu=_silent("NVIDIA GeForce RTX 5090"),
            flavour="open",
            error_code=6,
            error="No devices were found",
            messages=("NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x56:897)",),
        ),
        unavailable(NO_DRIVER),
        "RmInitAdapter failed",
        "Above 4G Decoding",
    ),
    _sample(
        "no-devices-and-no-line-in-the-log",
        "gpu-not-started",
        seen(RTX4090, gpu=_silent("NVIDIA RTX A6000"), error_code=6, error="No devices were found"),
        unavailable(NO_DRIVER),
        "No devices were found",
        "sudo dmesg | grep NVRM",
    ),
    # A public bug report: module 418.152 loaded, neither libnvidia-ml nor libcuda.
    _sample(
        "libraries-of-the-driver-not-installed",
        "libcuda-missing",
        seen(RTX4090, gpu=_silent("Quadro P3200"), libraries=(), user_library="", error_code=12, error=""),
        unavailable(NO_DRIVER, torch_version="2.7.1+cu126", cuda="12.6"),
        "libcuda.so.1 is in no folder",
        "user libraries of driver 570.133.20",
        inspected=CU126,
    ),
    # NVIDIA/open-gpu-kernel-modules#901, #947
    _sample(
        "hmm-on-rocky",
        "hmm-broken",
        seen(
            RTX4090,
            flavour="open",
            system={"name": "Rocky Linux 9.6 (Blue Onyx)", "kernel": "5.14.0-570.23.1.el9_6.x86_64"},
        ),
        unavailable("CUDA driver initialization failed, you might not have a CUDA gpu."),
        "HMM",
        "uvm_disable_hmm=1",
    ),
    _sample(
        "hmm-by-its-number",
        "hmm-broken",
        seen(RTX4090, driver="580.95.05"),
        started_with(3, "initialization error"),
        "Error 3",
        "uvm_disable_hmm=1",
    ),
    # NVIDIA/nvidia-container-toolkit#520
    _sample(
        "container-on-wsl-lacks-a-library",
        "container-toolkit-too-old",
        seen(WSL, driver="555.85", system={"container": "docker"}),
        started_with(500, "named symbol not found"),
        "Error 500",
        "1.14.4 or newer",
    ),
    # NVIDIA/DIGITS#2005, jade-hpc-gpu.github.io#73
    _sample(
        "exclusive-mode",
        "gpu-exclusive",
        seen(RTX4090, gpu={"compute_mode": "Exclusive_Process"}),
        started_with(46, "all CUDA-capable devices are busy or unavailable"),
        "Exclusive_Process",
        "sudo nvidia-smi -c DEFAULT",
    ),
    _sample(
        "busy-in-the-default-mode",
        "gpu-exclusive",
        seen(RTX4090, gpu={"compute_mode": "Default"}),
        started_with(46, "all CUDA-capable devices are busy or unavailable"),
        "busy",
        "end the other program",
    ),
    _sample(
        "mps-without-its-server",
        "mps-not-running",
        seen(RTX4090, variables={"CUDA_MPS_PIPE_DIRECTORY": "/tmp/mps"}),
        started_with(805, "MPS client failed to connect to the MPS control daemon or the MPS server"),
        "805",
        "nvidia-cuda-mps-control -d",
    ),
    # NVIDIA/nvtrust#56, #39: a virtual machine with one H100 PCIe.
    _sample(
        "802-without-nvswitch",
        "system-not-ready",
        seen(RTX4090, gpu={"name": "NVIDIA H100 PCIe", "pci_id": "2331", "capability": None}),
        started_with(802, "system not yet initialized"),
        "no NVSwitch is on the bus",
        "conf-compute",
    ),
    # wilicc/gpu-burn#133
    _sample(
        "802-with-fabric-manager-running",
        "system-not-ready",
        seen(H100, fabric_manager=FabricManager(state="active", version="570.133.20"), fabric_state="Completed"),
        started_with(802, "system not yet initialized"),
        "Fabric Manager runs",
        "systemctl status nvidia-fabricmanager",
    ),
    # gpustack/gpustack#1254
    _sample(
        "802-with-fabric-manager-not-installed",
        "fabric-manager",
        seen(H100, fabric_manager=FabricManager(state="not installed")),
        started_with(802, "system not yet initialized"),
        "is not installed",
        "sudo apt-get install nvidia-fabricmanager-570 && sudo systemctl enable --now nvidia-fabricmanager",
    ),
    # pytorch/pytorch#131650
    _sample(
        "mig-slice-not-named",
        "mig-slice-unnamed",
        seen(MIG),
        unavailable("device >= 0 && device < num_gpus INTERNAL ASSERT FAILED at CUDAContext.cpp:50"),
        "MIG mode",
        "export CUDA_VISIBLE_DEVICES=MIG-",
    ),
    # pytorch/pytorch#104152, #125911, microsoft/onnxruntime#20421
    _sample("error-101", "cuda-start-failed", seen(RTX4090), started_with(101, "invalid device ordinal"), "101", "-L"),
    _sample(
        "error-36",
        "cuda-start-failed",
        seen(RTX4090),
        started_with(36, "API call is not supported in the installed CUDA driver"),
        "error 36",
        "libcuda",
    ),
    _sample(
        "error-304",
        "cuda-start-failed",
        seen(RTX4090),
        started_with(304, "OS call failed or operation not supported on this OS"),
        "operating system",
        "nvidia-modprobe",
    ),
    _sample("error-500", "cuda-start-failed", seen(RTX4090), started_with(500, "named symbol not found"), "500", "lib"),
    # A container or a sandbox that hides /sys: what nvidia-smi says is enough.
    _sample(
        "mismatch-where-no-bus-is-shown",
        "driver-mismatch",
        replace(
            seen(GTX970, kernel_module="", modules=(), error_code=18, error="Driver/library version mismatch"), gpus=()
        ),
        unavailable(NO_DRIVER),
        "Driver/library version mismatch",
        "sudo reboot",
    ),
    _sample(
        "no-driver-where-no-bus-is-shown",
        "no-driver",
        replace(not_loaded(GTX970, "GeForce GTX 970", "535.183.01"), gpus=()),
        unavailable(NO_DRIVER),
        "couldn't communicate",
        "sudo modprobe nvidia",
    ),
    # microsoft/WSL#11589
    _sample(
        "wsl-where-only-nvidia-smi-answers",
        "wsl-driver",
        seen(WSL, cuda=""),
        unavailable(NO_DRIVER),
        "nvidia-smi answers (CUDA unknown)",
        "wsl --update",
    ),
    # microsoft/WSL#9092
    _sample(
        "too-many-gpus-for-wsl",
        "gpu-out-of-memory",
        replace(seen(WSL), gpus=seen(WSL).gpus * 3),
        started_with(2, "out of memory"),
        "3 GPUs in WSL",
        "export CUDA_VISIBLE_DEVICES=0",
    ),
    # NVIDIA/nvidia-container-toolkit#48
    _sample(
        "container-lost-its-rights",
        "container-without-gpu",
        seen(CONTAINER, gpu={"is_driven": False}, error="Failed to initialize NVML: Unknown Error", error_code=999),
        unavailable(NO_DRIVER),
        "lost its device rights",
        "start the container anew",
    ),
    # infiniflow/ragflow#4466, pytorch/pytorch#111469: seen by a second run, and by the folder alone.
    _sample(
        "library-path-of-the-same-major",
        "cuda-on-library-path",
        seen(RTX4090, variables={"LD_LIBRARY_PATH": "/usr/local/cuda-12.1/lib64:"}),
        _FAILED_IMPORT,
        "without LD_LIBRARY_PATH the same torch computes",
        "unset LD_LIBRARY_PATH",
        without_path=_GOOD,
    ),
    _sample(
        "library-path-without-a-second-run",
        "cuda-on-library-path",
        seen(RTX4090, variables={"LD_LIBRARY_PATH": "/usr/local/cuda-12.1/lib64:"}),
        _FAILED_IMPORT,
        "nothing of torch's own is missing",
        "unset LD_LIBRARY_PATH",
    ),
    # pytorch/pytorch#140797, without the variable; and Windows' word for a symbol that is not there (winerror.h, 127).
    _sample(
        "another-library-comes-from-elsewhere",
        "foreign-libraries",
        seen(RTX4090),
        _FAILED_IMPORT,
        "nothing of torch's own is missing",
        "LD_DEBUG=libs",
    ),
    _sample(
        "another-dll-comes-from-elsewhere",
        "foreign-libraries",
        seen(WINDOWS),
        torch_run(
            import_error="OSError: [WinError 127] The specified procedure could not be found. Error loading "
            r'"C:\venv\lib\site-packages\torch\lib\torch_python.dll" or one of its dependencies.'
        ),
        "WinError 127",
        "PATH on Windows",
        inspected=_WINDOWS_ENVIRONMENT,
    ),
    # pytorch/pytorch#131662, #129568; kohya-ss/sd-scripts#1597
    _sample(
        "windows-without-libomp140",
        "system-library-missing",
        seen(WINDOWS),
        torch_run(
            import_error="OSError: [WinError 126] The specified module could not be found. Error loading "
            r'"P:\AI\venv\lib\site-packages\torch\lib\fbgemm.dll" or one of its dependencies.',
            available=None,
        ),
        "libomp140.x86_64.dll",
        "2.4.1 or newer",
        inspected=_WINDOWS_ENVIRONMENT,
    ),
    _sample(
        "linux-without-libgomp",
        "system-library-missing",
        seen(RTX4090),
        torch_run(
            import_error="ImportError: libgomp.so.1: cannot open shared object file: No such file", available=None
        ),
        "lacks libgomp.so.1",
        "sudo apt-get install libgomp1",
    ),
    _sample(
        "numpy-is-broken",
        "numpy-broken",
        seen(RTX4090),
        torch_run(import_error="ImportError: numpy.core.multiarray failed to import", available=None),
        "NumPy",
        "--force-reinstall --no-deps numpy",
    ),
    # pytorch/vision#9174: torch from the user's folder beside the environment's own, and it computes.
    _sample(
        "torch-of-the-user-folder",
        "wrong-environment",
        seen(RTX4090),
        torch_run(
            ("NVIDIA GeForce RTX 4090", (8, 9), ""),
            torch_file="/home/ada/.local/lib/python3.12/site-packages/torch/__init__.py",
            torch_version="2.6.0+cu124",
            cuda="12.4",
            vision_error="RuntimeError: operator torchvision::nms does not exist",
            vision_version="0.23.0+cu128",
        ),
        "torch 2.8.0+cu128, which is installed in the environment, is hidden",
        "export PYTHONNOUSERSITE=1",
        inspected=environment(
            torch("2.6.0+cu124", "12.4", site="/home/ada/.local/lib/python3.12/site-packages"),
            torch("2.8.0+cu128", "12.8"),
            dist("torchvision", "0.23.0"),
            path=("/home/ada/.local/lib/python3.12/site-packages",),
        ),
    ),
)
