"""One request with what the rules need to know of it, looked up once for all candidate builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from envgen.core.builds import Build, JetPack
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.request import Request, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_in, is_unified
from envgen.resolve.driver import DriverRules, SupportedGpu, assumed_driver, is_of_windows, supports
from envgen.resolve.jetson import computers_of, driver_of, jetpack_of
from envgen.resolve.wsl_branch import linux_branch

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The code of an arch list that each of several GPUs runs, in their order, None without any."""

    codes: tuple[ArchCode | None, ...]
    complete: bool
    needs_ptx: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One request with its driver and GPUs, shared by all candidate builds.

    `jetpack` is the one that a Jetson's request is for, None for every other GPU. `homes` are the GPUs that exist on
    one platform only, `supports` those whose capability the catalog knows, with the drivers that serve them. `torch` is
    `--torch` as read, None when it was not given. `computers` are the evaluations of several computers, each with its
    own GPUs and driver: a build runs when it runs on each of them.
    """

    request: Request
    catalog: Catalog
    rules: DriverRules
    jetpack: JetPack | None
    homes: tuple[tuple[RequestedGpu, Subdir], ...]
    torch: SpecifierSet | None
    supports: tuple[SupportedGpu, ...]
    capabilities: tuple[ComputeCapability, ...]
    coverages: tuple[Mapping[str, Coverage], Mapping[str, Coverage]]
    computers: tuple[Evaluation, ...] = ()

    @classmethod
    def of(cls, request: Request, catalog: Catalog) -> Self:
        """The evaluation of a request. Without a driver the newest that serves all its GPUs is assumed.

        Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
        """
        capabilities = tuple(requested.gpu.capability for requested in request.gpus)
        jetpack = jetpack_of(request, catalog)
        driver = request.driver or (driver_of(jetpack) if jetpack else assumed_driver(request, catalog))
        windows = None
        if jetpack is None and (request.driver or request.wsl) and not request.subdir.is_windows:
            windows = driver if request.wsl or is_of_windows(driver, catalog) else None
            driver = linux_branch(driver, catalog.branches, catalog.floors) if windows else driver
        return cls(
            request=request,
            catalog=catalog,
            rules=DriverRules(driver=driver, subdir=request.subdir, builds=catalog, jetpack=jetpack, windows=windows),
            jetpack=jetpack,
            homes=tuple((gpu, only) for gpu in request.gpus if (only := catalog.home(gpu.gpu)) is not None),
            torch=_specifiers(request.torch) if request.torch else None,
            supports=tuple(supports(request, catalog)),
            capabilities=capabilities,
            coverages=_coverages(capabilities),
            computers=tuple(cls.of(one, catalog) for one in computers_of(request, catalog)),
        )

    @property
    def each(self) -> tuple[Evaluation, ...]:
        """The evaluation of each computer by itself."""
        return self.computers or (self,)

    def fully_serves(self, cuda: str) -> bool:
        """True when the driver of each computer serves a toolkit fully."""
        return all(one.rules.fully_serves(cuda) for one in self.each)

    def coverage(self, build: Build) -> Coverage:
        """What a build holds for the GPUs."""
        return self.coverages[is_unified(build.cuda)][build.arch_list]


class _Coverages(dict[str, Coverage]):
    """Arch list -> what it holds for some GPUs. Hundreds of builds share a few dozen lists."""

    def __init__(self, capabilities: Sequence[ComputeCapability], *, is_unified: bool) -> None:
        super().__init__()
        self._capabilities, self._is_unified = capabilities, is_unified

    def __missing__(self, arch_list: str) -> Coverage:
        codes = tuple(code_in(arch_list, capability, is_unified=self._is_unified) for capability in self._capabilities)
        found = self[arch_list] = Coverage(
            codes=codes,
            complete=None not in codes,
            needs_ptx=any(code is not None and code.kind is CodeKind.PTX for code in codes),
        )
        return found


@lru_cache(maxsize=512)
def _coverages(capabilities: Sequence[ComputeCapability]) -> tuple[Mapping[str, Coverage], Mapping[str, Coverage]]:
    """The same for every decision about the same GPUs: before the unified toolkits, and of them."""
    return _Coverages(capabilities, is_unified=False), _Coverages(capabilities, is_unified=True)


@lru_cache(maxsize=256)
def _specifiers(torch: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(torch)
    except InvalidSpecifier as error:
        expected = 'a PEP 440 specifier, such as "==2.14.*" or ">=2.6,<2.9"'
        raise ValueFormatError(kind="version specifier", value=torch, expected=expected, origin="--torch") from error
