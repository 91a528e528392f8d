"""What a diagnosis is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envgen.core.findings import Level, SkippedCheck


class Code(StrEnum):
    """Every cause that can be found. The order is that in which causes must be fixed: a later one can't work before."""

    NO_NVIDIA_GPU = "no-nvidia-gpu"
    GPU_PASSED_THROUGH = "gpu-passed-through"
    GPU_POWERED_OFF = "gpu-powered-off"
    GPU_LOST = "gpu-lost"
    WSL_DRIVER = "wsl-driver"
    CONTAINER_WITHOUT_GPU = "container-without-gpu"
    NO_DRIVER = "no-driver"
    DRIVER_DROPPED_GPU = "driver-dropped-gpu"
    DRIVER_PREDATES_GPU = "driver-predates-gpu"
    DRIVER_MISMATCH = "driver-mismatch"
    NO_PERMISSION = "no-permission"
    DRIVER_HANGS = "driver-hangs"
    FABRIC_MANAGER = "fabric-manager"
    UVM_BROKEN = "uvm-broken"
    LIBCUDA_SHADOWED = "libcuda-shadowed"
    FORWARD_COMPATIBILITY = "forward-compatibility"
    VISIBLE_DEVICES = "visible-devices"
    OUT_OF_MEMORY = "gpu-out-of-memory"
    PYTHON_UNUSABLE = "python-unusable"
    WRONG_ENVIRONMENT = "wrong-environment"
    NO_WHEEL_FOR_PYTHON = "no-wheel-for-python"
    TORCH_MISSING = "torch-missing"
    TORCH_REPLACED = "torch-replaced"
    JETSON_GENERIC_WHEEL = "jetson-generic-wheel"
    CONDA_CPU_BUILD = "conda-cpu-build"
    INDEX_DIVERTED = "index-diverted"
    TORCH_CPU_BUILD = "torch-cpu-build"
    TORCH_OTHER_BACKEND = "torch-other-backend"
    CUDA_LIBRARIES_BROKEN = "cuda-libraries-broken"
    CUDA_ON_LIBRARY_PATH = "cuda-on-library-path"
    CUDNN_OVERLAP = "cudnn-overlap"
    PAGING_FILE = "paging-file-too-small"
    TORCH_IMPORT_HANGS = "torch-import-hangs"
    TORCH_IMPORT_FAILED = "torch-import-failed"
    DRIVER_TOO_OLD = "driver-too-old"
    NO_KERNEL_IMAGE = "no-kernel-image"
    MIXED_GPUS = "mixed-gpus"
    PTX_TOO_NEW = "ptx-too-new"
    CUDNN_UNSUPPORTED = "cudnn-unsupported"
    TORCHVISION_CPU = "torchvision-cpu"
    TORCHVISION_MISMATCH = "torchvision-mismatch"
    TORCHAUDIO_MISMATCH = "torchaudio-mismatch"
    SOURCES_DISAGREE = "sources-disagree"
    UNEXPLAINED = "unexplained"


_ORDER = {code: place for place, code in enumerate(Code)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause. `evidence` are facts, a line each; `remedy` says what to do; `command` does it, where one line can.

    `before` is what a command can't do of the remedy, or where it must be run.
    """

    code: Code
    level: Level
    title: str
    evidence: tuple[str, ...]
    remedy: str
    command: str = ""
    before: str = ""

    @property
    def place(self) -> int:
        """Where it stands among all causes, for sorting."""
        return _ORDER[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """The one next thing to do. `command` is empty when no command does it; `by_decision` says where it comes from.

    `before` is what must be done before the command, or where it must be run.
    """

    command: str
    reason: str
    by_decision: bool = False
    before: str = ""

    @property
    def text(self) -> str:
        """All of it in one line, in the order in which it is done."""
        return ": ".join(part for part in (self.before, self.command) if part) if self.command else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, the first to be fixed first; the checks that were skipped; the next thing to do, or None."""

    findings: tuple[Finding, ...]
    skipped: tuple[SkippedCheck, ...]
    fix: Fix | None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep CUDA from working."""
        return tuple(finding for finding in self.findings if finding.level is Level.ERROR)

    def exit_code(self, *, strict: bool) -> int:
        """1 when something must be fixed; with `strict`, a warning counts too."""
        counting = (Level.ERROR, Level.WARNING) if strict else (Level.ERROR,)
        return int(any(finding.level in counting for finding in self.findings))
