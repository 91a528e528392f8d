"""The pairing of a build that runs: its companions and its index, or the match specs that keep a solver on it."""

from __future__ import annotations

from envgen.core.builds import Build
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules.code import code_uses
from envgen.resolve.rules.driver import driver_floor
from envgen.resolve.rules.libraries import cudnn_floor

LEGACY_CHANNEL = "pytorch"
_FIRST_WITH_LIBCUDNN = (2, 10, 0)


def pairing(build: Build, evaluation: Evaluation) -> Pairing:
    """The pairing of a build that passed every rule."""
    request, catalog = evaluation.request, evaluation.catalog
    is_pip = build.package_set is PackageSet.PIP
    companions = catalog.companions.get(build.torch) if is_pip else None
    index = PYPI if build.on_pypi else catalog.index_urls[build.cuda_tag] if is_pip else ""
    floor = cudnn_floor(min(evaluation.capabilities)) if evaluation.capabilities else None
    return Pairing(
        build=build,
        code=code_uses(build, evaluation),
        driver_floor=None if build.is_cpu else driver_floor(build, evaluation),
        fully_served=build.is_cpu or evaluation.fully_serves(build.cuda),
        cudnn_below=floor.since if floor else "",
        index_url=index,
        torchvision=companions.torchvision if companions and request.vision else "",
        torchaudio=companions.audio_for(request.python, build.cuda_tag) if companions and request.audio else "",
        specs=() if is_pip else conda_specs(build, request, cudnn_below=floor.since if floor else ""),
    )


def conda_specs(build: Build, request: Request, *, cudnn_below: str) -> tuple[str, ...]:
    """The match specs of a build, in the order in which they are written.

    The build string keeps a host without a GPU from silently getting a CPU build; `cuda-version` keeps a driver that
    reports CUDA 13 from choosing CUDA 13 for a GPU that it has no code for; the bound on cuDNN keeps the releases out
    that dropped a GPU of the request.
    """
    glob = build.conda.glob_for(request.python)
    specs = [f"python={request.python}", f"pytorch={build.torch}={glob}"]
    if build.conda.channels[0] != LEGACY_CHANNEL and not build.is_cpu:
        specs.append(f"cuda-version={build.cuda}")
    specs += build.conda.pins
    if cudnn_below and _has_cudnn_9(build):
        specs.append(f"{_cudnn_package(build)}<{cudnn_below}")
    if request.vision:
        specs.append("torchvision")
    if request.audio:
        specs.append("torchaudio")
    return tuple(specs)


def _has_cudnn_9(build: Build) -> bool:
    """True for conda-forge's CUDA 11 and 12 builds against cuDNN 9; those against cuDNN 8 hold it themselves."""
    is_forge = build.conda.channels[0] != LEGACY_CHANNEL
    return is_forge and build.cudnn.split(".")[0] == "9" and build.cuda.startswith(("11.", "12."))


def _cudnn_package(build: Build) -> str:
    """The package that a build depends on for cuDNN: `libcudnn` since 2.10.0, `cudnn` before.

    So the published records say: pytorch-2.10.0-cuda129_generic_py312_he96de2d_203 needs libcudnn >=9.10.2.21,
    pytorch-2.8.0-cuda129_generic_py312_h66235c3_201 needs cudnn >=9.10.1.4.
    """
    return "libcudnn" if release_key(build.torch) >= _FIRST_WITH_LIBCUDNN else "cudnn"
