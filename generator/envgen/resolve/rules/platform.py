"""Each GPU exists on the platform: the modules and superchips that are built into one are on no other."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """No GPU is part of a module of another platform."""
    subdir = evaluation.request.subdir
    for requested, support in evaluation.supports:
        if support.only_subdir not in (None, subdir):
            gpu = f"{requested.gpu.name} (compute capability {requested.gpu.capability})"
            yield Failure(
                code=RejectionCode.NOT_ON_PLATFORM,
                message=f"{build.label} is for {subdir}: {gpu} is part of a {support.only_subdir} module, not of a "
                f"{subdir} computer",
                changes=(Change(subdir=support.only_subdir),),
            )
