"""What the libraries beside torch serve: GPU code of CUDA's libraries, and what Triton compiles for."""

from __future__ import annotations

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCode:
    """One release of cudnn, cublas, nccl or nvrtc for a CUDA major, and the code in its wheel, as it was read.

    `codes` is what the parts carry that every use needs; of nvrtc it is what it compiles for.
    """

    library: str
    cuda_major: int
    version: str
    subdir: Subdir
    codes: tuple[ArchCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchCompile:
    """Where torch.compile of one release of torch works: from `lowest` up, less `broken`, on `subdirs`.

    `triton` is the release that the Linux wheels require; `broken` says nothing while that one was not tried.
    """

    triton: str
    subdirs: tuple[Subdir, ...]
    lowest: ComputeCapability
    broken: tuple[ComputeCapability, ...]
    is_tried: bool
