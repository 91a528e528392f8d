"""Requests as tests write them."""

from __future__ import annotations

from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu


def ask(
    capability: str,
    subdir: str = "linux-64",
    driver: str | None = None,
    *,
    python: str = "3.12",
    glibc: str = "2.28",
    torch: str = "",
    cuda: str = "",
    vision: bool = True,
) -> Request:
    """A request for GPUs with the given compute capabilities (separated by spaces)."""
    gpus = tuple(
        RequestedGpu(input=text, gpu=Gpu(name=f"GPU {text}", capability=ComputeCapability.parse(text), architecture=""))
        for text in capability.split()
    )
    return Request(
        gpus=gpus,
        subdir=Subdir(subdir),
        python=python,
        driver=DriverVersion.parse(driver) if driver else None,
        driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
        glibc=glibc,
        torch=torch,
        cuda=cuda,
        vision=vision,
    )
