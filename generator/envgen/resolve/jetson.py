"""A Jetson's driver is part of its JetPack: which release a request is for, and what CUDA that serves."""

from __future__ import annotations

from dataclasses import replace

from envgen.core.builds import JetPack
from envgen.core.drivers import DriverVersion
from envgen.core.request import Machine, Request
from envgen.facts.catalog import Catalog

# docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform: v60 in the path stands for JetPack 6.0.
OWN_WHEELS = "NVIDIA publishes wheels of its own at https://developer.download.nvidia.com/compute/redist/jp/"


def jetpacks(request: Request, catalog: Catalog) -> list[JetPack]:
    """The releases that serve all GPUs of a request, oldest first; none when they are not those of one Jetson."""
    wanted = {requested.gpu.capability for requested in request.gpus}
    return [release for release in catalog.jetpacks if wanted and wanted <= set(release.capabilities)]


def jetpack_of(request: Request, catalog: Catalog) -> JetPack | None:
    """The JetPack that a request is for, or None when its GPUs are not those of a Jetson.

    Without a driver the newest that serves the GPUs. A driver number that stands for several counts as the oldest of
    them (540.x is CUDA 12.2 and 12.6), one that no release has as the newest release below it.
    """
    releases = jetpacks(request, catalog)
    driver = request.driver
    if not releases or request.jetpack is not None or driver is None:
        return request.jetpack or (releases[-1] if releases else None)
    same = [r for r in releases if r.driver is not None and r.driver.parts[: len(driver.parts)] == driver.parts]
    same = same or [r for r in releases if r.driver is not None and r.driver.branch == driver.branch]
    below = [r for r in releases if r.driver is None or r.driver.parts <= driver.parts]
    return same[0] if same else (below or releases[:1])[-1]


def computers_of(request: Request, catalog: Catalog) -> list[Request]:
    """The request of each of several computers: of each machine, with its Jetson modules apart from its other GPUs."""
    found: list[Machine] = []
    one = Machine(gpus=request.gpus, driver=request.driver, jetpack=request.jetpack, wsl=request.wsl)
    for machine in request.machines or (one,):
        modules = tuple(r for r in machine.gpus if any(r.gpu.capability in j.capabilities for j in catalog.jetpacks))
        others = tuple(requested for requested in machine.gpus if requested not in modules)
        if modules:
            found.append(replace(machine, gpus=modules))
        if others:
            driver = None if modules and machine.jetpack else machine.driver
            found.append(replace(machine, gpus=others, driver=driver, jetpack=None))
    if len(found) < 2:
        return []
    return [replace(request, gpus=m.gpus, driver=m.driver, jetpack=m.jetpack, machines=(), wsl=m.wsl) for m in found]


def driver_of(jetpack: JetPack) -> DriverVersion:
    """The driver of a release as nvidia-smi shows it; where there is no nvidia-smi, its Jetson Linux stands for it."""
    if jetpack.driver is not None:
        return jetpack.driver
    l4t = jetpack.l4t[-1]
    return DriverVersion(tuple(int(part) for part in l4t.split(".")), f"of Jetson Linux {l4t}")
