"""What the user's own `--torch` and `--cuda` exclude."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.releases import cuda_of_tag
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The build is one that `--torch` and `--cuda` ask for."""
    if evaluation.torch is not None and not evaluation.torch.contains(build.torch):
        message = f"{build.label} is outside --torch {evaluation.torch}"
        yield Failure(code=RejectionCode.TORCH_SPEC, message=message, changes=(Change(torch=f"=={build.torch}"),))
    wanted = evaluation.request.cuda
    if wanted and wanted != build.cuda_tag:
        message = f"{build.label} is built with CUDA {cuda_of_tag(build.cuda_tag)}, --cuda asks for "
        message += cuda_of_tag(wanted)
        yield Failure(code=RejectionCode.CUDA_SPEC, message=message, changes=(Change(cuda=build.cuda_tag),))


def exactly(build: Build) -> Change:
    """The options that ask for one build and no other."""
    return Change(torch=f"=={build.torch}", cuda=build.cuda_tag)


def asks_for_exactly(build: Build, evaluation: Evaluation) -> bool:
    """True when `--torch` and `--cuda` name this one build: what is not proven is written for that alone."""
    request = evaluation.request
    return request.cuda == build.cuda_tag and request.torch.replace(" ", "") == f"=={build.torch}"
