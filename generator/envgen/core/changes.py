"""What would have to be different in a request for a build to run."""

from __future__ import annotations

from dataclasses import replace

from envgen.core.builds import JetPack
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.request import DriverOrigin, Machine, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Other values for a request; what is None or empty stays as it is.

    `driver` is the oldest that will do, or with `older_driver` the newest that still does; on a Jetson it is that of
    `jetpack`. `torch` is a PEP 440 specifier.
    """

    subdir: Subdir | None = None
    driver: DriverVersion | None = None
    older_driver: bool = False
    jetpack: JetPack | None = None
    python: str = ""
    glibc: str = ""
    torch: str = ""
    cuda: str = ""
    without_vision: bool = False

    def applied(self, request: Request) -> Request:
        """The request with these values. A newer driver is one for each of several computers that have an older."""
        machines = tuple(self._updated(machine) for machine in request.machines)
        return replace(
            request,
            subdir=self.subdir or request.subdir,
            driver=self.driver or request.driver,
            driver_origin=DriverOrigin.GIVEN if self.driver else request.driver_origin,
            jetpack=self.jetpack or request.jetpack,
            python=self.python or request.python,
            glibc=self.glibc or request.glibc,
            torch=self.torch or request.torch,
            cuda=self.cuda or request.cuda,
            vision=request.vision and not self.without_vision,
            machines=machines,
        )

    def _updated(self, machine: Machine) -> Machine:
        stated, newer = machine.driver, self.driver
        if stated is None or newer is None or self.older_driver or machine.jetpack or newer.parts <= stated.parts:
            return machine
        return replace(machine, driver=newer)

    def merged(self, other: Change) -> Change:
        """Both changes: the newer of two drivers and glibcs, else the other's value where it has one."""
        drivers = [driver for driver in (self.driver, other.driver) if driver is not None]
        return Change(
            subdir=other.subdir or self.subdir,
            driver=max(drivers, key=lambda driver: driver.parts, default=None),
            older_driver=self.older_driver or other.older_driver,
            jetpack=other.jetpack or self.jetpack,
            python=other.python or self.python,
            glibc=max(filter(None, (self.glibc, other.glibc)), key=release_key, default=""),
            torch=other.torch or self.torch,
            cuda=other.cuda or self.cuda,
            without_vision=self.without_vision or other.without_vision,
        )

    def options(self) -> dict[str, str]:
        """Option without its dashes -> value, in the order in which they are written; a flag's value is `true`."""
        values = {
            "platform": self.subdir.value if self.subdir else "",
            "python": self.python,
            "driver": f"JetPack {self.jetpack.release}" if self.jetpack else str(self.driver or ""),
            "glibc": self.glibc,
            "torch": self.torch,
            "cuda": self.cuda,
            "no-vision": "true" if self.without_vision else "",
        }
        return {name: value for name, value in values.items() if value}

    def action(self) -> str:
        """What a person does: `update the driver to 572.16 or newer`."""
        driver = f"update the driver to {self.driver} or newer"
        if self.jetpack:
            driver = f"install JetPack {self.jetpack.release}"
        elif self.driver and self.older_driver:
            driver = f"go back to driver {self.driver}, the last that serves the GPU"
        parts = {
            f"use {self.subdir} (--platform {self.subdir})": self.subdir,
            f"use Python {self.python} (--python {self.python})": self.python,
            driver: self.driver,
            f"use a system with glibc {self.glibc} or newer (--glibc {self.glibc})": self.glibc,
            f"ask for torch {self.torch.removeprefix('==')} (--torch {self.torch})": self.torch,
            f"ask for CUDA {cuda_of_tag(self.cuda or 'cu00')} (--cuda {self.cuda})": self.cuda,
            "leave torchvision out (--no-vision)": self.without_vision,
        }
        return " and ".join(text for text, is_part in parts.items() if is_part)
