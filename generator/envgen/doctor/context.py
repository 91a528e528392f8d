"""Everything that the checks may look at, with what follows from it directly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from envgen.core.builds import DriverSupport
from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu, MatchKind
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.environments.inspected import Target
from envgen.environments.torch_run import Live, LiveOutcome
from envgen.facts.catalog import Catalog
from envgen.facts.gpus.catalog import GpuCatalog
from envgen.probe import host_gpus
from envgen.probe.observation import HostGpu, Observation
from envgen.resolve.driver import DriverRules


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGpu:
    """A GPU of the host with what the catalog or the driver says of its compute capability (`gpu` None: unknown)."""

    host: HostGpu
    gpu: Gpu | None

    @property
    def label(self) -> str:
        """The name to show: the driver's, else the catalog's, else the PCI id or where it sits."""
        name = self.host.name or (self.gpu.name if self.gpu else "") or self.host.label
        return name or self.host.pci_address or "unnamed GPU"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One host, one environment, one run of torch; `target` and `live` are None when there is none.

    `neighbours` are other environments of the host in which torch may be meant to be used (`VIRTUAL_ENV`, conda's).
    """

    observation: Observation
    builds: Catalog
    catalog: GpuCatalog
    target: Target | None = None
    live: Live | None = None
    neighbours: tuple[Target, ...] = field(default=())

    @cached_property
    def gpus(self) -> tuple[KnownGpu, ...]:
        """The GPUs that an environment for this host must serve."""
        return tuple(KnownGpu(host=gpu, gpu=self._known(gpu)) for gpu in host_gpus(self.observation))

    @cached_property
    def driver_answers(self) -> bool:
        """True when NVIDIA's driver listed a GPU without an error."""
        return any(gpu.is_driven and not gpu.error for gpu in self.observation.nvidia)

    @cached_property
    def works(self) -> bool:
        """True when torch ran a kernel rightly on every device."""
        return self.live is not None and self.live.works

    @cached_property
    def computes(self) -> bool:
        """True when torch computed rightly on every device, with cuDNN too."""
        return self.live is not None and self.live.computes

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
        driver = self.observation.driver
        if driver is None or self.subdir is None:
            return None
        subdir = Subdir.WIN_64 if self.observation.system.wsl else self.subdir
        return DriverRules(driver=driver, subdir=subdir, builds=self.builds)

    @cached_property
    def driver_loaded(self) -> bool:
        """True when NVIDIA's kernel module runs (in a container: that of the host), or Windows' driver answers."""
        parts = self.observation.parts
        return bool(parts.kernel_module) or "nvidia" in parts.modules or self.driver_answers

    @cached_property
    def bound_to_nvidia(self) -> bool:
        return any(gpu.kernel_driver == "nvidia" for gpu in self.observation.nvidia)

    def last_major(self, branch: int) -> int:
        """The highest number in front of the dot within a branch: Windows releases of R580 run from 580 to 582."""
        if self.rules is None or not self.rules.subdir.is_windows:
            return branch
        entry = next((b for b in self.builds.branches if b.branch == branch), None)
        return max(entry.windows_majors, default=branch) if entry else branch

    def advice_for_vendor(self, gpu: HostGpu) -> str:
        """What the catalog advises for another vendor's GPU, or an empty text."""
        match = self.catalog.match(gpu.name) if gpu.name else None
        return match.advice if match and match.kind is MatchKind.OTHER_VENDOR else ""

    def support(self, capability: ComputeCapability) -> DriverSupport | None:
        """The driver branches that serve a compute capability."""
        return self.builds.support.get(capability)

    # What torch is: its own words where it ran, else its files.

    @cached_property
    def has_torch(self) -> bool:
        return bool(self.live and self.live.has_torch) or bool(self.target and self.target.torch)

    @cached_property
    def torch_version(self) -> str:
        """As torch calls itself: 2.8.0+cu128."""
        if self.live and self.live.torch_version:
            return self.live.torch_version
        return self.target.torch.version if self.target and self.target.torch else ""

    @cached_property
    def torch_cuda(self) -> str:
        """The CUDA version that torch was built with; empty without torch and for a build without CUDA."""
        if self.live and self.live.has_torch:
            return self.live.cuda or ""
        return (self.target.torch.cuda or "") if self.target and self.target.torch else ""

    @cached_property
    def torch_hip(self) -> str:
        if self.live and self.live.has_torch:
            return self.live.hip or ""
        return (self.target.torch.hip or "") if self.target and self.target.torch else ""

    @cached_property
    def is_cpu_build(self) -> bool:
        return self.has_torch and not self.torch_cuda and not self.torch_hip

    @cached_property
    def arch_list(self) -> tuple[ArchCode, ...]:
        """What torch carries: its own list, else the catalog's for that build; empty when neither knows it."""
        if self.live and self.live.arch_list:
            return self.live.arch_list
        if not self.torch_cuda or self.subdir is None:
            return ()
        release, tag = self.torch_version.partition("+")[0], "cu" + "".join(self.torch_cuda.split(".")[:2])
        if self.target and (record := self.target.conda_record("pytorch")):
            key = PackageSet.CONDA, record.version, tag
        else:
            key = PackageSet.PIP, release, tag
        return next((build.codes for build in self.builds.builds_with_key(key, self.subdir)), ())

    @cached_property
    def torch_ran(self) -> bool:
        """True when the child got as far as asking whether CUDA is available."""
        return self.live is not None and self.live.available is not None

    @cached_property
    def start_errors(self) -> str:
        """What CUDA's start, the kernels and the convolutions said."""
        return self.live.said if self.live else ""

    def cuda_error(self, *numbers: int) -> str:
        """The line of CUDA's words that holds one of these error numbers (`Error 804: …`), or an empty text."""
        pattern = re.compile(rf"\b[Ee]rror (?:{'|'.join(str(number) for number in numbers)})\b")
        return next((line.strip() for line in self.start_errors.splitlines() if pattern.search(line)), "")

    def said(self, *words: str) -> str:
        """The line of CUDA's words that holds one of these texts, or an empty text."""
        lines = self.start_errors.splitlines()
        return next((line.strip() for line in lines if any(word.lower() in line.lower() for word in words)), "")

    @cached_property
    def live_failure(self) -> str:
        """Why torch could not answer at all (crash, hang), or an empty text."""
        if self.live is None or self.live.outcome in (LiveOutcome.DONE, LiveOutcome.NOT_RUN):
            return ""
        return self.live.reason

    def _known(self, host: HostGpu) -> Gpu | None:
        matches = (self.catalog.match(query) for query in host.queries)
        exact = (match.gpu for match in matches if match.kind is MatchKind.EXACT and match.gpu is not None)
        for gpu in exact:
            # The driver knows best: a text whose GPU has another capability than it says names another GPU.
            if host.capability is None or host.capability in (gpu.capability, gpu.renumbered):
                return gpu
        if host.capability is None:
            return None
        support = self.support(host.capability)
        architecture = support.architecture if support else ""
        return Gpu(name=host.label, capability=host.capability, architecture=architecture)


def too_old_for(case: Case, cuda: str) -> tuple[DriverVersion, DriverVersion] | None:
    """(driver, floor) when the host's driver is below the floor of a CUDA version, else None."""
    if case.rules is None or not re.fullmatch(r"\d+\.\d+(\.\d+)?", cuda):
        return None
    floor = case.rules.floor(cuda)
    if floor is None or case.rules.driver.meets_floor(floor):
        return None
    return case.rules.driver, floor
