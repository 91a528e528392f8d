"""CUDA's forward compatibility: what a package of NVIDIA's would add to an older driver. Named, never chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from envgen.core.builds import Build
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin
from envgen.core.resolution import CUDA_COMPAT, Notice, Pairing
from envgen.core.sets import PackageSet
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rank import preferred
from envgen.resolve.rules import runs

# Who it is for (https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html, 2026); other GPUs get
# CUDA's error 804. Jetson has packages of its own, and RTX cards only in systems that NVIDIA tested.
_SEGMENT = "datacenter"


def cuda_compat(evaluation: Evaluation, pip: Pairing | None) -> Iterator[Notice]:
    """A notice when a newer torch would run beside the same driver with a package cuda-compat-X-Y."""
    if not _is_for(evaluation):
        return
    chosen = release_key(pip.build.torch) if pip is not None else ()
    builds = evaluation.catalog.builds(PackageSet.PIP, evaluation.request.subdir)
    for torch, group in groupby(reversed(builds), key=lambda build: build.torch):
        if release_key(torch) <= chosen:
            return
        if found := [build for build in group if beside_driver(build, evaluation)]:
            yield Notice(code=CUDA_COMPAT, text=beside_driver(preferred(found, evaluation), evaluation))
            return


def beside_driver(build: Build, evaluation: Evaluation) -> str:
    """How a build would run beside the driver with the package of its own CUDA; empty when it would not."""
    cuda = ".".join(build.cuda.split(".")[:2])
    rules, catalog = evaluation.rules, evaluation.catalog
    if not _is_for(evaluation) or cuda not in catalog.compat_packages(rules.driver.branch):
        return ""
    own = next((rules.first_of(branch.branch) for branch in catalog.branches if branch.cuda == cuda), None)
    if own is None or not runs(build, Evaluation.of(replace(evaluation.request, driver=own), catalog)):
        return ""
    package = f"cuda-compat-{cuda.replace('.', '-')}"
    return (
        f"{build.label} would run beside driver {rules.driver} with NVIDIA's package {package} "
        f"and /usr/local/cuda-{cuda}/compat in LD_LIBRARY_PATH: on data-centre GPUs and Linux only, without OpenGL and "
        "Vulkan interop, and to be taken out when the driver is updated (NVIDIA: CUDA compatibility, Forward "
        f"Compatibility); --driver {own} decides for that"
    )


def _is_for(evaluation: Evaluation) -> bool:
    """True for data-centre GPUs on Linux with one driver that was stated and that knows all of them."""
    request, branch = evaluation.request, evaluation.rules.driver.branch
    on_windows = request.subdir.is_windows or evaluation.rules.is_wsl
    if on_windows or request.machines or request.driver_origin is DriverOrigin.ASSUMED:
        return False
    # The driver in the kernel has to know the GPU, whatever its libraries are.
    known = all(support.first_branch is None or support.first_branch <= branch for _, support in evaluation.supports)
    return known and bool(request.gpus) and all(requested.gpu.segment == _SEGMENT for requested in request.gpus)
