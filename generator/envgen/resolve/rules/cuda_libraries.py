"""The other libraries of CUDA that a build pins have code for each GPU: machine code, or PTX that can be compiled."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, CodeKind
from envgen.core.gpus import Gpu
from envgen.core.libraries import LibraryCode
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_for
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def pinned(build: Build, library: str, catalog: Catalog) -> LibraryCode | None:
    """The code of the cublas, nccl or nvrtc that a build pins; None when no pin is known, or its wheel was not read.

    The wheel for x86 Linux stands for that of Windows; the one for Arm has Jetson's code besides, and stands alone.
    """
    version, major = build.libraries.get(library, ""), release_key(build.cuda)[0]
    own = catalog.library_code.get((library, major, version, build.subdir))
    if own is not None or build.subdir is Subdir.LINUX_AARCH64:
        return own
    return catalog.library_code.get((library, major, version, Subdir.LINUX_64))


def lacks(code: LibraryCode, gpu: Gpu, cuda: str) -> bool:
    """True when a library has neither machine code nor PTX that runs on a GPU."""
    return code_for(code.codes, gpu, cuda) is None


def compiles(code: LibraryCode, gpu: Gpu, cuda: str) -> bool:
    """True when a library runs on a GPU from PTX alone, which the driver compiles at first use."""
    found: ArchCode | None = code_for(code.codes, gpu, cuda)
    return found is not None and found.kind is CodeKind.PTX


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """cuBLAS, which nearly everything needs, has code for every GPU."""
    code = pinned(build, "cublas", evaluation.catalog)
    if code is None:
        return
    for requested in evaluation.request.gpus:
        gpu = requested.gpu
        if lacks(code, gpu, build.cuda):
            listed = " ".join(str(one) for one in code.codes)
            yield Failure(
                code=RejectionCode.NO_LIBRARY_CODE,
                message=f"{build.label} comes with cuBLAS {code.version}, which has no code for {gpu.name} "
                f"(compute capability {gpu.capability}); it has {listed}",
            )
