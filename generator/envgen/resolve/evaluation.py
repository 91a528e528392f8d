"""One request with what the rules need to know of it, looked up once for all candidate builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, CodeKind, ComputeCapability
from envgen.core.errors import ValueFormatError
from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_in
from envgen.resolve.driver import DriverRules, SupportedGpu, assumed_driver, supports

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

    `supports` are the GPUs whose capability the catalog knows, with the drivers that serve them. `torch` is `--torch`
    as read, None when it was not given.
    """

    request: Request
    catalog: Catalog
    rules: DriverRules
    torch: SpecifierSet | None
    supports: tuple[SupportedGpu, ...]
    capabilities: tuple[ComputeCapability, ...]
    coverages: Mapping[str, Coverage]

    @classmethod
    def of(cls, request: Request, catalog: Catalog) -> Self:
        """The evaluation of a request. Without a driver the newest that serves all its GPUs is assumed.

        Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
        """
        capabilities = tuple(requested.gpu.capability for requested in request.gpus)
        driver = request.driver or assumed_driver(request, catalog)
        return cls(
            request=request,
            catalog=catalog,
            rules=DriverRules(driver=driver, subdir=request.subdir, builds=catalog),
            torch=_specifiers(request.torch) if request.torch else None,
            supports=tuple(supports(request, catalog)),
            capabilities=capabilities,
            coverages=_coverages(capabilities),
        )

    def coverage(self, build: Build) -> Coverage:
        """What a build holds for the GPUs."""
        return self.coverages[build.arch_list]


class _Coverages(dict[str, Coverage]):
    """Arch list -> what it holds for some GPUs. Hundreds of builds share a few dozen lists."""

    def __init__(self, capabilities: Sequence[ComputeCapability]) -> None:
        super().__init__()
        self._capabilities = capabilities

    def __missing__(self, arch_list: str) -> Coverage:
        codes = tuple(code_in(arch_list, capability) for capability in self._capabilities)
        found = self[arch_list] = Coverage(
            codes=codes,
            complete=None not in codes,
            needs_ptx=any(code is not None and code.kind is CodeKind.PTX for code in codes),
        )
        return found


# The same for every decision about the same GPUs.
_coverages = lru_cache(maxsize=512)(_Coverages)


@lru_cache(maxsize=256)
def _specifiers(torch: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(torch)
    except InvalidSpecifier as error:
        expected = 'a PEP 440 specifier, such as "==2.14.*" or ">=2.6,<2.9"'
        raise ValueFormatError(kind="version specifier", value=torch, expected=expected, origin="--torch") from error
