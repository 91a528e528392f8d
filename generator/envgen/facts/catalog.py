"""Builds of PyTorch, driver floors and toolkits as a value made of rows. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Self

from envgen.core.builds import (
    Build,
    BuildKey,
    Companions,
    CondaDetails,
    DriverBranch,
    DriverFloor,
    DriverSupport,
    Existence,
    JetPack,
    PipDetails,
    Toolkit,
)
from envgen.core.capability import ComputeCapability, parse_arch_list
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.libraries import LibraryCode, TorchCompile
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU, cuda_of_tag, tag_of_cuda
from envgen.core.sets import PackageSet
from envgen.core.sites import TORCH
from envgen.facts.tables import once, read_table

if TYPE_CHECKING:
    from envgen.facts.lanes import Lane


Row = Mapping[str, str]
TABLES = (
    "capabilities",
    "companion_cuda",
    "companion_torch",
    "companions",
    "conda_builds",
    "cpu_builds",
    "cuda_compat",
    "cuda_indexes",
    "cuda_toolkits",
    "defaults",
    "driver_branches",
    "driver_floors",
    "jetpack",
    "lanes",
    "library_code",
    "torch_builds",
    "torch_compile",
)


class Catalog:
    """What is known of builds and drivers, as rows of tables. A value: it opens no file, and two of them never meet."""

    def __init__(self, tables: Mapping[str, Sequence[Row]]) -> None:
        self._tables = tables
        self._builds: dict[tuple[PackageSet, Subdir, bool], tuple[Build, ...]] = {}
        self._by_key: dict[Subdir, dict[BuildKey, list[Build]]] = {}

    @classmethod
    @once
    def load(cls) -> Self:
        """The catalog of the package's own tables, which a process reads once."""
        return cls({name: read_table(name) for name in TABLES})

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table, none where it is not given."""
        return self._tables.get(table, ())

    def replaced(self, table: str, rows: Iterable[Row]) -> Self:
        """The catalog with other rows in one table."""
        return type(self)({**self._tables, table: tuple(rows)})

    def builds(self, package_set: PackageSet, subdir: Subdir, *, cpu: bool = False) -> tuple[Build, ...]:
        """All CUDA builds of one set for a subdir, or all CPU builds; oldest release first."""
        key = package_set, subdir, cpu
        if key not in self._builds:
            table, build = ("cpu_builds", _cpu_build) if cpu else _TABLES[package_set]
            rows = (row for row in self.rows(table) if row["subdir"] == subdir.value)
            own = (row for row in rows if not cpu or row["set"] == package_set.value)
            self._builds[key] = tuple(build(row, subdir) for row in own)
        return self._builds[key]

    def builds_with_key(self, key: BuildKey, subdir: Subdir) -> Sequence[Build]:
        """The builds of a set with the same release and CUDA tag (or `cpu`), for a subdir; mostly one or none."""
        if subdir not in self._by_key:
            found = self._by_key[subdir] = {}
            for package_set, cpu in product(PackageSet, (False, True)):
                for build in self.builds(package_set, subdir, cpu=cpu):
                    found.setdefault(build.key, []).append(build)
        return self._by_key[subdir].get(key, ())

    @cached_property
    def floors(self) -> Mapping[int, DriverFloor]:
        """CUDA major -> the oldest driver that runs SASS of any of its toolkits."""
        return {
            int(row["cuda_major"]): DriverFloor(
                linux=DriverVersion.parse(row["linux"]),
                windows=DriverVersion.parse(row["windows"]),
                source=row["source"],
            )
            for row in self.rows("driver_floors")
        }

    @cached_property
    def toolkits(self) -> Mapping[str, Toolkit]:
        """Toolkit version as written in the tables -> its own driver minimum."""
        return {
            row["version"]: Toolkit(
                linux=DriverVersion.parse(row["linux_driver"]) if row["linux_driver"] else None,
                windows=DriverVersion.parse(row["windows_driver"]) if row["windows_driver"] else None,
            )
            for row in self.rows("cuda_toolkits")
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
            )
            for row in self.rows("driver_branches")
        )

    def compat_packages(self, branch: int) -> tuple[str, ...]:
        """The CUDAs (X.Y) that packages of forward compatibility bring to a driver branch, oldest first."""
        rows = (row for row in self.rows("cuda_compat") if str(branch) in row["branches"].split())
        return tuple(row["cuda"] for row in rows)

    @cached_property
    def support(self) -> Mapping[ComputeCapability, DriverSupport]:
        """Compute capability -> the driver branches that serve it."""
        found = {}
        last = {str(branch.branch): branch for branch in self.branches}
        for row in self.rows("capabilities"):
            capability = ComputeCapability.parse(row["capability"])
            branch = last.get(row["last_branch"])
            found[capability] = DriverSupport(
                capability=capability,
                architecture=row["architecture"],
                first_branch=int(row["first_branch"]) if row["first_branch"] else None,
                last_branch=int(row["last_branch"]) if row["last_branch"] else None,
                last_linux=branch.last_linux if branch else "",
                last_windows=branch.last_windows if branch else "",
                first_toolkit=row["first_toolkit"],
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
            )
            for row in self.rows("jetpack")
        )

    @cached_property
    def library_code(self) -> Mapping[tuple[str, int, str, Subdir], LibraryCode]:
        """(Library, CUDA major, release, subdir) -> the code in it, for the releases whose wheels were read."""
        found = [
            LibraryCode(
                library=row["library"],
                cuda_major=int(row["cuda_major"]),
                version=row["version"],
                subdir=Subdir(row["subdir"]),
                codes=parse_arch_list(row["code"]),
            )
            for row in self.rows("library_code")
        ]
        return {(code.library, code.cuda_major, code.version, code.subdir): code for code in found}

    @cached_property
    def torch_compile(self) -> Mapping[str, TorchCompile]:
        """Torch release -> where its torch.compile works, as far as it was looked up."""
        return {
            row["torch"]: TorchCompile(
                triton=row["triton"],
                subdirs=tuple(Subdir(subdir) for subdir in row["subdirs"].split()),
                lowest=ComputeCapability.parse(row["lowest"]),
                broken=tuple(ComputeCapability.parse(text) for text in row["broken"].split()),
                is_tried=bool(row["tried"]),
            )
            for row in self.rows("torch_compile")
        }

    @cached_property
    def companions(self) -> Mapping[str, Companions]:
        """Torch release -> the torchvision and torchaudio releases that go with it."""
        return {
            row["torch"]: Companions(
                torch=row["torch"],
                torchvision=row["torchvision"],
                torchaudio=row["torchaudio"],
                torchaudio_loads=row["torchaudio_loads"],
                torchaudio_for=dict(pair.split("=") for pair in row["torchaudio_for"].split()),
                without_torchvision_for=tuple(row["without_torchvision_for"].split()),
                without_torchaudio_for=tuple(row["without_torchaudio_for"].split()),
            )
            for row in self.rows("companions")
        }

    @cached_property
    def index_urls(self) -> Mapping[str, str]:
        """CUDA tag, or `cpu` -> the URL of its wheel index."""
        return {row["cuda_tag"]: row["url"] for row in self.rows("cuda_indexes")} | {CPU: f"{TORCH}/{CPU}"}

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that locks are shipped for, in the order of the table."""
        from envgen.facts.lanes import Lane

        return tuple(
            Lane(
                name=row["lane"],
                title=row["title"],
                capability=ComputeCapability.parse(row["capability"]),
                subdirs=tuple(Subdir(subdir) for subdir in row["subdirs"].split()),
                sets=tuple(PackageSet(name) for name in row["channels"].split()),
                cuda=row["cuda"],
                linux_driver=DriverVersion.parse(row["linux_driver"]) if row["linux_driver"] else None,
                windows_driver=DriverVersion.parse(row["windows_driver"]) if row["windows_driver"] else None,
                note=row["note"],
            )
            for row in self.rows("lanes")
        )

    def gpu(self, capability: ComputeCapability, name: str = "") -> Gpu:
        """A GPU of a compute capability, which the GPU tables need not know; any of that capability without a name."""
        support = self.support.get(capability)
        return Gpu.of_capability(capability, name, support.architecture if support else "")

    def home(self, gpu: Gpu) -> Subdir | None:
        """The one platform that a GPU exists on (a Jetson's modules, Grace's superchips), or None."""
        support = self.support.get(gpu.capability)
        return gpu.only_subdir or (support.only_subdir if support else None)

    @cached_property
    def default_python(self) -> str:
        """The Python that a request gets when it names none: fixed here, so that no host changes a result."""
        return next(row["value"] for row in self.rows("defaults") if row["name"] == "python")

    @cached_property
    def default_glibc(self) -> str:
        """The glibc that a Linux request gets when it names none."""
        return next(row["value"] for row in self.rows("defaults") if row["name"] == "glibc")


