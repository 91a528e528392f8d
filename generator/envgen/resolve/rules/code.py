"""The build holds code for each GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.resolution import CodeUse, RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The arch list has SASS or PTX that runs on every GPU."""
    coverage = evaluation.coverage(build)
    if coverage.complete:
        return
    for requested, code in zip(evaluation.request.gpus, coverage.codes, strict=True):
        if code is None:
            gpu = requested.gpu
            yield Failure(
                code=RejectionCode.NO_KERNEL_IMAGE,
                message=f"{build.label} has no code for {gpu.name} (compute capability {gpu.capability}); "
                f"its arch list is {build.arch_list}",
            )


def code_uses(build: Build, evaluation: Evaluation) -> tuple[CodeUse, ...]:
    """Which code runs on each GPU; GPUs without any are left out."""
    found = zip(evaluation.request.gpus, evaluation.coverage(build).codes, strict=True)
    return tuple(CodeUse(gpu=requested.gpu.name, code=code) for requested, code in found if code is not None)
