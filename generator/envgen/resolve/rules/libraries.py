"""The libraries that a build comes with serve each GPU: cuDNN has bounds of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envgen.core.builds import Build
from envgen.core.capability import ComputeCapability
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class CudnnFloor:
    """From the release `since` on, cuDNN serves GPUs from `capability` up only."""

    since: str
    capability: ComputeCapability
    source: str


# The higher floor last.
CUDNN_FLOORS = (
    CudnnFloor(
        since="8.8",
        capability=ComputeCapability(5, 0),
        source="NVIDIA cuDNN support matrices 8.5.0 and 8.9.5: 8.8 dropped Kepler, 8.9.5 starts at 5.0",
    ),
    CudnnFloor(
        since="9.11",
        capability=ComputeCapability(7, 5),
        source="conda-forge/cudnn-feedstock#124; PyTorch RELEASE.md keeps cu126 on 9.10.2.21",
    ),
)


def cudnn_floor(capability: ComputeCapability) -> CudnnFloor | None:
    """The floor at which cuDNN drops a GPU, or None while every release of it serves the GPU."""
    return next((floor for floor in CUDNN_FLOORS if capability < floor.capability), None)


def dropped_by(cudnn: str, capability: ComputeCapability) -> CudnnFloor | None:
    """The floor at which a cuDNN (its release, or only its major) dropped a GPU, or None when it didn't."""
    floor = cudnn_floor(capability)
    if floor is None or not cudnn or release_key(cudnn) < release_key(floor.since):
        return None
    return floor


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The build's cuDNN dropped none of the GPUs."""
    for requested in evaluation.request.gpus:
        gpu = requested.gpu
        if floor := dropped_by(build.cudnn, gpu.capability):
            yield Failure(
                code=RejectionCode.CUDNN_UNSUPPORTED,
                message=f"{build.label} comes with cuDNN {build.cudnn}, which serves compute capability "
                f"{floor.capability} and up; {gpu.name} is {gpu.capability}",
            )
