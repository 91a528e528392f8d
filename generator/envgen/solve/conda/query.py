"""What is asked of the conda solver."""

from __future__ import annotations

from dataclasses import field

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.releases import first_of_major
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.solve.conda.channels import all_channels
from envgen.solve.conda.virtual_packages import virtual_packages
from envgen.solve.extras import Extras


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaQuery:
    """One solve: match specs for one subdir over channels (names or URLs, highest priority first).

    `virtual_packages` map `__name` to `version` or `version build`; they are all that the solver knows of the target.
    `extras` are the match specs of the extra packages. One whose name is in `may_lack` is left out when the channels
    have no package of that name for the subdir.
    """

    subdir: Subdir
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    virtual_packages: dict[str, str]
    extras: tuple[str, ...] = ()
    may_lack: frozenset[str] = field(default_factory=frozenset)

    @property
    def all_specs(self) -> tuple[str, ...]:
        """Its match specs, those of the extra packages last."""
        return (*self.specs, *self.extras)


def extras_query(pairing: Pairing, request: Request, extras: Extras) -> CondaQuery:
    """The solve of the extra packages alone, on a host with the newest driver there could be."""
    specs, cuda = (f"python={request.python}",), "" if request.is_cpu else "99.0"
    return _query(pairing, request, extras, specs=specs, cuda=cuda)


def claimed_cuda(build: Build) -> str:
    """The CUDA version that a lock claims of the target's driver: the first of the build's major, none for the CPU."""
    return "" if build.is_cpu else first_of_major(build.cuda)


def conda_query(pairing: Pairing, request: Request, extras: Extras) -> CondaQuery:
    """The solve of a pairing.

    The virtual packages claim no more than every driver at the pairing's floor can serve: the first release of its CUDA
    major. A lock solved with them runs on any driver that the decision allows.
    """
    return _query(pairing, request, extras, specs=pairing.specs, cuda=claimed_cuda(pairing.build))


def _query(pairing: Pairing, request: Request, extras: Extras, *, specs: tuple[str, ...], cuda: str) -> CondaQuery:
    return CondaQuery(
        subdir=request.subdir,
        channels=all_channels(pairing.build.conda.channels, extras.channels),
        specs=specs,
        virtual_packages=virtual_packages(request.subdir, cuda=cuda, glibc=request.glibc),
        extras=extras.match_specs(request.subdir, request.python),
        may_lack=extras.for_both,
    )