def _build(row: Row, subdir: Subdir, cuda: str, details: PipDetails | CondaDetails) -> Build:
    """A build from the cells that the tables of both sets have, and what is its set's own."""
    return Build(
        torch=row["torch"] if isinstance(details, PipDetails) else row["pytorch"],
        cuda_tag=tag_of_cuda(cuda),
        cuda=cuda,
        subdir=subdir,
        pythons=tuple(row["pythons"].split()),
        pythons_seen=tuple(row["pythons_seen"].split()),
        arch_list=row["arch_list"],
        cudnn=row["cudnn"],
        glibc=row["glibc"],
        existence=Existence(row["existence"]),
        evidence=row["evidence"],
        source=row["source"],
        details=details,
        libraries=dict(pin.split("=") for pin in row.get("libraries", "").split()),
    )


def _pip_build(row: Row, subdir: Subdir) -> Build:
    cuda = row["toolkit"] or cuda_of_tag(row["cuda_tag"])
    return _build(row, subdir, cuda, PipDetails(on_pypi=bool(row["on_pypi"])))


def _conda_build(row: Row, subdir: Subdir) -> Build:
    details = CondaDetails(
        channels=tuple(row["channels"].split()),
        build_numbers=row["builds"],
        build_glob=row["build_glob"],
        pins=tuple(pin for pin in row["pins"].split("; ") if pin),
        detail=_detail(row),
    )
    return _build(row, subdir, row["cuda"], details)


