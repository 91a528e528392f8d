"""Fake torchvision: only its version and `ops.nms`."""

from __future__ import annotations

from types import SimpleNamespace

import torch  # type: ignore[import-not-found]  # the fake beside this one
from scenario import HOST  # type: ignore[import-not-found]  # on PYTHONPATH of the run only

if HOST["torchvision"] is None:
    raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")
if HOST["torchvision_error"]:
    raise RuntimeError(HOST["torchvision_error"])

__version__ = HOST["torchvision"]


def _nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    return torch.apply("nms", boxes, scores, threshold)


ops = SimpleNamespace(nms=_nms)
