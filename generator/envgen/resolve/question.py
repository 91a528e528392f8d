"""One request with what the rules need to know of it, looked up once and not once for each build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from envgen.core.builds import DriverSupport
from envgen.core.request import Request, RequestedGpu
from envgen.facts.builds import BuildCatalog
from envgen.resolve.driver import DriverRules, assumed_driver, supports
from envgen.resolve.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every build is asked. `supports` are the GPUs whose capability the catalog knows, with their drivers."""

    request: Request
    rules: DriverRules
    options: Options
    supports: tuple[tuple[RequestedGpu, DriverSupport], ...]

    @classmethod
    def of(cls, request: Request, builds: BuildCatalog) -> Self:
        """The question that a request asks. Without a driver the newest that serves all its GPUs is assumed.

        Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
        """
        driver = request.driver or assumed_driver(request, builds)
        return cls(
            request=request,
            rules=DriverRules(driver=driver, subdir=request.subdir, builds=builds),
            options=Options.of(request),
            supports=tuple(supports(request, builds)),
        )