def _cpu_build(row: Row, subdir: Subdir) -> Build:
    is_pip = row["set"] == PackageSet.PIP
    conda = CondaDetails(channels=("conda-forge",), build_numbers="", build_glob="cpu*", pins=())
    return Build(
        torch=row["torch"],
        cuda_tag=CPU,
        cuda="",
        subdir=subdir,
        pythons=tuple(row["pythons"].split()),
        pythons_seen=tuple(row["pythons_seen"].split()),
        arch_list="",
        cudnn="",
        glibc=row["glibc"],
        existence=Existence(row["existence"]),
        evidence="published" if row["pythons_seen"] else "build-script",
        source=row["source"],
        details=PipDetails(on_pypi=bool(row["on_pypi"])) if is_pip else conda,
    )


def _detail(row: Row) -> str:
    """What tells a build from another of the same version and toolkit: its number, and whether it is for Tegra."""
    number = row["build_glob"].rpartition("_")[2]
    tegra = ", Tegra" if row["variant"] == "tegra" else ""
    return (f", build {number}" if number.isdecimal() else "") + tegra


_TABLES: Mapping[PackageSet, tuple[str, Callable[[Row, Subdir], Build]]] = {
    PackageSet.PIP: ("torch_builds", _pip_build),
    PackageSet.CONDA: ("conda_builds", _conda_build),
}
