"""Builds of PyTorch, driver floors and toolkits, read from the data files. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from envgen.core.builds import (
    Companions,
    CondaBuild,
    DriverBranch,
    DriverFloor,
    DriverSupport,
    Existence,
    JetPack,
    PipBuild,
    Toolkit,
)
from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.facts.tables import read_table

if TYPE_CHECKING:
    from envgen.facts.lanes import Lane


BuildKey = tuple[str, str, str]


class BuildCatalog:
    """The tables about builds and drivers; each is read when it is first needed."""

    def __init__(self) -> None:
        self._pip: dict[Subdir, tuple[PipBuild, ...]] = {}
        self._conda: dict[Subdir, tuple[CondaBuild, ...]] = {}
        self._by_key: dict[Subdir, dict[BuildKey, list[PipBuild | CondaBuild]]] = {}

    def pip_builds(self, subdir: Subdir) -> tuple[PipBuild, ...]:
        """All torch wheel builds for a subdir, oldest release first."""
        if subdir not in self._pip:
            rows = (r for r in read_table("torch_builds") if r["subdir"] == subdir.value)
            self._pip[subdir] = tuple(self._pip_build(row, subdir) for row in rows)
        return self._pip[subdir]

    def conda_builds(self, subdir: Subdir) -> tuple[CondaBuild, ...]:
        """All CUDA builds of conda's pytorch for a subdir, oldest version first."""
        if subdir not in self._conda:
            rows = (r for r in read_table("conda_builds") if r["subdir"] == subdir.value)
            self._conda[subdir] = tuple(self._conda_build(row, subdir) for row in rows)
        return self._conda[subdir]

    def twins(self, key: BuildKey, subdir: Subdir) -> Sequence[PipBuild | CondaBuild]:
        """The builds that decisions name alike (world, release, CUDA), for a subdir; mostly one or none."""
        if subdir not in self._by_key:
            found = self._by_key[subdir] = {}
            every: list[PipBuild | CondaBuild] = [*self.pip_builds(subdir), *self.conda_builds(subdir)]
            for build in every:
                found.setdefault(build.key, []).append(build)
        return self._by_key[subdir].get(key, ())

    @cached_property
    def floors(self) -> Mapping[int, DriverFloor]:
        """CUDA major -> the oldest driver that runs SASS of any of its toolkits."""
        return {
            int(row["cuda_major"]): DriverFloor(
                cuda_major=int(row["cuda_major"]),
                linux=DriverVersion.parse(row["linux"]),
                windows=DriverVersion.parse(row["windows"]),
                source=row["source"],
            )
            for row in read_table("driver_floors")
        }

    @cached_property
    def toolkits(self) -> Mapping[str, Toolkit]:
        """Toolkit version as written in the tables -> its own driver minimum."""
        return {
            row["version"]: Toolkit(
                version=row["version"],
                linux=DriverVersion.parse(row["linux_driver"]) if row["linux_driver"] else None,
                windows=DriverVersion.parse(row["windows_driver"]) if row["windows_driver"] else None,
                source=row["driver_source"],
            )
            for row in read_table("cuda_toolkits")
        }

    @cached_property
    def toolkit_releases(self) -> Mapping[str, list[Toolkit]]:
        """X.Y -> its releases X.Y.Z, oldest first."""
        found: dict[str, list[Toolkit]] = {}
        for version, toolkit in self.toolkits.items():
            if version.count(".") > 1:
                found.setdefault(version.rpartition(".")[0], []).append(toolkit)
        return found

    @cached_property
    def branches(self) -> tuple[DriverBranch, ...]:
        """Driver branches, oldest first."""
        return tuple(
            DriverBranch(
                branch=int(row["branch"]),
                cuda=row["cuda"],
                windows_majors=tuple(int(major) for major in row["windows_majors"].split()),
                last_linux=row["last_linux"],
                last_windows=row["last_windows"],
                source=row["source"],
            )
            for row in read_table("driver_branches")
        )

    @cached_property
    def support(self) -> Mapping[ComputeCapability, DriverSupport]:
        """Compute capability -> the driver branches that serve it."""
        found = {}
        for row in read_table("capabilities"):
            capability = ComputeCapability.parse(row["capability"])
            found[capability] = DriverSupport(
                capability=capability,
                architecture=row["architecture"],
                first_branch=int(row["first_branch"]) if row["first_branch"] else None,
                last_branch=int(row["last_branch"]) if row["last_branch"] else None,
                last_linux=row["last_linux"],
                last_windows=row["last_windows"],
                only_subdir=Subdir(row["only_subdir"]) if row["only_subdir"] else None,
                source=row["source"],
            )
        return found

    @cached_property
    def jetpacks(self) -> tuple[JetPack, ...]:
        """Releases of JetPack, oldest first."""
        return tuple(
            JetPack(
                release=row["jetpack"],
                l4t=tuple(row["l4t"].split()),
                capabilities=tuple(ComputeCapability.parse(text) for text in row["capabilities"].split()),
                modules=row["modules"],
                driver=DriverVersion.parse(row["driver"]) if row["driver"] else None,
                cuda=row["cuda"],
                glibc=row["glibc"],
                python=row["python"],
                source=row["source"],
            )
            for row in read_table("jetpack")
        )

    @cached_property
    def companions(self) -> Mapping[str, Companions]:
        """Torch release -> the torchvision and torchaudio releases that go with it."""
        return {
            row["torch"]: Companions(
                torch=row["torch"],
                torchvision=row["torchvision"],
                torchaudio=row["torchaudio"],
                torchaudio_loads=row["torchaudio_loads"],
                without_torchvision_for=tuple(row["without_torchvision_for"].split()),
                without_torchaudio_for=tuple(row["without_torchaudio_for"].split()),
            )
            for row in read_table("companions")
        }

    @cached_property
    def index_urls(self) -> Mapping[str, str]:
        """CUDA tag -> the URL of its wheel index."""
        return {row["cuda_tag"]: row["url"] for row in read_table("cuda_indexes")}

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that locks are shipped for, in the order of the table."""
        from envgen.core.shipped import Channel
        from envgen.facts.lanes import Lane

        return tuple(
            Lane(
                name=row["lane"],
                title=row["title"],
                capability=ComputeCapability.parse(row["capability"]),
                subdirs=tuple(Subdir(subdir) for subdir in row["subdirs"].split()),
                channels=tuple(Channel(channel) for channel in row["channels"].split()),
                cuda=row["cuda"],
                linux_driver=DriverVersion.parse(row["linux_driver"]) if row["linux_driver"] else None,
                windows_driver=DriverVersion.parse(row["windows_driver"]) if row["windows_driver"] else None,
                note=row["note"],
            )
            for row in read_table("lanes")
        )

    @cached_property
    def default_python(self) -> str:
        """The Python that a request gets when it names none: fixed here, so that no host changes a result."""
        return next(row["value"] for row in read_table("defaults") if row["name"] == "python")

    @cached_property
    def default_glibc(self) -> str:
        """The glibc that a Linux request gets when it names none."""
        return next(row["value"] for row in read_table("defaults") if row["name"] == "glibc")

    def _pip_build(self, row: Mapping[str, str], subdir: Subdir) -> PipBuild:
        return PipBuild(
            torch=row["torch"],
            cuda_tag=row["cuda_tag"],
            subdir=subdir,
            pythons=tuple(row["pythons"].split()),
            pythons_seen=tuple(row["pythons_seen"].split()),
            arch_list=row["arch_list"],
            toolkit=row["toolkit"],
            cudnn=row["cudnn"],
            existence=Existence(row["existence"]),
            on_pypi=bool(row["on_pypi"]),
            glibc=row["glibc"],
            evidence=row["evidence"],
            source=row["source"],
            note=row["note"],
        )

    def _conda_build(self, row: Mapping[str, str], subdir: Subdir) -> CondaBuild:
        return CondaBuild(
            pytorch=row["pytorch"],
            cuda=row["cuda"],
            subdir=subdir,
            pythons=tuple(row["pythons"].split()),
            pythons_seen=tuple(row["pythons_seen"].split()),
            arch_list=row["arch_list"],
            channels=tuple(row["channels"].split()),
            builds=row["builds"],
            build_glob=row["build_glob"],
            pins=tuple(pin for pin in row["pins"].split("; ") if pin),
            cudnn=row["cudnn"],
            glibc=row["glibc"],
            existence=Existence(row["existence"]),
            evidence=row["evidence"],
            source=row["source"],
            note=row["note"],
            detail=_detail(row),
        )


def _detail(row: Mapping[str, str]) -> str:
    """What tells a build from a twin of the same version and toolkit: its number, and whether it is for Tegra."""
    number = row["build_glob"].rpartition("_")[2]
    tegra = ", Tegra" if row["variant"] == "tegra" else ""
    return (f", build {number}" if number.isdecimal() else "") + tegra
