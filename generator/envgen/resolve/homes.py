"""Where a GPU exists: some are built beside a processor of one platform, and into nothing else."""

from __future__ import annotations

from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.facts.catalog import Catalog


def home(gpu: Gpu, catalog: Catalog) -> Subdir | None:
    """The one platform that a GPU exists on (a Jetson's modules, Grace's superchips), or None."""
    support = catalog.support.get(gpu.capability)
    return gpu.only_subdir or (support.only_subdir if support else None)
