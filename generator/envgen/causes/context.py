"""Everything that the checks may look at, with what follows from it directly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Flag, auto
from functools import cached_property, reduce
from operator import or_

from envgen.core.builds import DriverSupport, JetPack
from envgen.core.capability import ArchCode
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import MatchKind
from envgen.core.platforms import Subdir
from envgen.core.releases import tag_of_cuda
from envgen.core.sets import PackageSet
from envgen.environments.inspected import InspectedEnvironment, base_version
from envgen.environments.installers import Installer
from envgen.environments.torch_run import RunOutcome, TorchRun
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.probe.observation import HostGpu, Observation
from envgen.request.known_gpus import KnownGpu, jetpack_of, known_gpu, known_gpus
from envgen.resolve.driver import DriverRules


class Trait(Flag):
    """What a context is, has or shows: the words in which the table of causes guards its checks."""

    # The kind of computer.
    LINUX = auto()
    WSL = auto()
    JETSON = auto()
    CONTAINER = auto()
    NVIDIA_GPU = auto()
    # How far it works: the driver lists a GPU, torch ran kernels, cuDNN too, torchvision too.
    DRIVER_ANSWERS = auto()
    WORKS = auto()
    COMPUTES = auto()
    SOUND = auto()
    # What is installed.
    TORCH = auto()
    CUDA_BUILD = auto()
    # What there is to look at; without it a check is skipped.
    ENVIRONMENT = auto()
    TORCH_RUN = auto()
    BUS = auto()
    DEVICE_FILES = auto()
    LIBRARIES = auto()
    MODULES = auto()
    PACKAGES = auto()
    VARIABLES = auto()


NO_TRAIT = Trait(0)
# What every look at a host shows, and a text that somebody posted may not.
SHOWN = Trait.BUS | Trait.DEVICE_FILES | Trait.LIBRARIES | Trait.MODULES | Trait.PACKAGES | Trait.VARIABLES


@dataclass(frozen=True, kw_only=True)
class Context:
    """One host, one environment, one run of torch; `environment` and `run` are None when there is none.

    `without_library_path` is a second run, without LD_LIBRARY_PATH, where the first one failed with it.
    `neighbours` are other environments of the host in which torch may be meant to be used (`VIRTUAL_ENV`, conda's).
    `unexamined` and `not_run` say why this Python could not be examined, and why torch was not run. `hidden` is what
    the facts, when they come from a text, don't show.
    """

    observation: Observation
    builds: Catalog
    catalog: GpuCatalog
    environment: InspectedEnvironment | None = None
    run: TorchRun | None = None
    without_library_path: TorchRun | None = None
    neighbours: tuple[InspectedEnvironment, ...] = ()
    unexamined: str = ""
    not_run: str = ""
    hidden: Trait = NO_TRAIT

    @cached_property
    def traits(self) -> Trait:
        """All that this context is, has and shows."""
        system = self.observation.system
        claims = {
            Trait.LINUX: self.is_linux,
            Trait.WSL: bool(system.wsl),
            Trait.JETSON: system.jetson is not None,
            Trait.CONTAINER: bool(system.container),
            Trait.WORKS: self.works,
            Trait.COMPUTES: self.computes,
            Trait.SOUND: self.computes and not (self.run and self.run.vision_failure),
            Trait.DRIVER_ANSWERS: self.driver_answers,
            Trait.NVIDIA_GPU: bool(self.observation.nvidia),
            Trait.TORCH: self.has_torch,
            Trait.CUDA_BUILD: bool(self.torch_cuda),
            Trait.ENVIRONMENT: self.environment is not None,
            Trait.TORCH_RUN: self.torch_ran or bool(self.run and self.run.errors),
        }
        return reduce(or_, (trait for trait, holds in claims.items() if holds), SHOWN & ~self.hidden)

    def shows(self, traits: Trait) -> bool:
        """True when this context has all of these."""
        return traits in self.traits

    @cached_property
    def gpus(self) -> tuple[KnownGpu, ...]:
        """The GPUs that an environment for this host must serve."""
        return known_gpus(self.observation, self.catalog, self.builds)

    def named(self, gpu: HostGpu) -> str:
        """The name to show for any GPU of the host."""
        return known_gpu(gpu, self.catalog, self.builds).label

    @cached_property
    def gpu_names(self) -> str:
        """The NVIDIA GPUs of the host, each name with its number: `3x GeForce RTX 4070`; empty without one."""
        names = [self.named(gpu) for gpu in self.observation.nvidia]
        return ", ".join(f"{n}x {name}" if (n := names.count(name)) > 1 else name for name in dict.fromkeys(names))

    @cached_property
    def installer(self) -> Installer:
        """Writes the commands that change the environment."""
        observation = self.observation
        return Installer(system=observation.system, environment=self.environment, settings=observation.settings)

    @cached_property
    def driver_answers(self) -> bool:
        """True when NVIDIA's driver listed a GPU without an error."""
        return any(gpu.is_driven and not gpu.error for gpu in self.observation.nvidia)

    @cached_property
    def works(self) -> bool:
        return self.run is not None and self.run.works

    @cached_property
    def computes(self) -> bool:
        return self.run is not None and self.run.computes

    @cached_property
    def is_linux(self) -> bool:
        return self.observation.system.os == "linux"

    @cached_property
    def subdir(self) -> Subdir | None:
        return self.observation.system.subdir

    @cached_property
    def rules(self) -> DriverRules | None:
        """The driver that the host has, with the floors to hold it against; None when either is unknown.

        In WSL the driver is the Windows one, and so are its numbers.
        """
        driver = self.installed_driver
        if driver is None or self.subdir is None:
            return None
        subdir = Subdir.WIN_64 if self.observation.system.wsl else self.subdir
        return DriverRules(driver=driver, subdir=subdir, builds=self.builds)

    @cached_property
    def installed_driver(self) -> DriverVersion | None:
        """The driver that runs, else the one whose libraries are installed and whose module does not run."""
        text = self.observation.parts.user_library
        return self.observation.driver or (DriverVersion.parse(text) if re.fullmatch(r"\d{3}(\.\d+)+", text) else None)

    @cached_property
    def jetpack(self) -> JetPack | None:
        """The JetPack of a Jetson by its L4T release, or None."""
        return jetpack_of(self.observation, self.builds)

    @cached_property
    def driver_loaded(self) -> bool:
        """True when NVIDIA's kernel module runs (in a container: that of the host), or Windows' driver answers."""
        parts = self.observation.parts
        return bool(parts.kernel_module) or "nvidia" in parts.modules or self.driver_answers

    def advice_for_vendor(self, gpu: HostGpu) -> str:
        """What the catalog advises for another vendor's GPU, or an empty text."""
        match = self.catalog.match(gpu.name) if gpu.name else None
        return match.advice if match and match.kind is MatchKind.OTHER_VENDOR else ""

    def supports(self) -> Iterator[tuple[KnownGpu, DriverSupport]]:
        """Yield the GPUs with the driver branches that serve them, as far as both are known."""
        for known in self.gpus:
            support = self.builds.support.get(known.gpu.capability) if known.gpu else None
            if support is not None:
                yield known, support

    # What torch is: its own words where it ran, else its files.

    @cached_property
    def has_torch(self) -> bool:
        return bool(self.run and self.run.has_torch) or bool(self.environment and self.environment.torch)

    @cached_property
    def torch_version(self) -> str:
        """As torch calls itself: 2.8.0+cu128."""
        if self.run and self.run.torch_version:
            return self.run.torch_version
        return self.environment.torch.version if self.environment and self.environment.torch else ""

    @cached_property
    def torch_cuda(self) -> str:
        """The CUDA version that torch was built with; empty without torch and for a build without CUDA."""
        if self.run and self.run.has_torch:
            return self.run.cuda or ""
        return (self.environment.torch.cuda or "") if self.environment and self.environment.torch else ""

    @cached_property
    def torch_hip(self) -> str:
        if self.run and self.run.has_torch:
            return self.run.hip or ""
        return (self.environment.torch.hip or "") if self.environment and self.environment.torch else ""

    @cached_property
    def is_cpu_build(self) -> bool:
        """True for a torch that is known to be built for no GPU (an empty text of a version: unknown)."""
        if self.run and self.run.has_torch:
            return self.run.cuda is None and self.run.hip is None
        torch = self.environment.torch if self.environment else None
        return torch is not None and torch.cuda is None and torch.hip is None

    @cached_property
    def arch_list(self) -> tuple[ArchCode, ...]:
        """What torch carries: its own list, else the catalog's for that build; empty when neither knows it."""
        if self.run and self.run.arch_list:
            return self.run.arch_list
        return self.arch_list_on(self.subdir) if self.subdir else ()

    def arch_list_on(self, subdir: Subdir) -> tuple[ArchCode, ...]:
        """What the catalog knows of this build for a platform; empty when it doesn't know it."""
        if not self.torch_cuda:
            return ()
        key = PackageSet.PIP, base_version(self.torch_version), tag_of_cuda(self.torch_cuda)
        if self.environment and (record := self.environment.conda_record("pytorch")):
            key = PackageSet.CONDA, record.version, key[2]
        return next((build.codes for build in self.builds.builds_with_key(key, subdir)), ())

    @cached_property
    def torch_ran(self) -> bool:
        """True when the child got as far as asking whether CUDA is available."""
        return self.run is not None and self.run.available is not None

    @cached_property
    def start_errors(self) -> str:
        """What CUDA's start, the kernels and the convolutions printed."""
        return self.run.error_text if self.run else ""

    def variable_evidence(self, name: str) -> tuple[str, ...]:
        """What a variable is; nothing where a text doesn't show it."""
        value = self.observation.variable(name)
        if value is not None:
            return (f"{name}={value}",)
        return (f"{name} is not set",) if self.shows(Trait.VARIABLES) else ()

    def cuda_error(self, *numbers: int) -> str:
        """The line of CUDA's words that holds one of these error numbers (`Error 804: …`), or an empty text."""
        listed = "|".join(str(number) for number in numbers)
        # PyTorch before 1.5 writes `cuda runtime error (802)` and `error=802`.
        pattern = re.compile(rf"\berror(?: |=| \()(?:{listed})\b", re.IGNORECASE)
        return next((line.strip() for line in self.start_errors.splitlines() if pattern.search(line)), "")

    def error_line(self, *words: str) -> str:
        """The line of CUDA's words that holds one of these texts, or an empty text."""
        lines = self.start_errors.splitlines()
        return next((line.strip() for line in lines if any(word.lower() in line.lower() for word in words)), "")

    @cached_property
    def run_failure(self) -> str:
        """Why torch could not answer at all (crash, hang), or an empty text."""
        if self.run is None or self.run.outcome in (RunOutcome.DONE, RunOutcome.NOT_RUN):
            return ""
        return self.run.reason
