"""What the files of an environment state of the request that made them.

It holds no login, mirror, host or path: two people who ask for the same get the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from envgen.core.builds import JetPack
from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.request import Choices, DriverOrigin, Machine, Request, RequestedGpu, choices_of
from envgen.core.sets import PackageSet

# Companions and other choices, further packages: what a set is asked for beside torch.
Asks = tuple[tuple[tuple[str, str | bool], ...], frozenset[str]]
# Choices that say which build is wanted; the build in a folder is judged by itself.
_OF_THE_BUILD = frozenset({"python", "torch", "cuda"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRecord:
    """A GPU of a request; `name` is empty when only a compute capability was asked for."""

    name: str
    capability: ComputeCapability


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRecord:
    """One of several computers: its GPUs, its driver (None: not stated), the release of its JetPack or empty.

    `wsl` is True where Linux is WSL2.
    """

    gpus: tuple[GpuRecord, ...]
    driver: DriverVersion | None
    jetpack: str = ""
    wsl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRecord(MachineRecord):
    """What is asked for on one platform, and for each set why it is not there; an empty reason says that it is locked.

    `gpus` are those of this platform. `machines` are filled when there are several, then the rest is of them together.
    """

    subdir: Subdir
    driver_origin: DriverOrigin
    glibc: str
    machines: tuple[MachineRecord, ...] = ()
    sets: Mapping[PackageSet, str] = field(default_factory=dict)


class Binding(StrEnum):
    """For which set a further package was asked."""

    BOTH = "both"
    PIP = "pip"
    CONDA = "conda"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord(Choices):
    """A request as the files of its environment state it.

    `packages` are the values of `--with` by the set that they were bound to; `name` is that of conda's environment
    where one was given. Without `index_lines` requirements.txt does not say where packages are. `inputs` maps the name
    of each file of `--requirements` to its lines; `extras` and `groups` are those that were asked for of a
    pyproject.toml, `channels` are further ones of conda, `sources` may be locked as source distributions. `codes`
    and `floor` are set in shipped locks alone, which are for every GPU that runs one of these entries of an arch list,
    with that driver or newer.
    """

    platforms: tuple[PlatformRecord, ...]
    packages: Mapping[Binding, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""
    index_lines: bool = True
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    codes: tuple[ArchCode, ...] = ()
    floor: DriverVersion | None = None

    @classmethod
    def of(
        cls,
        requests: Sequence[Request],
        packages: Iterable[str] = (),
        sets: Mapping[Subdir, Mapping[PackageSet, str]] | None = None,
    ) -> RequestRecord:
        """The record of the requests of one run; `packages` are the values of `--with`, `sets` as in PlatformRecord."""
        first = requests[0]
        return cls(
            platforms=tuple(_platform(request, (sets or {}).get(request.subdir, {})) for request in requests),
            packages=_bound(packages),
            **choices_of(first),
        )

    def asks(self, package_set: PackageSet) -> Asks:
        """What a set is asked for beside torch: while that is the same, its lock may be kept."""
        own = Binding(package_set.value)
        lines = (line for lines in self.inputs.values() for line in lines)
        packages = (*self.packages.get(Binding.BOTH, ()), *self.packages.get(own, ()), *lines)
        beside = {name: value for name, value in choices_of(self).items() if name not in _OF_THE_BUILD}
        if package_set is PackageSet.CONDA:
            beside["channels"] = " ".join(self.channels)
        else:
            beside["sources"] = " ".join(self.sources)
        return tuple(beside.items()), frozenset(packages)

    def with_texts(self) -> tuple[str, ...]:
        """The values of `--with` that ask for the same packages."""
        both = self.packages.get(Binding.BOTH, ())
        bound = (f"{of.value}:{text}" for of in (Binding.PIP, Binding.CONDA) for text in self.packages.get(of, ()))
        return (*both, *bound)

    def without_sets(self) -> RequestRecord:
        """What was asked for, whatever came of it."""
        return replace(self, platforms=tuple(replace(one, sets={}) for one in self.platforms))

    def states(self, package_set: PackageSet) -> tuple[str, ...]:
        """For each platform why the set is not there, empty where it is locked; nothing where that is not stated."""
        return tuple(one.sets[package_set] for one in self.platforms if package_set in one.sets)

    def locked(self, package_set: PackageSet) -> tuple[Subdir, ...]:
        """The platforms that the set is recorded as locked for."""
        return tuple(one.subdir for one in self.platforms if one.sets.get(package_set, "-") == "")

    def requests(
        self, find_gpu: Callable[[GpuRecord], Gpu], find_jetpack: Callable[[str], JetPack | None]
    ) -> tuple[Request, ...]:
        """The requests that the record states, one a platform, with the GPUs and JetPacks that are found for it."""

        def found(one: MachineRecord) -> dict[str, Any]:
            named = ((gpu.name or str(gpu.capability), find_gpu(gpu)) for gpu in one.gpus)
            gpus = tuple(RequestedGpu(input=text, gpu=gpu) for text, gpu in named)
            return {"gpus": gpus, "driver": one.driver, "jetpack": find_jetpack(one.jetpack), "wsl": one.wsl}

        return tuple(
            Request(
                subdir=one.subdir,
                driver_origin=one.driver_origin,
                glibc=one.glibc,
                machines=tuple(Machine(**found(each)) for each in one.machines),
                **found(one),
                **choices_of(self),
            )
            for one in self.platforms
        )


def _platform(request: Request, sets: Mapping[PackageSet, str]) -> PlatformRecord:
    return PlatformRecord(
        subdir=request.subdir,
        driver_origin=request.driver_origin,
        glibc=request.glibc if request.subdir.is_linux else "",
        machines=tuple(MachineRecord(**_stated(each)) for each in request.machines),
        sets=dict(sets),
        **_stated(request),
    )


def _stated(one: Request | Machine) -> dict[str, Any]:
    """The fields of a MachineRecord."""
    named = dict.fromkeys((each.gpu.name if each.gpu.is_named else "", each.gpu.capability) for each in one.gpus)
    return {
        "gpus": tuple(GpuRecord(name=name, capability=capability) for name, capability in named),
        "driver": one.driver,
        "jetpack": one.jetpack.release if one.jetpack else "",
        "wsl": one.wsl,
    }


def _bound(packages: Iterable[str]) -> dict[Binding, tuple[str, ...]]:
    """The values of `--with` by the set in front of them, sorted, each once."""
    found: dict[Binding, set[str]] = {of: set() for of in Binding}
    for text in packages:
        prefix, colon, rest = text.partition(":")
        of = next((of for of in (Binding.PIP, Binding.CONDA) if colon and prefix.strip().lower() == of), Binding.BOTH)
        found[of].add((text if of is Binding.BOTH else rest).strip())
    return {of: tuple(sorted(texts)) for of, texts in found.items() if texts}
