"""Each GPU exists on the platform: what is built beside an Arm processor is on no other."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """No GPU is part of another platform's hardware."""
    subdir = evaluation.request.subdir
    for requested, only in evaluation.homes:
        if only is not subdir:
            gpu = f"{requested.gpu.name} (compute capability {requested.gpu.capability})"
            yield Failure(
                code=RejectionCode.NOT_ON_PLATFORM,
                message=f"{build.label} is for {subdir}: {gpu} is part of a {only} module, not of a {subdir} computer",
                changes=(Change(subdir=only),),
            )
