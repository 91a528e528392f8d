"""What NVIDIA's guide says of CUDA in WSL2, which serves neither every driver of Windows nor every GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.capability import ComputeCapability
from envgen.core.resolution import Notice
from envgen.resolve.evaluation import Evaluation

# https://docs.nvidia.com/cuda/wsl-user-guide/index.html (2.1: "R495 and later windows will have CUDA support for
# WSL 2"; 5: Pascal and later, in WDDM mode, no Tesla; 5.1: "Maxwell GPUs are not officially supported in WSL 2, but
# it may still work"). microsoft/WSL#6014: 461.72 gives cudaErrorInsufficientDriver.
FIRST_BRANCH = 495
_FIRST_CAPABILITY = ComputeCapability.parse("6.0")


def wsl_limits(evaluation: Evaluation) -> Iterator[Notice]:
    """A notice when NVIDIA's guide leaves a GPU out; only where the driver is one of Windows."""
    if limits := [limit for one in evaluation.each for limit in _limits(one)]:
        text = "NVIDIA's guide on CUDA in WSL2: " + "; ".join(dict.fromkeys(limits))
        yield Notice(code="wsl-limits", text=text)


def _limits(evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.rules.is_wsl:
        return
    for requested in evaluation.request.gpus:
        if requested.gpu.capability < _FIRST_CAPABILITY:
            yield f"it serves Pascal and newer, {requested.gpu.name} is older and may work"
        elif requested.gpu.segment == "datacenter":
            yield f"it needs the GPU in WDDM mode, which {requested.gpu.name} may not have (TCC)"
