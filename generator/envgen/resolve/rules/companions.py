"""The wanted companions exist for the build: torchvision is built for one torch release and a few Pythons."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.resolution import RejectionCode
from envgen.core.sets import PackageSet
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules.file import nearest_first


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """A wheel of the torchvision that goes with a torch wheel is there. Conda's solver finds its own."""
    request = evaluation.request
    if not request.vision or build.package_set is not PackageSet.PIP:
        return
    companions = evaluation.catalog.companions.get(build.torch)
    if companions is not None and companions.vision_for(request.python):
        return
    message = f"no torchvision release goes with {build.label}"
    pythons: list[str] = []
    if companions is not None and companions.torchvision:
        message = f"{build.label} goes with torchvision {companions.torchvision}, which has no wheel for "
        message += f"Python {request.python}"
        pythons = nearest_first(request.python, [python for python in build.pythons if not python.endswith("t")])
    changes = (Change(without_vision=True), *(Change(python=python) for python in pythons))
    yield Failure(code=RejectionCode.NO_TORCHVISION, message=message, changes=changes)
