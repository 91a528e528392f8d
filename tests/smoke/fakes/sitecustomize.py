"""Python imports this by itself at start-up: it puts fake driver libraries in place of the host's real ones."""

from __future__ import annotations

import ctypes
from typing import Any

from scenario import HOST  # type: ignore[import-not-found]  # on PYTHONPATH of the run only

# What the driver shows; torch may say something else.
GPUS = HOST["driver_gpus"] or HOST["gpus"]


class Nvml:
    def nvmlInit_v2(self) -> int:
        return int(HOST["nvml"]["init"])

    def nvmlSystemGetDriverVersion(self, text: Any, size: int) -> int:
        text.value = HOST["nvml"]["version"].encode()[:size]
        return 0


class Cuda:
    def cuInit(self, flags: int) -> int:
        return int(HOST["libcuda"]["init"]) + flags

    def cuDeviceGetCount(self, number: Any) -> int:
        number._obj.value = len(GPUS)
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> int:
        major, minor = GPUS[device]["capability"].split(".")
        value._obj.value = int({75: major, 76: minor}[attribute])
        return 0

    def cuPointerGetAttribute(self, value: Any, attribute: int, pointer: Any) -> int:
        index = (pointer.value >> 32) - 1
        if index < 0:
            return 1  # CUDA_ERROR_INVALID_VALUE: no memory of the driver's
        value._obj.value = {2: 2, 9: index}[attribute]
        return 0

    def cuDriverGetVersion(self, number: Any) -> int:
        number._obj.value = HOST["libcuda"]["version"]
        return 0


def load(name: Any, *args: Any, **options: Any) -> Any:
    fakes = {"libnvidia-ml.so.1": ("nvml", Nvml), "libcuda.so.1": ("libcuda", Cuda)}
    fakes.update({"nvml.dll": ("nvml", Nvml), "nvcuda.dll": ("libcuda", Cuda)})
    if name not in fakes:
        return REAL(name, *args, **options)
    key, library = fakes[name]
    if HOST[key] is None:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")
    return library()


REAL = ctypes.CDLL
ctypes.CDLL = load  # type: ignore[assignment,misc]  # the seam: the smoke test opens the driver's libraries by name
