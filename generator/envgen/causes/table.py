"""The table of causes: what can keep CUDA from working, in the order in which it must be repaired.

A cause is one row here and one check. The row says when the check is asked, what the cause brings about by itself, and
what repairs it; the check says whether it is so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY
from enum import Enum

from envgen.causes.checks import companions, driver, hardware, install, interpreter, libraries, runtime, start, wsl
from envgen.causes.context import NO_TRAIT, Context, Trait
from envgen.causes.findings import Finding
from envgen.core.dataclass import dataclass

ENVIRONMENT, TORCH_RUN, TORCH, CUDA_BUILD = Trait.ENVIRONMENT, Trait.TORCH_RUN, Trait.TORCH, Trait.CUDA_BUILD
LINUX, WSL, JETSON, CONTAINER = Trait.LINUX, Trait.WSL, Trait.JETSON, Trait.CONTAINER
WORKS, COMPUTES, SOUND, DRIVER_ANSWERS = Trait.WORKS, Trait.COMPUTES, Trait.SOUND, Trait.DRIVER_ANSWERS
NVIDIA_GPU, BUS, LIBRARIES, PACKAGES = Trait.NVIDIA_GPU, Trait.BUS, Trait.LIBRARIES, Trait.PACKAGES


class Repair(Enum):
    """What repairs a cause, beside its own remedy: a decision of `resolve`, put into the environment."""

    OWN = "what its remedy says"
    BUILD = "another build of torch"
    SAME_BUILD = "the same build of torch, whole"
    PYTHON = "an environment of another Python"


@dataclass(frozen=True, slots=True)
class Cause:
    """One row. The check is asked when the context has all of `given` and nothing of `unless`.

    `hides` are causes that this one brings about, so that naming both would send people to the wrong one first.
    `anywhere`: it is at fault with or without a GPU. `harmless`: with that trait it is only a warning (None: never).
    `new_driver`: the driver that is there does not count. `alone`: only asked when nothing else is an error.
    """

    code: str
    check: Callable[[Context], Iterator[Finding]]
    _: KW_ONLY
    given: Trait = NO_TRAIT
    unless: Trait = NO_TRAIT
    hides: tuple[str, ...] = ()
    repair: Repair = Repair.OWN
    anywhere: bool = False
    harmless: Trait | None = COMPUTES
    new_driver: bool = False
    alone: bool = False


_CPU = ("torch-cpu-build", "index-diverted")
_STARTS = ("libcuda-shadowed", "libcuda-missing", "uvm-broken", "cuda-start-failed")

CAUSES: tuple[Cause, ...] = (
    # The GPU.
    Cause(
        "no-nvidia-gpu",
        hardware.no_nvidia_gpu,
        given=BUS,
        unless=WORKS | NVIDIA_GPU | JETSON | WSL,
        hides=("no-kernel-image",),
    ),
    Cause("gpu-passed-through", hardware.gpu_passed_through, given=NVIDIA_GPU),
    Cause("gpu-powered-off", hardware.gpu_powered_off, given=BUS, unless=WORKS, hides=("no-driver",)),
    Cause("gpu-lost", hardware.gpu_lost, hides=("driver-hangs", "gpu-not-started")),
    # The driver.
    Cause("wsl-driver", wsl.wsl_driver, given=WSL, unless=CONTAINER | WORKS, hides=_STARTS, new_driver=True),
    Cause("container-toolkit-too-old", wsl.container_toolkit_too_old, given=CONTAINER, unless=WORKS, hides=_STARTS),
    Cause(
        "container-without-gpu",
        driver.container_without_gpu,
        given=CONTAINER,
        unless=WORKS,
        hides=("no-driver", "uvm-broken", "libcuda-shadowed", "libcuda-missing"),
    ),
    Cause(
        "driver-dropped-gpu",
        driver.driver_dropped_gpu,
        given=NVIDIA_GPU,
        unless=WORKS | WSL | JETSON,
        hides=("no-driver", "gpu-not-started", "module-flavour", *_STARTS),
        new_driver=True,
    ),
    Cause(
        "driver-predates-gpu",
        driver.driver_predates_gpu,
        given=NVIDIA_GPU,
        unless=WORKS | WSL | JETSON,
        hides=("no-driver", "gpu-not-started", "module-flavour", "driver-too-old", *_STARTS),
        new_driver=True,
    ),
    Cause(
        "module-flavour",
        driver.module_flavour,
        given=NVIDIA_GPU,
        unless=WORKS | WSL | JETSON | DRIVER_ANSWERS,
        hides=("no-driver", "gpu-not-started", *_STARTS),
    ),
    Cause("no-driver", driver.no_driver, unless=WORKS | DRIVER_ANSWERS | WSL | JETSON, new_driver=True, hides=_STARTS),
    Cause("driver-mismatch", driver.driver_mismatch, unless=WORKS | WSL | JETSON, hides=("forward-compatibility",)),
    Cause(
        "gpu-not-started",
        driver.gpu_not_started,
        given=NVIDIA_GPU,
        unless=WORKS | DRIVER_ANSWERS | WSL | JETSON | CONTAINER,
        hides=_STARTS,
    ),
    Cause(
        "libcuda-missing",
        libraries.libcuda_missing,
        given=LINUX,
        unless=WORKS | WSL | JETSON | CONTAINER,
        hides=("libcuda-shadowed",),
    ),
    Cause(
        "no-permission",
        driver.no_permission,
        unless=WORKS,
        hides=("uvm-broken", "visible-devices", "cuda-start-failed"),
    ),
    Cause("driver-hangs", hardware.driver_hangs),
    # CUDA's start.
    Cause("fabric-manager", start.fabric_manager, unless=WORKS, hides=("system-not-ready",)),
    Cause("system-not-ready", start.system_not_ready, unless=WORKS),
    Cause("mps-not-running", start.mps_not_running, unless=WORKS),
    Cause("gpu-exclusive", start.gpu_exclusive, unless=WORKS),
    Cause(
        "hmm-broken",
        start.hmm_broken,
        given=LINUX,
        unless=WORKS | WSL | JETSON,
        hides=("uvm-broken", "cuda-start-failed"),
    ),
    Cause("uvm-broken", start.uvm_broken, given=LINUX, unless=WORKS | WSL | JETSON),
    Cause("libcuda-shadowed", libraries.libcuda_shadowed, given=LINUX, unless=WORKS),
    Cause("forward-compatibility", libraries.forward_compatibility, given=LINUX, unless=WORKS),
    Cause("visible-devices", start.visible_devices, unless=WORKS, hides=("cuda-start-failed",)),
    Cause("mig-slice-unnamed", start.mig_slice_unnamed, unless=COMPUTES),
    Cause("gpu-out-of-memory", start.out_of_memory, given=TORCH_RUN, unless=COMPUTES),
    Cause("cuda-start-failed", start.cuda_start_failed, unless=WORKS),
    # The Python and its torch.
    Cause("python-unusable", interpreter.python_unusable, anywhere=True),
    Cause(
        "wrong-environment",
        interpreter.wrong_environment,
        given=ENVIRONMENT,
        hides=("torch-missing", "torch-import-failed", "torchvision-mismatch", "torchaudio-mismatch", *_CPU),
        anywhere=True,
        harmless=SOUND,
    ),
    Cause(
        "no-wheel-for-python",
        interpreter.no_wheel_for_python,
        given=ENVIRONMENT,
        hides=("torch-missing", "conda-cpu-build", *_CPU),
        repair=Repair.PYTHON,
    ),
    Cause("torch-missing", interpreter.torch_missing, given=ENVIRONMENT | PACKAGES, repair=Repair.BUILD),
    Cause(
        "torch-replaced",
        install.torch_replaced,
        given=ENVIRONMENT,
        hides=("conda-cpu-build", *_CPU),
        repair=Repair.SAME_BUILD,
        anywhere=True,
    ),
    Cause(
        "jetson-generic-wheel",
        install.jetson_generic_wheel,
        given=JETSON | TORCH,
        unless=WORKS,
        hides=("driver-too-old", *_CPU),
        repair=Repair.BUILD,
    ),
    Cause("conda-cpu-build", install.conda_cpu_build, given=ENVIRONMENT, hides=_CPU, repair=Repair.BUILD),
    Cause("index-diverted", install.index_diverted, given=ENVIRONMENT, hides=("torch-cpu-build",), repair=Repair.BUILD),
    Cause("torch-cpu-build", install.torch_cpu_build, given=ENVIRONMENT | TORCH, repair=Repair.BUILD),
    Cause(
        "torch-other-backend", install.torch_other_backend, given=ENVIRONMENT | TORCH | NVIDIA_GPU, repair=Repair.BUILD
    ),
    # Its libraries.
    Cause("paging-file-too-small", libraries.paging_file, anywhere=True),
    Cause(
        "cuda-on-library-path",
        libraries.cuda_on_library_path,
        hides=("foreign-libraries", "cuda-libraries-broken", "torch-import-failed", "libcuda-shadowed"),
        anywhere=True,
    ),
    Cause(
        "system-library-missing",
        libraries.system_library_missing,
        hides=("cuda-libraries-broken", "torch-import-failed"),
        anywhere=True,
    ),
    Cause("numpy-broken", libraries.numpy_broken, hides=("torch-import-failed",), anywhere=True),
    Cause(
        "foreign-libraries",
        libraries.foreign_libraries,
        hides=("cuda-libraries-broken",),
        anywhere=True,
    ),
    Cause(
        "cuda-libraries-broken",
        libraries.cuda_libraries_broken,
        hides=("torch-import-failed", "torch-import-hangs"),
        repair=Repair.SAME_BUILD,
        anywhere=True,
    ),
    Cause("cudnn-overlap", libraries.cudnn_overlap, given=ENVIRONMENT, repair=Repair.SAME_BUILD),
    Cause("torch-import-hangs", interpreter.torch_import_hangs, anywhere=True),
    Cause("torch-import-failed", libraries.torch_import_failed, repair=Repair.SAME_BUILD, anywhere=True),
    # The build on this GPU with this driver.
    Cause(
        "driver-too-old",
        runtime.driver_too_old,
        unless=WORKS,
        hides=("ptx-too-new", "cuda-start-failed"),
        repair=Repair.BUILD,
    ),
    # The build for an older GPU brings the older cuDNN with it.
    Cause("no-kernel-image", runtime.no_kernel_image, hides=("cudnn-unsupported",), repair=Repair.BUILD),
    Cause("mixed-gpus", runtime.mixed_gpus, hides=("cudnn-unsupported",), repair=Repair.BUILD, harmless=None),
    Cause("ptx-too-new", runtime.ptx_too_new, given=CUDA_BUILD, unless=WORKS, repair=Repair.BUILD),
    Cause("cudnn-unsupported", runtime.cudnn_unsupported, given=CUDA_BUILD, repair=Repair.BUILD, harmless=None),
    # What goes with it.
    Cause(
        "torchvision-cpu",
        companions.torchvision_cpu,
        given=TORCH | CUDA_BUILD,
        hides=("torchvision-mismatch",),
        repair=Repair.SAME_BUILD,
        harmless=None,
    ),
    Cause(
        "torchvision-mismatch",
        companions.torchvision_mismatch,
        given=TORCH,
        repair=Repair.SAME_BUILD,
        anywhere=True,
        harmless=None,
    ),
    Cause(
        "torchaudio-mismatch",
        companions.torchaudio_mismatch,
        given=ENVIRONMENT | TORCH,
        repair=Repair.SAME_BUILD,
        anywhere=True,
        harmless=None,
    ),
    Cause("companion-mismatch", companions.companion_mismatch, given=ENVIRONMENT | TORCH, anywhere=True, harmless=None),
    # What is only said, or has no name.
    Cause("sources-disagree", hardware.sources_disagree),
    Cause("unexplained", start.unexplained, harmless=None, alone=True),
)
ROWS = {cause.code: cause for cause in CAUSES}
PLACES = {cause.code: place for place, cause in enumerate(CAUSES)}
