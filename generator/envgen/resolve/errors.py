"""Errors of a request that is well written but that nothing can serve."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.core.builds import JetPack
from envgen.core.changes import Change
from envgen.core.errors import NoPairingError, quoted
from envgen.core.releases import CPU, cuda_of_tag, release_key
from envgen.core.resolution import CUDA_COMPAT, Rejection, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.resolve.jetson import OWN_WHEELS


class MacosError(NoPairingError):
    """The target is a Mac."""

    code = "platform-without-cuda"

    def __init__(self) -> None:
        super().__init__(
            "there is no CUDA on macOS",
            "the last macOS that CUDA supported is 10.13; PyTorch's macOS wheels use Metal (MPS) on Apple silicon",
            hint="--cuda cpu makes the environment for it, in which torch also has the device mps",
        )


class WindowsArmError(NoPairingError):
    """The target is Windows on an Arm computer."""

    code = "platform-without-cuda"

    def __init__(self) -> None:
        super().__init__(
            "no CUDA build of PyTorch for win-arm64 is on PyPI, PyTorch's indexes or conda-forge",
            hint="install that wheel, or use Linux on the same computer (WSL2): --platform linux-aarch64",
        )

    def facts(self) -> tuple[str, ...]:
        wheel = "NVIDIA publishes torch 2.14.0+cu134 for win_arm64 at https://pypi.nvidia.com/nvtorch_oot"
        return (f"{wheel} (unslothai/unsloth#10282)", "x86-64 builds start under emulation, but Triton's kernels fail")


class CpuPlatformError(NoPairingError):
    """The CPU lane has no locks for a platform that builds exist for."""

    code = "platform-without-lock"
    # Sources: file list of pypi.org/simple/torch, 2026-11-28; conda-forge/pytorch-cpu-feedstock@74dd3d46 .ci_support;
    # torch-2.12.0+cpu-cp312-cp312-win_arm64.whl of download.pytorch.org/whl/cpu in lock files of roboflow/inference.
    _THERE: Mapping[str, tuple[str, str]] = {
        "osx-64": (
            "PyPI's last wheels for Intel Macs are those of torch 2.2.2; conda-forge builds pytorch 2.13.0 for osx-64",
            "there: conda create --name torch --channel conda-forge pytorch",
        ),
        "win-arm64": (
            "PyTorch's CPU index has wheels for win_arm64 and Python 3.11 to 3.13, of torch 2.12.0 among others",
            "there: pip install torch --index-url https://download.pytorch.org/whl/cpu",
        ),
    }

    def __init__(self, platform: str) -> None:
        fact, hint = self._THERE[platform]
        super().__init__(f"no CPU environment is locked for {platform}", fact, hint=hint)


class JetPackWithoutBuildError(NoPairingError):
    """A Jetson runs a JetPack whose CUDA no published build is for."""

    code = "jetpack-without-build"

    def __init__(self, jetpack: JetPack) -> None:
        super().__init__(
            f"no build of PyPI, PyTorch's indexes or conda-forge is for JetPack {jetpack.release}",
            hint="install NVIDIA's own wheel for that JetPack: "
            "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform",
        )
        self.jetpack = jetpack

    def facts(self) -> tuple[str, ...]:
        release = self.jetpack
        return (f"JetPack {release.release} ({release.modules}) has CUDA {release.cuda}; theirs begin with JetPack 6",)


class NoGpuFoundError(NoPairingError):
    """Nobody named a GPU, and this host has none that could be found."""

    code = "no-gpu-found"

    def __init__(self, looked: tuple[str, ...] = ()) -> None:
        super().__init__(
            "no GPU was named, and no NVIDIA GPU was found on this computer",
            *looked,
            hint='pass --gpu "GeForce MX450" or --compute-capability 7.5 for the computer that the environment is for; '
            "--cuda cpu makes one without CUDA",
        )


class CapabilityUnknownError(NoPairingError):
    """No table knows that compute capability."""

    code = "capability-unknown"

    def __init__(self, text: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"no GPU with compute capability {quoted(text)} is in the catalog",
            f"known: {' '.join(known)}",
            hint="run `envgen gpus NAME` to look a GPU's capability up",
        )


class NoBuildError(NoPairingError):
    """No build runs: of one set, or of either when `package_set` is None."""

    code = "no-pairing"

    def __init__(self, resolution: Resolution, package_set: PackageSet | None = None) -> None:
        super().__init__("")
        self.resolution, self.package_set = resolution, package_set
        self.rejected = [r for r in resolution.rejected if package_set in (None, r.package_set)]

    def headline(self) -> str:
        request = self.resolution.request
        runs = "is proven to run" if self.is_unproven else "runs"
        names = ", ".join(f"{r.gpu.name} (compute capability {r.gpu.capability})" for r in request.gpus)
        build = f"{self.package_set} build of PyTorch" if self.package_set else "PyTorch build"
        driver = f"{self.resolution.drivers}, " if self.resolution.driver else ""
        return f"no {build} {runs} on {names or 'the CPU'} with {driver}{request.subdir}, Python {request.python}"

    @property
    def is_unproven(self) -> bool:
        """True when what comes nearest is a build whose libraries nobody has shown to serve the GPU."""
        main = self.main_rejection()
        return main is not None and main.code is RejectionCode.UNPROVEN

    def main_rejection(self) -> Rejection | None:
        """The build that the smallest change would allow, of those the newest.

        What was asked of torch and CUDA is left as it is if possible; fewer changes come first, then an older driver.
        """
        liftable = [(rejection, rejection.change) for rejection in self.rejected if rejection.change]
        return min(liftable, key=lambda one: _size(one[1]), default=(None, None))[0]

    def newest_rejection(self) -> Rejection | None:
        """The newest build that a change would allow which leaves alone what was asked of torch and CUDA."""
        changes = ((rejection, rejection.change) for rejection in self.rejected)
        return next((r for r, change in changes if change and not (change.torch or change.cuda)), None)

    def facts(self) -> tuple[str, ...]:
        main = self.main_rejection()
        by_code: dict[str, list[Rejection]] = {main.code.value: []} if main else {}
        for rejection in self.rejected:
            by_code.setdefault(rejection.code.value, []).append(rejection)
        # Builds that nobody has seen are no reason beside one of this target, unless their CUDA was asked for.
        if len(by_code) > 1 and not self.resolution.request.cuda:
            by_code.pop(RejectionCode.UNCERTAIN.value, None)
        listed = (f"{code} ({_count(found)}), such as: {found[0].text}" for code, found in by_code.items())
        return (*listed, *(one.text for one in self.resolution.notices if one.code == CUDA_COMPAT))

    def hint(self) -> str:
        best = self.main_rejection()
        if best is None and any(requested.gpu.segment == "jetson" for requested in self.resolution.request.gpus):
            return OWN_WHEELS
        inputs = {requested.input for requested in self.resolution.request.gpus}  # variants of a name share it
        if best is None and len(inputs) > 1:
            return "no option changes that for all of them together; run envgen for each GPU by itself"
        if best is None or best.change is None:
            return "no option changes that; `envgen why-not RELEASE+TAG` gives the reason for one build"
        if best.code is RejectionCode.UNPROVEN and best.change.torch:
            return f"{best.change.action()} to have {_name(best)} written all the same"
        newest, hint = self.newest_rejection(), f"{best.change.action()}: then {_name(best)} runs"
        if newest is None or newest.change is None or release_key(newest.torch) <= release_key(best.torch):
            return hint
        return f"{hint}; {newest.change.action()}: {_name(newest)}"


def _size(change: Change) -> tuple[int, int, tuple[int, ...]]:
    """How large a change is: what it overrides of torch and CUDA, how many options it has, how new its driver is."""
    driver = change.driver.parts if change.driver is not None and not change.older_driver else ()
    return bool(change.torch) + bool(change.cuda), len(change.options()), driver


def _name(rejection: Rejection) -> str:
    if rejection.package_set is PackageSet.PIP:
        return f"torch {rejection.torch}+{rejection.cuda_tag} from pip"
    toolkit = "CPU" if rejection.cuda_tag == CPU else f"CUDA {cuda_of_tag(rejection.cuda_tag)}"
    return f"pytorch {rejection.torch} ({toolkit}) from conda"


def _count(found: list[Rejection]) -> str:
    return "1 build" if len(found) == 1 else f"{len(found)} builds"
