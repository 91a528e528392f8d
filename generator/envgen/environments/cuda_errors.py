"""What CUDA's error numbers mean when it starts, and what to look at."""

from __future__ import annotations

from envgen.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CudaError:
    """A number of cudaError_t (driver_types.h): what it means when CUDA starts, and what to look at.

    `words` are what stands in the text of an older PyTorch, or of an API that leaves the number out.
    """

    number: int
    meaning: str
    look: str
    words: str


CUDA_ERRORS = (
    CudaError(
        3,
        "the driver could not be initialised by CUDA",
        "look at the kernel log (`sudo dmesg | grep -i nvrm`), reload nvidia_uvm or reboot",
        "CUDA driver initialization failed",
    ),
    CudaError(
        36,
        "the libcuda that is loaded lacks a function which this CUDA calls: it is older than the build needs, or not "
        "the driver's own (a virtual GPU's interposer, a compat library)",
        "compare `nvidia-smi` with the libcuda that is loaded (`ldconfig -p | grep libcuda`), then update the driver",
        "API call is not supported in the installed CUDA driver",
    ),
    CudaError(
        100,
        "CUDA sees no device, whatever nvidia-smi shows",
        "look at CUDA_VISIBLE_DEVICES, at the device files (`ls -l /dev/nvidia*`) and at MIG mode (`nvidia-smi -L`)",
        "no CUDA-capable device is detected",
    ),
    CudaError(
        101,
        "a device was asked for by a number that CUDA does not have",
        "compare CUDA_VISIBLE_DEVICES with `nvidia-smi -L`; a GPU in an error state or in MIG mode counts as none",
        "invalid device ordinal",
    ),
    CudaError(
        304,
        "a call to the operating system failed: the device files, their rights or memory locks",
        "look at `ls -l /dev/nvidia*` and `ulimit -l`; make /dev/nvidia-uvm with `sudo nvidia-modprobe -u -c=0`; on a "
        "host with NVSwitch look at Fabric Manager",
        "OS call failed or operation not supported",
    ),
    CudaError(
        500,
        "libcuda lacks a symbol: it and its helper libraries are of different versions",
        "look at which libcuda is loaded (`ldconfig -p | grep libcuda`); start a container anew, with a current "
        "container toolkit",
        "named symbol not found",
    ),
)
