"""The libraries of a build serve each GPU, on both ends: cuDNN drops old GPUs, and knows no future ones."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.gpus import Gpu
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules.options import asks_for_exactly, exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class CudnnFloor:
    """From the release `since` on, cuDNN serves GPUs from `capability` up only.

    `torch` is the first release that came out after it: what is older can't have it, stated or not.
    """

    since: str
    torch: str
    capability: ComputeCapability
    source: str


# The higher floor last.
CUDNN_FLOORS = (
    CudnnFloor(
        since="8.8",
        torch="2.0.0",
        capability=ComputeCapability(5, 0),
        source="NVIDIA cuDNN support matrices 8.5.0 and 8.9.5: 8.8 dropped Kepler, 8.9.5 starts at 5.0 (8.8: 2023-02)",
    ),
    CudnnFloor(
        since="9.11",
        torch="2.8.0",
        capability=ComputeCapability(7, 5),
        source="conda-forge/cudnn-feedstock#124; PyTorch RELEASE.md keeps cu126 on 9.10.2.21; on PyPI since 2025-07-15",
    ),
)
# cuDNN release -> the newest capability major that it has machine code for, the newest release first (the code in the
# wheels of PyPI, facts/data/library_code.csv: 8.5.0.96 up to 8.6, 8.7.0.84 up to 9.0, 9.7.1.26 up to 12.0; before that
# NVIDIA's support matrices of 8.0 and 7.6).
_NEWEST_MAJOR = (("9.7", 12), ("8.7", 9), ("8.0", 8), ("7", 7))
# "only for builds which use CUDA toolkit 12 or higher", from cuDNN 9.0 on
# (docs.nvidia.com/deeplearning/cudnn/frontend/latest/developer/forward-compatibility.html).
_FORWARD_COMPATIBLE = (9,), 12


def cudnn_floor(capability: ComputeCapability) -> CudnnFloor | None:
    """The floor at which cuDNN drops a GPU, or None while every release of it serves the GPU."""
    return next((floor for floor in CUDNN_FLOORS if capability < floor.capability), None)


def dropped_by(cudnn: str, capability: ComputeCapability) -> CudnnFloor | None:
    """The floor at which a cuDNN (its release, or only its major) dropped a GPU, or None when it didn't."""
    floor = cudnn_floor(capability)
    if floor is None or not cudnn or release_key(cudnn) < release_key(floor.since):
        return None
    return floor


def is_proven(build: Build, gpu: Gpu, code: ArchCode | None, catalog: Catalog) -> bool:
    """True when a source says that the build's libraries serve a GPU as new as this; `code` is what it runs of torch.

    Code of torch's own for the GPU's major proves the libraries that were built with it, stated or not. Without it the
    GPU runs torch from PTX: cuDNN 9 of CUDA 12 and newer has PTX as well; anything older knows the majors that it has.
    A cuDNN that no source states may be one that dropped the GPU, when it can be new enough for that.
    """
    if code is not None and may_have_dropped(build, gpu):
        return False
    if code is None or code.kind is CodeKind.SASS or code.capability.major == gpu.capability.major:
        return True
    cudnn, cuda_major = _release(build.cudnn), release_key(build.cuda)[0]
    if not cudnn:
        return False
    first_cudnn, first_cuda = _FORWARD_COMPATIBLE
    if cudnn >= first_cudnn and cuda_major >= first_cuda:
        return True
    return gpu.capability.major <= _newest_major(cudnn, cuda_major) and _toolkit_knows(build, gpu, catalog)


def may_have_dropped(build: Build, gpu: Gpu) -> bool:
    """True when a build comes with a cuDNN that no source states, and that may be too new for the GPU."""
    floor = cudnn_floor(gpu.capability)
    return not build.cudnn and floor is not None and release_key(build.torch) >= release_key(floor.torch)


def runs_forward(build: Build, gpu: Gpu) -> bool:
    """True when cuDNN has no machine code for the GPU, and compiles its own at first use (forward compatibility)."""
    cudnn = _release(build.cudnn)
    return bool(cudnn) and len(cudnn) > 1 and gpu.capability.major > _newest_major(cudnn, release_key(build.cuda)[0])


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


def proven(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The libraries are known to serve the newest of the GPUs, or `--torch` and `--cuda` ask for exactly this build."""
    for requested, code in zip(evaluation.request.gpus, evaluation.coverage(build).codes, strict=True):
        gpu = requested.gpu
        if not is_proven(build, gpu, code, evaluation.catalog) and not asks_for_exactly(build, evaluation):
            message = f"{build.label} {unproven(build, gpu, code)}"
            yield Failure(code=RejectionCode.UNPROVEN, message=message, changes=(exactly(build),))


def unproven(build: Build, gpu: Gpu, code: ArchCode | None) -> str:
    """Why a build is not proven on a GPU; goes on from its name."""
    if may_have_dropped(build, gpu) and (floor := cudnn_floor(gpu.capability)):
        return (
            f"comes with a cuDNN that no source states; from {floor.since} on cuDNN serves compute capability "
            f"{floor.capability} and up, and {gpu.name} is {gpu.capability}"
        )
    cudnn = f"its cuDNN {build.cudnn}" if build.cudnn else "its cuDNN, which no source states,"
    return (
        f"would run from {code} (PTX) on {gpu.name} (compute capability {gpu.capability}), but {cudnn} for CUDA "
        f"{build.cuda} is not known to serve a GPU of that major"
    )


def _release(cudnn: str) -> tuple[int, ...]:
    return release_key(cudnn) if cudnn else ()


def _newest_major(cudnn: tuple[int, ...], cuda_major: int) -> int:
    """The newest capability major that a cuDNN has machine code for; that of CUDA 11 ended with Hopper."""
    newest = next((major for since, major in _NEWEST_MAJOR if cudnn >= release_key(since)), 0)
    return min(newest, 9) if cuda_major < _FORWARD_COMPATIBLE[1] else newest


def _toolkit_knows(build: Build, gpu: Gpu, catalog: Catalog) -> bool:
    """True when the toolkit, and with it cuBLAS and NVRTC, has a capability of the GPU's major."""
    same_major = (s for s in catalog.support.values() if s.capability.major == gpu.capability.major)
    cuda = release_key(build.cuda)
    return any(s.first_toolkit and release_key(s.first_toolkit) <= cuda for s in same_major)
