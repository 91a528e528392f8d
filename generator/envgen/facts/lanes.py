"""Lanes: groups of GPUs and drivers that lead to the same pairing, for which locks are shipped."""

from __future__ import annotations

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.sets import PackageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane. Its pairing is decided for `capability` and the driver; None stands for the newest driver.

    `cuda` is a CUDA tag that the lane is bound to, or empty.
    """

    name: str
    title: str
    capability: ComputeCapability
    subdirs: tuple[Subdir, ...]
    sets: tuple[PackageSet, ...]
    cuda: str
    linux_driver: DriverVersion | None
    windows_driver: DriverVersion | None
    note: str

    def request(self, subdir: Subdir, python: str, glibc: str) -> Request:
        """The request that the lane's pairing is decided for."""
        gpu = Gpu.of_capability(self.capability)
        driver = self.windows_driver if subdir.is_windows else self.linux_driver
        return Request(
            gpus=(RequestedGpu(input=str(self.capability), gpu=gpu),),
            subdir=subdir,
            python=python,
            driver=driver,
            driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
            glibc=glibc,
            cuda=self.cuda,
        )
